"""Names to addresses for HTTP clients (aiohttp): as set, and by DNS where nothing is set."""

import asyncio
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, cast

from aiohttp import ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult

from artgrab.common.network import NetworkSettings

_LOOKUPS = 64
"""Threads: a name that nobody answers for blocks one for many seconds."""


class _Threads:
    """Does the look-ups of an event loop in threads that are for nothing else.

    In those of everybody, names that nobody answers for would hold up whatever else needs one.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_LOOKUPS, thread_name_prefix="lookup")

    async def getaddrinfo(self, *arguments: Any, **named: Any) -> Any:
        return await self._run(partial(socket.getaddrinfo, *arguments, **named))

    async def getnameinfo(self, *arguments: Any) -> Any:
        return await self._run(partial(socket.getnameinfo, *arguments))

    async def _run(self, look_up: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, look_up)

    def close(self) -> None:
        """Look nothing up any more; what is under way ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class SettingsResolver(AbstractResolver):
    """Answers from NetworkSettings.resolve first and asks DNS for all other hosts."""

    def __init__(self, network: NetworkSettings) -> None:
        self._network = network
        self._threads = _Threads()
        self._dns = ThreadedResolver(cast(asyncio.AbstractEventLoop, self._threads))

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        endpoint = self._network.resolved(host)
        if endpoint is None:
            return await self._dns.resolve(host, port, family)
        return [_fixed(host, *endpoint)]

    async def close(self) -> None:
        await self._dns.close()
        self._threads.close()


def _fixed(host: str, address: str, port: int) -> ResolveResult:
    return ResolveResult(
        hostname=host,
        host=address,
        port=port,
        family=socket.AF_INET6 if ":" in address else socket.AF_INET,
        proto=socket.IPPROTO_TCP,
        flags=socket.AI_NUMERICHOST,
    )
