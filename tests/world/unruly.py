"""Galleries that do not go as they began: they change, never end, are slow, or turn us away.

`UNRULY` is the one table; the world serves it, and a test runs the whole command on each.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from tests.world.catalogue import Catalogue, Picture
from tests.world.sites import Answer, host_of
from tests.world.troubles import picture_response

CATEGORY = "energy"
"""Whose pictures they show."""
PICTURES_OF_A_PAGE = 4
_LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class Unruly:
    """A gallery and what is the matter with it, by the numbers of its pages from 1."""

    name: str
    pages: int | None = 4
    """None: it has no end."""
    moved_from: int | None = None
    """From this page on its items are laid out otherwise."""
    seconds: float = 0.0
    """What each page takes."""
    hangs_from: int | None = None
    """From this page on there is no answer at all."""
    page_requests: int | None = None
    """So many pages it gives away, then it says 403, whichever is asked for."""
    picture_requests: int | None = None
    """As many pictures, then 403."""

    @property
    def url(self) -> str:
        return f"http://www.{self.name}.test/?page=1"


UNRULY = (
    Unruly("moves-house", pages=3, moved_from=3),
    Unruly("never-ends", pages=None),
    Unruly("takes-its-time", seconds=0.7),
    Unruly("falls-silent", hangs_from=3),
    Unruly("shuts-its-pages", page_requests=2),
    Unruly("shuts-at-once", page_requests=0),
    Unruly("shuts-its-pictures", pages=5, picture_requests=6),
)
BY_NAME: Mapping[str, Unruly] = {one.name: one for one in UNRULY}


class UnrulySites:
    """The hosts of these galleries; what they have given away is counted for as long as it runs."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._pictures = catalogue.published[CATEGORY]
        self._given: Counter[str] = Counter()

    def handler(self, host: str, path: str) -> Answer | None:
        """Return what answers for a page or a picture of these galleries."""
        kind, _, name = host.removesuffix(".test").partition(".")
        if name not in BY_NAME:
            return None
        if kind == "www" and path == "/":
            return self._page
        return self._picture if kind == "img" and path[1:2].isdecimal() else None

    async def _page(self, request: web.Request) -> web.StreamResponse:
        site, number = _site(request), int(request.query["page"])
        self._give_away(request, site.page_requests)
        await asyncio.sleep(site.seconds)  # what these sites are for
        if site.hangs_from is not None and number >= site.hangs_from:
            await _until_left(request)
        return web.Response(text=_html(site, number, self._shown(number)), content_type="text/html")

    async def _picture(self, request: web.Request) -> web.StreamResponse:
        self._give_away(request, _site(request).picture_requests)
        number = int(request.path.split("/")[1])
        picture = self._pictures[number % len(self._pictures)]
        return await picture_response(request, self._catalogue.path(picture))

    def _give_away(self, request: web.Request, most: int | None) -> None:
        host = host_of(request)
        if most is not None and self._given[host] >= most:
            raise web.HTTPForbidden
        self._given[host] += 1

    def _shown(self, page: int) -> list[tuple[int, Picture]]:
        first = (page - 1) * PICTURES_OF_A_PAGE
        numbers = range(first, first + PICTURES_OF_A_PAGE)
        return [(number, self._pictures[number % len(self._pictures)]) for number in numbers]


async def _until_left(request: web.Request) -> None:
    while request.transport is not None and not request.transport.is_closing():
        await asyncio.sleep(_LOOK_SECONDS)  # aiohttp tells nobody when a visitor leaves


def _site(request: web.Request) -> Unruly:
    return BY_NAME[host_of(request).removesuffix(".test").partition(".")[2]]


def _html(site: Unruly, number: int, shown: list[tuple[int, Picture]]) -> str:
    element = "div" if site.moved_from is not None and number >= site.moved_from else "figure"
    items = (
        f"<{element}><a href='http://img.{site.name}.test/{place}/{picture.name}'>"
        f"{picture.title}</a></{element}>"
        for place, picture in shown
    )
    more = site.pages is None or number < site.pages
    link = f"<a class=next href='/?page={number + 1}'>more</a>" if more else ""
    return f"<!doctype html><title>{site.name}</title>{''.join(items)}{link}"
