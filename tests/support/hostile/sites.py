"""The sites of the table on real sockets, TLS among them; what is asked of them is remembered."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import NamedTuple

from tests.support.certificates import Pair
from tests.support.drawn import jpeg
from tests.support.hostile.behaviours import (
    GOOD,
    PRIVATE,
    RESETTING,
    SILENT,
    Behaviour,
    End,
    Says,
    answer,
)

_MISSING = Says(answer(b"", status="404 Not Found"), end=End.HANG)
_FILES = ("/robots.txt", "/.well-known/tdmrep.json")
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER of no time: the kernel sends a reset instead of an end."""


class Asked(NamedTuple):
    """A request that came."""

    host: str
    path: str
    headers: frozenset[str]
    """Their names in lower case."""


class Sites:
    """Answers for every host of the table; any other one is good and gives a picture."""

    def __init__(self, behaviours: Sequence[Behaviour]) -> None:
        self.port = 0
        self.tls_port = 0
        self.asked: list[Asked] = []
        self.trespassers = 0
        """Connections to the address that may not be reached."""
        self._behaviours = {one.host: one for one in behaviours}
        self._pictures = {
            one.host: Says(answer(one.picture(), "Content-Type: image/jpeg"), end=End.HANG)
            for one in behaviours
            if one.picture is not None
        }
        self._good = Says(answer(jpeg(), "Content-Type: image/jpeg"), end=End.HANG)
        self._tasks: set[asyncio.Task[None]] = set()

    def url(self, behaviour: Behaviour) -> str:
        return self.fill(behaviour.url.replace("{host}", behaviour.host))

    def fill(self, text: str) -> str:
        """Put the ports in."""
        return text.replace("{port}", str(self.port)).replace("{tls}", str(self.tls_port))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer on a connection until either side has had enough."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                asked = _parsed(await reader.readuntil(b"\r\n\r\n"))
                self.asked.append(asked)
                if not await self._say(self._of(asked), writer):
                    break
        writer.close()

    async def _say(self, says: Says, writer: asyncio.StreamWriter) -> bool:
        """Say it; tell whether the connection goes on."""
        writer.write(self._filled(says.begin))
        await writer.drain()
        while says.endlessly and not writer.is_closing():
            writer.write(says.endlessly)
            await writer.drain()
            await asyncio.sleep(says.pause)  # what makes it slow
        if says.end is End.RESET:
            _reset(writer)
        return says.end is End.HANG

    def _filled(self, content: bytes) -> bytes:
        ports = ((b"{port}", self.port), (b"{tls}", self.tls_port))
        for name, port in ports:
            content = content.replace(name, str(port).encode())
        return content

    def _of(self, asked: Asked) -> Says:
        behaviour = self._behaviours.get(asked.host)
        found = behaviour.paths.get(asked.path) if behaviour else None
        if found is not None:
            return found
        if asked.path in _FILES:
            return _MISSING
        if behaviour is None:
            return self._good
        return self._pictures.get(asked.host, behaviour.says)

    async def trespass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.trespassers += 1
        writer.close()

    async def reset(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _reset(writer)

    async def ignore(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            await reader.read()
        writer.close()

    async def close(self) -> None:
        """End what is still being said."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def serving(behaviours: Sequence[Behaviour], certificate: Pair) -> AsyncIterator[Sites]:
    """Serve the table on loopback, each address of it on one port."""
    sites = Sites(behaviours)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.certificate, certificate.key)
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(
            await asyncio.start_server(sites.serve, GOOD, 0, limit=2**20)
        )
        sites.port = first.sockets[0].getsockname()[1]
        secure = await stack.enter_async_context(
            await asyncio.start_server(sites.serve, GOOD, 0, ssl=context)
        )
        sites.tls_port = secure.sockets[0].getsockname()[1]
        others = ((PRIVATE, sites.trespass), (RESETTING, sites.reset), (SILENT, sites.ignore))
        for address, serve in others:
            await stack.enter_async_context(await asyncio.start_server(serve, address, sites.port))
        try:
            yield sites
        finally:
            await sites.close()


def _parsed(head: bytes) -> Asked:
    request, *lines = head.decode("latin-1").split("\r\n")
    headers = {
        name.lower(): value.strip()
        for name, _, value in (line.partition(":") for line in lines if line)
    }
    host = headers.get("host", "").partition(":")[0]
    return Asked(host, request.split(" ")[1], frozenset(headers))


def _reset(writer: asyncio.StreamWriter) -> None:
    made = writer.get_extra_info("socket")
    if made is not None:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
