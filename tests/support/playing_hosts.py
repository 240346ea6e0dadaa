"""One server on loopback that plays any number of hosts named `*.test`."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

from aiohttp import web

from artgrab.common.network import NetworkSettings

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Seen(NamedTuple):
    """A request that came."""

    host: str
    path: str
    headers: dict[str, str]


def network_of(port: int) -> NetworkSettings:
    """Return settings with which clients find every `*.test` at a port of loopback, and no more."""
    return NetworkSettings(
        resolve={"*.test": f"127.0.0.1:{port}"}, allowed_targets=[f"127.0.0.1/32:{port}"]
    )


class PlayingHosts:
    """What each URL answers, and what was asked; unknown URLs answer 404.

    A URL without a query answers for all queries that have no answer of their own.
    """

    def __init__(self, port: int = 0) -> None:
        self.port = port
        self.seen: list[Seen] = []
        self._handlers: dict[str, Handler] = {}

    @property
    def network(self) -> NetworkSettings:
        """Settings with which clients reach these hosts, and nothing else on loopback."""
        return network_of(self.port)

    def put(
        self,
        url: str,
        body: bytes = b"",
        *,
        status: int = 200,
        headers: dict[str, str] | None = None,
    ) -> str:
        """Let a URL answer so; return the URL."""

        async def answer(request: web.Request) -> web.StreamResponse:
            return web.Response(body=body, status=status, headers=headers)

        return self.handle(url, answer)

    def handle(self, url: str, handler: Handler) -> str:
        """Let a URL be answered by a handler; return the URL."""
        self._handlers[url.removeprefix("http://")] = handler
        return url

    def asked(self, url: str) -> int:
        """Return how often a URL was asked for."""
        host, _, path = url.removeprefix("http://").partition("/")
        return sum(one.host == host and one.path == f"/{path}" for one in self.seen)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.seen.append(Seen(request.host, request.path_qs, dict(request.headers)))
        known = self._handlers
        handler = known.get(f"{request.host}{request.path_qs}") or known.get(
            f"{request.host}{request.path}"
        )
        if handler is None:
            return web.Response(status=404)
        return await handler(request)  # type: ignore[arg-type]  # our handlers do with a BaseRequest


@asynccontextmanager
async def playing_hosts() -> AsyncIterator[PlayingHosts]:
    """Start the server and stop it again."""
    hosts = PlayingHosts()
    runner = web.ServerRunner(web.Server(hosts.answer), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    hosts.port = runner.addresses[0][1]
    try:
        yield hosts
    finally:
        await runner.cleanup()
