"""robots.txt (RFC 9309): what a site asks of visitors that are programs."""

import aiohttp
from protego import Protego
from yarl import URL

from artgrab.common.network import PRODUCT
from artgrab.scraper.web import read_at_most

MAX_BYTES = 512_000
"""RFC 9309, 2.5: parsers must take at least 500 KiB."""
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
        origin = URL(url).origin()
        if origin not in self._rules:
            self._rules[origin] = await self._fetch(origin / "robots.txt")
        return bool(self._rules[origin].can_fetch(url, PRODUCT))

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
