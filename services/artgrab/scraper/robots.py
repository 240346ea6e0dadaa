"""robots.txt (RFC 9309): what a site asks of visitors that are programs."""

import aiohttp
from protego import Protego
from yarl import URL

from artgrab.common.network import PRODUCT
from artgrab.scraper.web import read_at_most

MAX_BYTES = 512_000
"""RFC 9309, 2.5: parsers must take at least 500 KiB."""
MAX_DELAY_SECONDS = 30.0
_MAX_REDIRECTS = 5
_ALL = Protego.parse("")
_NONE = Protego.parse("User-agent: *\nDisallow: /\n")


class Robots:
    """Knows the rules of each origin it was asked about, for as long as one scrape lasts."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._rules: dict[URL, Protego] = {}

    async def allows(self, url: str) -> bool:
        """Tell whether we may open a page; a site whose rules cannot be had forbids all."""
        return bool((await self._rules_for(url)).can_fetch(url, PRODUCT))

    async def delay(self, url: str) -> float:
        """Return seconds the site wants between two pages (Crawl-delay), within reason."""
        asked = (await self._rules_for(url)).crawl_delay(PRODUCT) or 0.0
        return min(max(float(asked), 0.0), MAX_DELAY_SECONDS)

    async def _rules_for(self, url: str) -> Protego:
        origin = URL(url).origin()
        if origin not in self._rules:
            self._rules[origin] = await self._fetch(origin / "robots.txt")
        return self._rules[origin]

    async def _fetch(self, url: URL) -> Protego:
        try:
            async with self._session.get(url, max_redirects=_MAX_REDIRECTS) as response:
                if 400 <= response.status < 500:
                    return _ALL
                if response.status != 200:
                    return _NONE
                text = await read_at_most(response, MAX_BYTES)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return _NONE
        return Protego.parse(text.decode("utf-8", errors="replace"))
