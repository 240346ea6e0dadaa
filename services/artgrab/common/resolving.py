"""Names to addresses: as set, and by DNS where nothing is set."""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from artgrab.common.network import NetworkSettings

_LOOKUPS = 64
"""Threads: a name that nobody answers for blocks one for many seconds."""

AddrInfo = tuple[int, int, int, str, tuple[Any, ...]]
"""Family, type, protocol, name and address of a socket, as socket.getaddrinfo returns them."""


class Names:
    """Answers from NetworkSettings.resolve first and asks DNS for all other hosts.

    In threads that are for nothing else: in those of everybody, names that nobody answers for would
    hold up whatever else needs one.
    """

    def __init__(self, network: NetworkSettings) -> None:
        self._network = network
        self._threads = ThreadPoolExecutor(_LOOKUPS, thread_name_prefix="lookup")

    async def look_up(self, host: str, port: int) -> list[AddrInfo]:
        """Return where a host's port may be found, at least one place.

        Raises:
            OSError: nobody knows.
            UnicodeError: it is no name.
        """
        endpoint = self._network.resolved(host)
        if endpoint is not None:
            return [_fixed(*endpoint)]
        look_up = partial(
            socket.getaddrinfo, host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
        )
        found = await asyncio.get_running_loop().run_in_executor(self._threads, look_up)
        return list(found)

    def close(self) -> None:
        """Look nothing up any more; what is under way ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _fixed(address: str, port: int) -> AddrInfo:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port)
