"""A TCP line between a client and a server that breaks as networks and dying machines do."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_RST_AT_CLOSE = struct.pack("ii", 1, 0)


class Line:
    """Hands bytes on until it is told otherwise."""

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._silent = False
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.endpoint = ""

    def fall_silent(self) -> None:
        """Lose all bytes from now on; both ends believe to be connected."""
        self._silent = True

    def reset(self) -> None:
        """End all connections by RST."""
        for writer in self._writers:
            end: socket.socket = writer.get_extra_info("socket")
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_AT_CLOSE)
            writer.transport.abort()

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a client."""
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        self._writers += [writer, far_writer]
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(self._pump(source, sink))
            self._tasks.add(task)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                if not self._silent:
                    sink.write(data)
                    await sink.drain()
        except OSError:
            pass
        if not self._silent:
            sink.close()

    async def end(self) -> None:
        """Leave nothing open."""
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*self._tasks)


@asynccontextmanager
async def line_to(target: str) -> AsyncIterator[Line]:
    """Open a line to HOST:PORT; clients connect to its endpoint."""
    line = Line(target)
    server = await asyncio.start_server(line.connect, "127.0.0.1", 0)
    line.endpoint = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield line
    finally:
        server.close()
        await line.end()
        await server.wait_closed()
