"""Names to addresses for HTTP clients (aiohttp): as set, and by DNS where nothing is set."""

import socket

from aiohttp import ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult

from artgrab.common.network import NetworkSettings


class SettingsResolver(AbstractResolver):
    """Answers from NetworkSettings.resolve first and asks DNS for all other hosts."""

    def __init__(self, network: NetworkSettings) -> None:
        self._network = network
        self._dns = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        endpoint = self._network.resolved(host)
        if endpoint is None:
            return await self._dns.resolve(host, port, family)
        return [_fixed(host, *endpoint)]

    async def close(self) -> None:
        await self._dns.close()


def _fixed(host: str, address: str, port: int) -> ResolveResult:
    return ResolveResult(
        hostname=host,
        host=address,
        port=port,
        family=socket.AF_INET6 if ":" in address else socket.AF_INET,
        proto=socket.IPPROTO_TCP,
        flags=socket.AI_NUMERICHOST,
    )
