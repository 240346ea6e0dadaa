"""The robots.txt of the sites whose pages are opened."""

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple

import aiohttp
from yarl import URL

from artgrab.common.politeness.robots import (
    FORBID_ALL,
    KNOWN_SECONDS,
    MAX_BYTES,
    MAX_REDIRECTS,
    RobotsRules,
)
from artgrab.common.urls import site_of
from artgrab.scraper.web import failure, read_at_most

MAX_DELAY_SECONDS = 30.0


class _Known(NamedTuple):
    rules: RobotsRules
    until: float
    trouble: str = ""
    """Why the rules cannot be had; then all is forbidden."""


class Robots:
    """Knows the rules of each origin it was asked about, for a day at most."""

    def __init__(
        self, session: aiohttp.ClientSession, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._session = session
        self._clock = clock
        self._known: dict[URL, _Known] = {}

    async def allows(self, url: str) -> bool:
        """Tell whether we may open a page; a site whose rules cannot be had forbids all."""
        return (await self._get(url)).rules.allows(url)

    async def refusal(self, url: str) -> str:
        """Say why we may not open a page; empty where we may."""
        known = await self._get(url)
        if known.rules.allows(url):
            return ""
        if known.trouble:
            return f"{known.trouble}, so {url} may not be opened now (RFC 9309)"
        return f"robots.txt of {site_of(url)} forbids to open {url}"

    async def refusal_by_name(self, url: str) -> str:
        """Say why we may not ask an API; empty where we may.

        An API invites programs by its terms, and robots.txt speaks to crawlers: wikis forbid theirs
        to all of them. So only a group that names us counts.
        """
        known = await self._get(url)
        if known.rules.names_us and not known.rules.allows(url):
            return f"robots.txt of {site_of(url)} forbids artgrab by name to ask {url}"
        return ""

    async def opt_outs(self, url: str) -> tuple[str, ...]:
        """Return what the rules say against learning from the page at a URL."""
        return (await self._get(url)).rules.opt_outs(url)

    async def delay(self, url: str) -> float:
        """Return seconds the site wants between two pages, within reason."""
        return min((await self._get(url)).rules.delay, MAX_DELAY_SECONDS)

    async def _get(self, url: str) -> _Known:
        origin = URL(url).origin()
        known = self._known.get(origin)
        if known is None or known.until < self._clock():
            known = self._known[origin] = await self._learn(origin / "robots.txt")
        return known

    async def _learn(self, url: URL) -> _Known:
        until = self._clock() + KNOWN_SECONDS
        try:
            async with self._session.get(url, max_redirects=MAX_REDIRECTS + 1) as response:
                if response.status == 429 or not 200 <= response.status < 500:
                    trouble = f"{url} answers with status {response.status}"
                    return _Known(FORBID_ALL, until, trouble)
                text = await read_at_most(response, MAX_BYTES) if response.status == 200 else b""
        except aiohttp.TooManyRedirects:
            text = b""  # RFC 9309, 2.3.1.2: as if there were none
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return _Known(FORBID_ALL, until, f"{url} cannot be had ({failure(error)})")
        return _Known(await asyncio.to_thread(RobotsRules, text), until)
