"""HTTP for APIs and robots.txt: honest about who calls, bounded, to the addresses that are set."""

import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from artgrab.common.network import NetworkSettings
from artgrab.common.resolving import Names

TIMEOUT = aiohttp.ClientTimeout(total=60, sock_connect=10, sock_read=30)
"""Seconds; a full-text search on a small wiki can take twenty."""


@asynccontextmanager
async def open_session(network: NetworkSettings) -> AsyncIterator[aiohttp.ClientSession]:
    """Open a session without cookies, proxies of the environment or credentials."""
    connector = aiohttp.TCPConnector(
        resolver=_Resolver(Names(network)), family=socket.AF_UNSPEC, use_dns_cache=False
    )
    async with aiohttp.ClientSession(
        connector=connector,
        timeout=TIMEOUT,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": network.user_agent},
    ) as session:
        yield session


class _Resolver(AbstractResolver):
    """Tells aiohttp what Names know."""

    def __init__(self, names: Names) -> None:
        self._names = names

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._names.look_up(host, port)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=at,
                family=kind,
                proto=proto,
                flags=socket.AI_NUMERICHOST,
            )
            for kind, _, proto, _, (address, at, *_scope) in found
        ]

    async def close(self) -> None:
        self._names.close()


def failure(error: BaseException) -> str:
    """Say in a few words why a site gives no answer; one line, safe to show."""
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "DNS does not know its name"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, aiohttp.ClientConnectorError) and error.os_error.errno:
        return os.strerror(error.os_error.errno).lower()
    text = f"{type(error).__name__}: {error}"
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:300]


async def read_at_most(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """Return the first `limit` bytes of a body."""
    chunks = bytearray()
    async for chunk in response.content.iter_chunked(65536):
        chunks += chunk
        if len(chunks) >= limit:
            break
    return bytes(chunks[:limit])
