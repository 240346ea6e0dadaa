"""The robots.txt of the sites whose pages are opened."""

import aiohttp
from yarl import URL

from artgrab.common.robots import FORBID_ALL, MAX_BYTES, MAX_REDIRECTS, RobotsRules
from artgrab.common.urls import site_of
from artgrab.scraper.web import failure, read_at_most

MAX_DELAY_SECONDS = 30.0


class Robots:
    """Knows the rules of each origin it was asked about, for as long as one scrape lasts."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._rules: dict[URL, RobotsRules] = {}
        self._troubles: dict[URL, str] = {}

    async def allows(self, url: str) -> bool:
        """Tell whether we may open a page; a site whose rules cannot be had forbids all."""
        return (await self._rules_for(url)).allows(url)

    async def refusal(self, url: str) -> str:
        """Say why we may not open a page; empty where we may."""
        if await self.allows(url):
            return ""
        if trouble := self._troubles.get(URL(url).origin()):
            return f"{trouble}, so {url} may not be opened now (RFC 9309)"
        return f"robots.txt of {site_of(url)} forbids to open {url}"

    async def delay(self, url: str) -> float:
        """Return seconds the site wants between two pages, within reason."""
        return min((await self._rules_for(url)).delay, MAX_DELAY_SECONDS)

    async def _rules_for(self, url: str) -> RobotsRules:
        origin = URL(url).origin()
        if origin not in self._rules:
            self._rules[origin] = await self._fetch(origin / "robots.txt")
        return self._rules[origin]

    async def _fetch(self, url: URL) -> RobotsRules:
        try:
            async with self._session.get(url, max_redirects=MAX_REDIRECTS) as response:
                if 400 <= response.status < 500:
                    return RobotsRules(b"")
                if response.status != 200:
                    return self._unknown(url, f"answers with status {response.status}")
                return RobotsRules(await read_at_most(response, MAX_BYTES))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return self._unknown(url, f"cannot be had ({failure(error)})")

    def _unknown(self, url: URL, trouble: str) -> RobotsRules:
        self._troubles[url.origin()] = f"{url} {trouble}"
        return FORBID_ALL
