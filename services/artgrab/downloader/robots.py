"""The robots.txt of the sites that pictures come from."""

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple

from artgrab.common.robots import MAX_BYTES, MAX_REDIRECTS, RobotsRules
from artgrab.common.urls import site_of
from artgrab.downloader.errors import FetchError, RefusedError
from artgrab.downloader.fetch import REDIRECTS, Web, absolute
from artgrab.downloader.hosts import Hosts

_KNOWN_SECONDS = 24 * 3600.0
"""RFC 9309, 2.4: not to be believed for longer."""
_UNKNOWN_SECONDS = 60.0
_MAX_ORIGINS = 8192


class _Rules(NamedTuple):
    rules: RobotsRules | None
    until: float
    problem: str = ""
    """Why there are no rules: nothing is allowed, and nothing asked for, until then."""


class Robots:
    """The rules of each origin, fetched once and kept for a day."""

    def __init__(
        self, web: Web, hosts: Hosts, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._web = web
        self._hosts = hosts
        self._clock = clock
        self._known: dict[str, _Rules] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def check(self, url: str, *, origin: str) -> None:
        """Return when a URL of this origin may be fetched.

        Raises:
            RefusedError: robots.txt forbids it.
            FetchError: the rules cannot be had at the moment, or the target is not allowed.
            RetryLaterError: the host is busy.
        """
        rules, _, problem = await self._rules(origin)
        if rules is None:
            raise FetchError(problem, passing=True)
        if not rules.allows(url):
            raise RefusedError("robots", signals=("robots.txt: disallow",))

    async def _rules(self, origin: str) -> _Rules:
        lock = self._locks.setdefault(origin, asyncio.Lock())
        try:
            async with lock:
                known = self._known.get(origin)
                if known is None or known.until < self._clock():
                    known = await self._learn(origin)
                return known
        finally:
            if not lock.locked():
                self._locks.pop(origin, None)

    async def _learn(self, origin: str) -> _Rules:
        if len(self._known) >= _MAX_ORIGINS:
            self._known.clear()
        try:
            rules = RobotsRules(await self._fetch(f"{origin}/robots.txt"))
            self._hosts.slow_down(site_of(origin), spacing=rules.delay)
            known = _Rules(rules, self._clock() + _KNOWN_SECONDS)
        except FetchError as error:
            if error.reason == "private-address":
                raise
            problem = error.reason if error.passing else "robots-unavailable"
            known = _Rules(None, self._clock() + _UNKNOWN_SECONDS, problem)
        self._known[origin] = known
        return known

    async def _fetch(self, url: str) -> bytes:
        """Return the text of the rules, empty where there are none (a status of 4xx)."""
        for _ in range(MAX_REDIRECTS + 1):
            async with self._hosts.turn(site_of(url)), self._web.get(url) as reply:
                if reply.status in REDIRECTS:
                    url = absolute(reply.url, reply.headers.get("Location", ""))
                    continue
                if reply.status == 429 or reply.status >= 500:
                    raise FetchError("robots-unavailable", passing=True)
                if reply.status != 200:
                    return b""
                return await reply.read_first(MAX_BYTES)
        return b""
