"""The hosts of the wiki: pages and API by way of PHP, the files straight from where they lie."""

import re
from pathlib import Path

import aiohttp
from aiohttp import web

from tests.world.catalogue import Catalogue
from tests.world.hosts import WIKI_CATEGORIES
from tests.world.sites import Answer
from tests.world.troubles import picture_response

_FILE = re.compile(r"/[0-9a-f]/[0-9a-f]{2}/[^/]+")
_THUMBNAIL = re.compile(r"/thumb/[0-9a-f]/[0-9a-f]{2}/([^/]+)/[^/]+")
_FORWARDED = ("Accept", "User-Agent", "Content-Type")


class WikiSite:
    """`commons.test` and `upload.commons.test`, as two hosts in front of PHP's own server."""

    def __init__(self, catalogue: Catalogue, images: Path, port: int) -> None:
        self._images = images
        self._backend = f"http://127.0.0.1:{port}"
        self._thumbnails = {
            picture.name.lower(): catalogue.thumbnail(picture)
            for category in WIKI_CATEGORIES
            for picture in catalogue.published[category]
        }

    def handler(self, host: str, path: str) -> Answer | None:
        """Return what answers on the wiki's two hosts, None on all others."""
        if path == "/robots.txt":
            return None
        return {"commons.test": self._page, "upload.commons.test": self._file}.get(host)

    async def _page(self, request: web.Request) -> web.StreamResponse:
        headers = {name: request.headers[name] for name in _FORWARDED if name in request.headers}
        # A session of its own for each request: PHP's server closes every connection anyway.
        async with (
            aiohttp.ClientSession() as session,
            session.request(
                request.method,
                self._backend + request.raw_path,
                headers={**headers, "Host": "commons.test"},
                data=await request.read(),
                allow_redirects=False,
            ) as answer,
        ):
            kept = {name: answer.headers[name] for name in ("Location",) if name in answer.headers}
            kept["Content-Type"] = answer.headers.get("Content-Type", "text/html")
            return web.Response(status=answer.status, body=await answer.read(), headers=kept)

    async def _file(self, request: web.Request) -> web.StreamResponse:
        if found := _THUMBNAIL.fullmatch(request.path):
            if thumbnail := self._thumbnails.get(found[1].lower()):
                return web.FileResponse(thumbnail)
        elif _FILE.fullmatch(request.path):
            file = self._images / request.path.removeprefix("/")
            if file.is_file():
                return await picture_response(request, file)
        raise web.HTTPNotFound
