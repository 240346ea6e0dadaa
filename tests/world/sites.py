"""All virtual hosts of the demo world in one server, told apart by the Host header."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Protocol

from aiohttp import web

from tests.world.catalogue import Catalogue
from tests.world.hosts import Gallery, Hosts, Listing, address
from tests.world.pages import View, gallery_page, landing_page, more_items
from tests.world.troubles import Troubles, picture_response

_MORE_SECONDS = 0.15
"""What a "load more" button has to wait for its answer."""
_ROBOTS = "User-agent: *\nAllow: /\n"
_MAX_PAGE = 1000
LOG_HOST = "log.test"
"""Where other processes read what was asked; what they ask is not kept."""

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class SeenRequest:
    """A request that some host was sent and has answered."""

    host: str
    path: str
    """With the query string."""
    user_agent: str
    status: int
    time: float
    """Seconds since the epoch, when the answer began."""


class RequestLog:
    """What was asked of the world, in the order of the answers."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._seen: list[SeenRequest] = []
        self._clock = clock

    async def note(self, request: web.Request, response: web.StreamResponse) -> None:
        """Keep a request; aiohttp calls it when an answer's headers are ready."""
        if host_of(request) == LOG_HOST:
            return
        self._seen.append(
            SeenRequest(
                host=host_of(request),
                path=request.path_qs,
                user_agent=request.headers.get("User-Agent", ""),
                status=response.status,
                time=self._clock(),
            )
        )

    def select(self, *, host: str = "*", path: str = "*") -> list[SeenRequest]:
        """Return what matches both shell patterns."""
        return [
            seen
            for seen in self._seen.copy()
            if fnmatchcase(seen.host, host) and fnmatchcase(seen.path, path)
        ]


class Site(Protocol):
    """A part of the world with hosts of its own."""

    def handler(self, host: str, path: str) -> Answer | None:
        """Return what answers at an address, None where that is not this site's."""


def host_of(request: web.Request) -> str:
    """Return the host that a request is for, in lower case and without a port."""
    return request.host.partition(":")[0].lower()


class Sites:
    """Dispatch by host and path; everything unknown is 404."""

    def __init__(
        self, catalogue: Catalogue, hosts: Hosts, *, scripts: Path, others: tuple[Site, ...] = ()
    ) -> None:
        self._catalogue = catalogue
        self.troubles = Troubles(catalogue)
        self._galleries = {**hosts.galleries, self.troubles.gallery.host: self.troubles.gallery}
        self._hosts = hosts
        self._pages = _pages(hosts, self.troubles.gallery)
        self._scripts = {path.name: path for path in scripts.iterdir()}
        self._thumbnails = {
            f"{listing.picture.sha256}.jpg": catalogue.thumbnail(listing.picture)
            for gallery in self._galleries.values()
            for listing in gallery.listings
        }
        self._others = others

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer any request of the world."""
        host, path = host_of(request), request.path
        for site in self._others:
            if other := site.handler(host, path):
                return await other(request)
        if path == "/robots.txt":
            return web.Response(text=self.troubles.robots(host) or _ROBOTS)
        if trouble := self.troubles.handler(host, path):
            return await trouble(request)
        if gallery := self._galleries.get(host):
            return await self._gallery(request, gallery)
        return await self._site(request, host, path)

    async def _site(self, request: web.Request, host: str, path: str) -> web.StreamResponse:
        if listing := self._hosts.images.get((host, path)):
            return await picture_response(request, self._catalogue.path(listing.picture))
        if listing := self._pages.get((host, path)):
            return _html(landing_page(listing))
        raise web.HTTPNotFound

    async def _gallery(self, request: web.Request, gallery: Gallery) -> web.StreamResponse:
        folder, _, name = request.path.removeprefix("/").rpartition("/")
        files = {"scripts": self._scripts, "thumbnails": self._thumbnails}
        file = files.get(folder, {}).get(name)
        if file:
            return web.FileResponse(file)
        match request.path:
            case "/" | "/gallery":
                return _html(gallery_page(gallery, _view(request)))
            case "/more":
                await asyncio.sleep(_MORE_SECONDS)
                return web.json_response(more_items(gallery, _view(request)))
        raise web.HTTPNotFound


def _pages(hosts: Hosts, troubles: Gallery) -> Mapping[tuple[str, str], Listing]:
    return {**hosts.pages, **{address(one.page_url): one for one in troubles.listings}}


def _html(text: str) -> web.Response:
    return web.Response(text=text, content_type="text/html")


def _view(request: web.Request) -> View:
    limit = request.query.get("limit")
    return View(
        query=request.query.get("q", ""),
        limit=None if limit is None else _number(limit, least=0),
        page=min(_number(request.query.get("page", "1"), least=1), _MAX_PAGE),
    )


def _number(text: str, *, least: int) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 6 or int(text) < least:
        raise web.HTTPBadRequest(text=f"a number from {least} is wanted, not {text[:20]!r}\n")
    return int(text)


def application(sites: Sites, log: RequestLog) -> web.Application:
    """Return the aiohttp application that is the whole world."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if host_of(request) == LOG_HOST:
            return _told(request, log)
        return await sites.answer(request)

    app = web.Application()
    app.on_response_prepare.append(log.note)
    app.router.add_route("*", "/{path:.*}", answer)
    return app


def _told(request: web.Request, log: RequestLog) -> web.Response:
    """Tell the requests that match the shell patterns in the query, `host` and `path`."""
    if request.path != "/requests":
        raise web.HTTPNotFound
    patterns = {name: request.query.get(name, "*") for name in ("host", "path")}
    return web.json_response([asdict(seen) for seen in log.select(**patterns)])
