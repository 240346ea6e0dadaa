"""Hosts that say no, in small: what an image site may do to a visitor."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from aiohttp import web

from tests.world.catalogue import TROUBLES, Catalogue, Picture
from tests.world.hosts import Gallery, Listing, Style, address

_SLOW_SECONDS = 2.0
_HTML = "<!doctype html><title>Please sign in</title><h1>Please sign in</h1>" + " " * 400

Handler = Callable[[web.Request, Path], Awaitable[web.StreamResponse]]


async def picture_response(request: web.Request, path: Path) -> web.StreamResponse:
    """Answer with a file as it is; its type follows from its name."""
    return web.FileResponse(path, headers={"Content-Type": content_type(path)})


def content_type(path: Path) -> str:
    """Return the media type of a picture by its suffix (the standard table lacks WEBP)."""
    suffix = path.suffix.lower().removeprefix(".")
    return f"image/{'jpeg' if suffix in ('jpg', 'jpeg') else suffix}"


async def _noai(request: web.Request, path: Path) -> web.StreamResponse:
    headers = {"Content-Type": content_type(path), "X-Robots-Tag": "noai, noimageai"}
    return web.FileResponse(path, headers=headers)


async def _missing(request: web.Request, path: Path) -> web.StreamResponse:
    raise web.HTTPNotFound


async def _moved(request: web.Request, path: Path) -> web.StreamResponse:
    raise web.HTTPFound(f"http://img.good.test{request.path}")


async def _not_a_picture(request: web.Request, path: Path) -> web.StreamResponse:
    return web.Response(text=_HTML, content_type="image/jpeg")


async def _slow(request: web.Request, path: Path) -> web.StreamResponse:
    content = await asyncio.to_thread(path.read_bytes)
    response = web.StreamResponse(headers={"Content-Type": content_type(path)})
    response.content_length = len(content)
    await response.prepare(request)
    half = len(content) // 2
    await response.write(content[:half])
    await asyncio.sleep(_SLOW_SECONDS)
    await response.write(content[half:])
    return response


def _once(refusal: Callable[[], web.HTTPException]) -> Handler:
    refused = False

    async def handler(request: web.Request, path: Path) -> web.StreamResponse:
        nonlocal refused
        if not refused:
            refused = True
            raise refusal()
        return await picture_response(request, path)

    return handler


def _busy() -> web.HTTPException:
    return web.HTTPTooManyRequests(headers={"Retry-After": "1"})


class Troubles:
    """The troublesome hosts of one start of the world; two remember that they were asked."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._handlers: Mapping[str, Handler] = {
            "good": picture_response,
            "refusing": picture_response,
            "noai": _noai,
            "missing": _missing,
            "failing-once": _once(web.HTTPInternalServerError),
            "busy-once": _once(_busy),
            "moved": _moved,
            "not-a-picture": _not_a_picture,
            "slow": _slow,
        }
        self._catalogue = catalogue
        self._listings = {
            name: _listing(name, picture)
            for name, picture in zip(self._handlers, catalogue.published[TROUBLES], strict=False)
        }
        self.gallery = Gallery(
            TROUBLES,
            host="www.troubles.test",
            style=Style.PAGES,
            page_size=20,
            tells_licence=True,
            tells_creator=True,
            listings=tuple(self._listings.values()),
        )
        self._pictures = {
            address(listing.image_url)[1]: catalogue.path(listing.picture)
            for listing in self._listings.values()
        }

    @property
    def images(self) -> Mapping[str, str]:
        """URLs of the pictures by what is the matter with them (`missing`, `slow`, ...)."""
        return {name: listing.image_url for name, listing in self._listings.items()}

    def robots(self, host: str) -> str | None:
        """Return a host's robots.txt where it differs from everybody's."""
        return "User-agent: *\nDisallow: /\n" if host == "img.refusing.test" else None

    def handler(
        self, host: str, path: str
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]] | None:
        """Return what answers for a picture on a troublesome host, None for any other address."""
        name = host.removeprefix("img.").removesuffix(".test")
        file = self._pictures.get(path)
        if name not in self._handlers or file is None:
            return None
        answer = self._handlers[name]
        return lambda request: answer(request, file)


def _listing(name: str, picture: Picture) -> Listing:
    return Listing(
        picture,
        image_url=f"http://img.{name}.test/pictures/{picture.name}",
        page_url=f"http://www.{name}.test/",
    )
