"""A wiki that answers as MediaWiki does, and makes the troubles it is told to make."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import RawTestServer


class PlayedWiki:
    """Answers searches from a list of files, after the troubles it is told to make."""

    def __init__(self, files: int) -> None:
        self.sizes = [1000] * files
        self.troubles: list[web.Response] = []
        self.broken_from: int | None = None
        """Offset from which on searches are forbidden."""
        self.queries: list[dict[str, str]] = []
        self.agents: set[str] = set()
        self.most_at_once = self._at_once = 0
        self.slept: list[float] = []

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request, as one of those that are asked at once."""
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        await asyncio.sleep(0)  # lets others begin
        try:
            return self._answer(request)
        finally:
            self._at_once -= 1

    def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path != "/w/api.php":
            return web.Response(status=404)
        self.queries.append(dict(request.query))
        self.agents.add(request.headers["User-Agent"])
        if self.troubles:
            return self.troubles.pop(0)
        query = request.query
        if "pageids" in query:
            pages = [self._page(int(one), thumbnail=True) for one in query["pageids"].split("|")]
            return web.json_response({"query": {"pages": pages}})
        start = int(query.get("gsroffset", 0))
        if self.broken_from is not None and start >= self.broken_from:
            return web.Response(status=403)
        end = min(start + 50, len(self.sizes))
        answer: dict[str, Any] = {"query": {"pages": [self._page(n) for n in range(start, end)]}}
        if end < len(self.sizes):
            answer["continue"] = {"gsroffset": end, "continue": "gsroffset||"}
        return web.json_response(answer)

    def _page(self, number: int, *, thumbnail: bool = False) -> dict[str, Any]:
        info: dict[str, Any] = {
            "mime": "image/jpeg",
            "size": self.sizes[number],
            "url": f"http://files.wiki.test/{number}.jpg",
        }
        if thumbnail:
            info |= {"thumburl": f"http://files.wiki.test/thumb/{number}.jpg", "thumbwidth": 1280}
        return {
            "pageid": number,
            "index": number % 50 + 1,
            "title": f"File:{number}.jpg",
            "imageinfo": [info],
        }

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Serve on loopback; yields ADDRESS:PORT."""
        async with RawTestServer(self.answer) as server:
            yield f"127.0.0.1:{server.port}"
