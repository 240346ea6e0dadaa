"""The robots.txt of the sites that pictures come from."""

import time
from collections.abc import Callable
from typing import NamedTuple

from artgrab.common.politeness.robots import KNOWN_SECONDS, MAX_BYTES, RobotsRules
from artgrab.common.urls import site_of
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


class _Rules(NamedTuple):
    rules: RobotsRules | None
    problem: str = ""
    """Why there are no rules: nothing is allowed, and nothing asked for, until they expire."""


class Robots:
    """The rules of each origin, fetched once and kept for a day."""

    def __init__(
        self, web: Web, hosts: Hosts, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._web = web
        self._hosts = hosts
        self._origins = Origins(self._learn, clock=clock)

    async def check(self, url: str, *, origin: str) -> RobotsRules:
        """Return the rules of an origin when a URL of it may be fetched.

        Raises:
            RefusedError: robots.txt forbids it, or what is said on usage in it.
            FetchError: the rules cannot be had at the moment, or the target is not allowed.
            RetryLaterError: the host is busy.
        """
        rules, problem = await self._origins.get(origin)
        if rules is None:
            raise FetchError(problem, passing=True)
        self._hosts.slow_down(site_of(origin), spacing=rules.delay)  # sites are forgotten sooner
        allowed, signals = await search(
            url,
            lambda: (rules.allows(url), rules.opt_outs(url)),
            hosts=self._hosts,
            rules_bytes=rules.bytes,
        )
        if not allowed:
            raise RefusedError("robots", signals=("robots.txt: disallow",))
        if signals:
            raise RefusedError("opt-out", signals=signals)
        return rules

    async def _learn(self, origin: str) -> Learned[_Rules]:
        url = f"{origin}/robots.txt"
        try:
            text = await small_file(url, web=self._web, hosts=self._hosts, limit=MAX_BYTES)
        except FetchError as error:
            if error.reason == "private-address":
                raise
            known = error.passing and error.reason != "unavailable"
            problem = error.reason if known else "robots-unavailable"
            return Learned(_Rules(None, problem), UNKNOWN_SECONDS)
        rules = await at_cost_of(site_of(origin), lambda: RobotsRules(text), hosts=self._hosts)
        return Learned(_Rules(rules), KNOWN_SECONDS, rules.bytes)
