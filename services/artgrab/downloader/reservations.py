"""TDMRep: what a host reserves from text and data mining, in its /.well-known/tdmrep.json.

W3C community group report of 2024. A reservation with a policy is honoured as one without: we
cannot negotiate; where the policy lies is recorded.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from artgrab.common.politeness.optouts import bounded_signals
from artgrab.common.politeness.robots import KNOWN_SECONDS, PathPreferences
from artgrab.common.unreadable import UNREADABLE
from artgrab.common.urls import parse_url, site_of
from artgrab.downloader.errors import FetchError, RefusedError
from artgrab.downloader.fetch import Web
from artgrab.downloader.hosts import Hosts
from artgrab.downloader.origins import (
    UNKNOWN_SECONDS,
    Learned,
    Origins,
    at_cost_of,
    search,
    small_file,
)

PATH = "/.well-known/tdmrep.json"
MAX_BYTES = 256 * 1024
_MAX_RULES = 1000
_RESERVED = "tdm-reservation 1"
_Rules = PathPreferences | None
"""None where the file cannot be had."""


class Reservations:
    """The reservations of each origin, fetched once and kept for a day."""

    def __init__(
        self, web: Web, hosts: Hosts, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._web = web
        self._hosts = hosts
        self._origins = Origins(self._learn, clock=clock)

    async def check(self, url: str, *, origin: str) -> bool:
        """Return when a URL of this origin is not reserved; False where that cannot be known.

        Raises:
            RefusedError: it is reserved.
            RetryLaterError: the host is busy.
        """
        rules = await self._origins.get(origin)
        if rules is None:
            return False
        signals = await search(
            url, lambda: signals_at(url, rules), hosts=self._hosts, rules_bytes=rules.bytes
        )
        if signals:
            raise RefusedError("opt-out", signals=signals)
        return True

    async def _learn(self, origin: str) -> Learned[_Rules]:
        url = f"{origin}{PATH}"
        try:
            body = await small_file(url, web=self._web, hosts=self._hosts, limit=MAX_BYTES)
        except FetchError:
            return Learned(None, UNKNOWN_SECONDS)
        rules = await at_cost_of(
            site_of(origin), lambda: parse_reservations(body), hosts=self._hosts
        )
        return Learned(rules, KNOWN_SECONDS, rules.bytes)


def signals_at(url: str, rules: PathPreferences) -> tuple[str, ...]:
    """Return the signals against mining what lies at a URL."""
    kinds = rules.kinds(url)
    policies = (f"tdmrep.json: tdm-policy {kind}" for kind in kinds if kind != _RESERVED)
    return bounded_signals((f"tdmrep.json: {_RESERVED}", *policies)) if kinds else ()


def parse_reservations(body: bytes) -> PathPreferences:
    """Read a tdmrep.json; whatever it holds besides good rules says nothing."""
    try:
        found = msgspec.json.decode(body) if body else []
    except UNREADABLE:
        found = []
    rules = found if isinstance(found, list) else [found]
    return PathPreferences(rule for one in rules[:_MAX_RULES] for rule in _rules(one))


def _rules(one: Any) -> Iterator[tuple[str, str]]:
    """Yield pattern and kind of a rule; the kind of a reservation is its policy, if it has one."""
    if not isinstance(one, dict):
        return
    reserved = one.get("tdm-reservation")
    if reserved not in (0, 1, "0", "1"):
        return
    policy = one.get("tdm-policy")
    kind = policy if isinstance(policy, str) and policy else _RESERVED
    yield _pattern(one.get("location")), kind if str(int(reserved)) == "1" else ""


def _pattern(location: Any) -> str:
    """Return the pattern of a location, a path or careless a URL; all of the host where none."""
    if not isinstance(location, str) or not location:
        return "/"
    if "://" in location:
        try:
            location = parse_url(location, encoded=True).raw_path
        except ValueError:
            return "/"
    return location if location.startswith(("/", "*")) else f"/{location}"
