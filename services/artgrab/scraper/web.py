"""HTTP for APIs and robots.txt: honest about who calls, bounded, to the addresses that are set."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from artgrab.common.network import NetworkSettings

TIMEOUT = aiohttp.ClientTimeout(total=60, sock_connect=10, sock_read=30)
"""Seconds; a full-text search on a small wiki can take twenty."""


class SettingsResolver(AbstractResolver):
    """Answers from NetworkSettings.resolve first and asks DNS for all other hosts."""

    def __init__(self, network: NetworkSettings) -> None:
        self._network = network
        self._dns = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        endpoint = self._network.resolved(host)
        if endpoint is None:
            return await self._dns.resolve(host, port, family)
        address, set_port = endpoint
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=set_port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
        ]

    async def close(self) -> None:
        await self._dns.close()


@asynccontextmanager
async def open_session(network: NetworkSettings) -> AsyncIterator[aiohttp.ClientSession]:
    """Open a session without cookies, proxies of the environment or credentials."""
    connector = aiohttp.TCPConnector(
        resolver=SettingsResolver(network), family=socket.AF_UNSPEC, use_dns_cache=False
    )
    async with aiohttp.ClientSession(
        connector=connector,
        timeout=TIMEOUT,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": network.user_agent},
    ) as session:
        yield session


async def read_at_most(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """Return the first `limit` bytes of a body."""
    chunks = bytearray()
    async for chunk in response.content.iter_chunked(65536):
        chunks += chunk
        if len(chunks) >= limit:
            break
    return bytes(chunks[:limit])
