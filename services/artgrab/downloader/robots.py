"""The robots.txt of the sites that pictures come from."""

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple

from artgrab.common.politeness.robots import KNOWN_SECONDS, MAX_BYTES, RobotsRules
from artgrab.common.urls import site_of
from artgrab.downloader.errors import FetchError, RefusedError
from artgrab.downloader.fetch import Web
from artgrab.downloader.hosts import Hosts
from artgrab.downloader.origins import UNKNOWN_SECONDS, Learned, Origins, small_file


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
        if rules.is_large:
            await asyncio.to_thread(_check, url, rules)
        else:
            _check(url, rules)
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
        rules = await asyncio.to_thread(RobotsRules, text)  # half a megabyte takes its time
        self._hosts.slow_down(site_of(origin), spacing=rules.delay)
        return Learned(_Rules(rules), KNOWN_SECONDS)


def _check(url: str, rules: RobotsRules) -> None:
    if not rules.allows(url):
        raise RefusedError("robots", signals=("robots.txt: disallow",))
    if signals := rules.opt_outs(url):
        raise RefusedError("opt-out", signals=signals)
