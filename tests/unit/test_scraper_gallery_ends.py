"""How a walk through a gallery ends: at its end, at a limit, where its layout changes, refused."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import pytest

from artgrab.common.network import NetworkSettings
from artgrab.common.resources import GallerySelectors, GallerySource, Source
from artgrab.scraper.browser import PageError
from artgrab.scraper.robots import Robots
from artgrab.scraper.sources import Found, SourceError, SourceLeftError, Tools
from artgrab.scraper.sources.gallery import Limits, pictures
from artgrab.scraper.sources.gallery_scripts import MORE
from artgrab.scraper.turns import Turns
from artgrab.scraper.web import open_session
from tests.support.playing_hosts import PlayingHosts, playing_hosts

SITE = "http://www.walls.test"
LIMITS = Limits(patience_seconds=(0.0,))


def page(first: int, end: int) -> str:
    """Return the HTML of some items."""
    return "".join(f"<figure><a href='/{n}.jpg'></a></figure>" for n in range(first, end))


class PagesBrowser:
    """Shows pages and the links between them; has neither scripts nor a screen."""

    def __init__(self, pages: Mapping[str, str], statuses: Mapping[str, int]) -> None:
        self._pages = pages
        self._statuses = statuses
        self._path = ""

    async def open(self, url: str) -> int:
        self._path = url.removeprefix(SITE)
        if self._path not in self._pages:
            raise PageError("no answer")
        return self._statuses.get(self._path, 200)

    async def run(self, script: str, *arguments: object) -> object:
        paths = list(self._pages)
        following = paths[paths.index(self._path) + 1 :]
        return f"{SITE}{following[0]}" if script == MORE and following else None

    async def html(self) -> bytes:
        return self._pages[self._path].encode()

    async def address(self) -> str:
        return SITE + self._path


@pytest.fixture
async def hosts() -> AsyncIterator[PlayingHosts]:
    """Only robots.txt is asked over the network."""
    async with playing_hosts() as playing:
        yield playing


@asynccontextmanager
async def tools(
    network: NetworkSettings, pages: Mapping[str, str], statuses: Mapping[str, int]
) -> AsyncIterator[Tools]:
    browser = PagesBrowser(pages, statuses)

    async def get() -> PagesBrowser:
        return browser

    async with open_session(network) as session:
        yield Tools(
            network=network,
            session=session,
            robots=Robots(session),
            browser=get,
            turns=Turns(),
            sleep=_no_sleep,
        )


async def _no_sleep(seconds: float) -> None:
    await asyncio.sleep(0)


Walk = Callable[..., Awaitable[tuple[list[Found], str]]]


@pytest.fixture
def walk(hosts: PlayingHosts) -> Walk:
    """Go through pages to their end; returns what was found and what was complained of."""

    async def _walk(
        pages: Mapping[str, str],
        *,
        limits: Limits = LIMITS,
        statuses: Mapping[str, int] | None = None,
        seconds: float = 0.0,
        network: NetworkSettings | None = None,
    ) -> tuple[list[Found], str]:
        selectors = GallerySelectors(item="figure", image="a::attr(href)", more="a.next")
        source = Source(gallery=GallerySource(url=f"{SITE}/1", selectors=selectors))
        times = iter(number * seconds for number in range(10_000))
        found: list[Found] = []
        async with tools(network or hosts.network, pages, statuses or {}) as given:
            try:
                batches = pictures(
                    source, "x", tools=given, limits=limits, clock=lambda: next(times)
                )
                async for batch in batches:
                    found += batch
            except SourceError as error:
                return found, f"{type(error).__name__}: {error}"
        return found, ""

    return _walk


async def test_pages_that_come_to_their_end_are_no_matter(walk: Walk) -> None:
    found, complaint = await walk({"/1": page(0, 3), "/2": page(3, 5)})
    assert (len(found), complaint) == (5, "")


async def test_a_layout_that_changes_in_mid_run_is_told_with_the_selector_at_fault(
    walk: Walk,
) -> None:
    moved = "<div class=card><a href='/9.jpg'></a></div>"
    found, complaint = await walk({"/1": page(0, 3), "/2": moved, "/3": moved})
    assert len(found) == 3
    assert complaint == (
        "SourceLeftError: on 2 of 3 pages: http://www.walls.test/2: nothing matches the item "
        "selector 'figure'; the layout has changed, or that is the end"
    )


async def test_a_page_in_between_that_is_laid_out_otherwise_hides_none_of_the_others(
    walk: Walk,
) -> None:
    found, complaint = await walk({"/1": page(0, 3), "/2": "<figure></figure>", "/3": page(3, 6)})
    assert len(found) == 6
    assert "on 1 of 3 pages" in complaint
    assert "the image selector 'a::attr(href)' finds no address" in complaint


async def test_a_gallery_without_an_end_is_left_after_its_most_pages(walk: Walk) -> None:
    endless = {f"/{number}": page(number, number + 1) for number in range(1, 50)}
    limits = Limits(pages=7, patience_seconds=(0.0,))
    found, complaint = await walk(endless, limits=limits)
    assert len(found) == 7
    assert complaint.endswith("/7 goes on after 7 pages; it was left there")
    assert complaint.startswith(SourceLeftError.__name__)


async def test_a_gallery_without_an_end_is_left_after_its_most_pictures(walk: Walk) -> None:
    endless = {f"/{number}": page(number * 10, number * 10 + 10) for number in range(1, 50)}
    limits = Limits(pictures=25, patience_seconds=(0.0,))
    found, complaint = await walk(endless, limits=limits)
    assert len(found) == 30
    assert "goes on after 30 pictures" in complaint


async def test_a_gallery_that_takes_too_long_is_left(walk: Walk) -> None:
    endless = {f"/{number}": page(number, number + 1) for number in range(1, 99)}
    found, complaint = await walk(endless, seconds=60.0)
    assert len(found) == 15  # each page is looked at twice: it may grow while it is scrolled
    assert "goes on after 30 minutes" in complaint


async def test_a_site_that_blocks_us_after_some_pages_keeps_what_it_gave(walk: Walk) -> None:
    found, complaint = await walk({"/1": page(0, 3), "/2": page(3, 5)}, statuses={"/2": 403})
    assert len(found) == 3
    assert complaint == (
        "SourceError: http://www.walls.test/2 answers with status 403: missing, or we are blocked"
    )


async def test_a_site_that_is_down_is_told_as_that_and_not_as_its_robots_txt(
    walk: Walk, hosts: PlayingHosts
) -> None:
    closed = NetworkSettings(resolve={"*": "127.0.0.1:1"})
    found, complaint = await walk({"/1": page(0, 3)}, network=closed)
    assert found == []
    assert complaint == (
        "SourceError: http://www.walls.test/robots.txt cannot be had (connection refused), so "
        "http://www.walls.test/1 may not be opened now (RFC 9309)"
    )


async def test_a_name_that_dns_does_not_know_is_told_as_that(walk: Walk) -> None:
    _, complaint = await walk({"/1": page(0, 3)}, network=NetworkSettings())
    assert "robots.txt cannot be had (DNS does not know its name)" in complaint


async def test_rules_that_fail_on_their_server_are_told_with_the_status(
    walk: Walk, hosts: PlayingHosts
) -> None:
    hosts.put(f"{SITE}/robots.txt", status=503)
    _, complaint = await walk({"/1": page(0, 3)})
    assert "robots.txt answers with status 503" in complaint


async def test_rules_that_forbid_a_page_are_told_as_that(walk: Walk, hosts: PlayingHosts) -> None:
    hosts.put(f"{SITE}/robots.txt", b"User-agent: *\nDisallow: /1\n")
    _, complaint = await walk({"/1": page(0, 3)})
    assert complaint.endswith("robots.txt of walls.test forbids to open http://www.walls.test/1")
