"""The walk through a gallery with a played browser: what no real page can be made to do quickly."""

import pytest

from artgrab.common.network import NetworkSettings
from artgrab.common.resources import GallerySelectors, GallerySource, Source
from artgrab.scraper.browser import Browser, PageError
from artgrab.scraper.robots import Robots
from artgrab.scraper.sources import SourceError, Tools
from artgrab.scraper.sources.gallery import pictures
from artgrab.scraper.turns import Turns
from artgrab.scraper.web import open_session
from tests.support.playing_hosts import playing_hosts


class _HeldUpBrowser:
    """Opens a page whose script then never ends."""

    async def open(self, url: str) -> int:
        return 200

    async def run(self, script: str, *arguments: object) -> None:
        raise PageError("timeout")

    async def html(self) -> bytes:
        raise PageError("timeout")

    async def address(self) -> str:
        raise PageError("timeout")


async def test_a_page_whose_script_never_ends_is_the_trouble_of_its_source_alone() -> None:
    async def browser() -> Browser:
        return _HeldUpBrowser()

    async def sleep(seconds: float) -> None:
        raise AssertionError("there is no further page to wait for")

    gallery = GallerySource(
        url="http://www.gallery.test/", selectors=GallerySelectors(item="a", image="::attr(href)")
    )
    async with playing_hosts() as hosts, open_session(hosts.network) as session:
        tools = Tools(
            network=NetworkSettings(),
            session=session,
            robots=Robots(session),
            browser=browser,
            turns=Turns(),
            sleep=sleep,
        )
        with pytest.raises(SourceError, match="nothing matches"):
            assert not [batch async for batch in pictures(Source(gallery=gallery), "", tools=tools)]
