"""Connections to sites: one request at a time on each, kept for the next one for a while."""

import asyncio
import ssl
from collections.abc import Callable
from typing import cast

import aiohappyeyeballs
from yarl import URL

from artgrab.common.resolving import AddrInfo, Names
from artgrab.downloader.bodies import Room, own_room
from artgrab.downloader.errors import FetchError
from artgrab.downloader.guard import Guard
from artgrab.downloader.responses import SCRATCH_BYTES, Response
from artgrab.downloader.settings import DownloaderSettings

_KEEPALIVE_SECONDS = 15.0
_MAX_IDLE = 256
"""Origins with connections kept open: a site can have more names than a process may open files."""
_NEXT_ADDRESS_SECONDS = 0.25
"""After which the next address is tried beside the one before (RFC 8305, 8)."""


class Connection(asyncio.BufferedProtocol):
    """Reads no more of an answer than somebody waits for."""

    def __init__(self, scratch: memoryview, room: Room, *, silence_seconds: float) -> None:
        """Make one that is not connected yet.

        Args:
            scratch: as Response takes it, for all connections of an event loop.
            room: as Response takes it.
            silence_seconds: after so long without a byte that is waited for, it is given up.
        """
        self.response = Response(scratch, room)
        """To the request, or to the next one."""
        self._scratch, self._room = scratch, room
        self._silence_seconds = silence_seconds
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._is_asked = False
        self._heard = 0.0
        self._error: Exception | None = None
        """Why it is closed, where nobody waited. Who is told of it must be the only one to keep it:
        its traceback leads back here, and to the body."""
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_open(self) -> bool:
        """Whether something can come."""
        return self._transport is not None

    async def ask(self, request: bytes) -> None:
        """Return when the head of the answer is complete.

        Raises:
            FetchError: reset, read-timeout, bad-answer, too-large.
        """
        self._stop_timer()
        self._is_asked = True
        if self._transport is not None:
            self._transport.write(request)
        await self._wait()

    async def read(self, limit: int, take: Callable[[int], None]) -> bytes | memoryview:
        """Return the body, so many bytes of it at most; `take` is as Body takes it.

        Raises:
            FetchError: cut-off, read-timeout, bad-answer, too-large.
            Exception: whatever `take` raises.
        """
        self.response.want(limit, take)
        if not self.response.is_due:
            await self._wait()
        return self.response.body.content

    def rest(self) -> bool:
        """Be quiet until the next request, for some seconds; False where there can be none."""
        if self._transport is None or not self.response.can_be_followed:
            return False
        self.response.close()
        self.response = Response(self._scratch, self._room)
        self._is_asked = False
        self._timer = self._loop.call_later(_KEEPALIVE_SECONDS, self.close)
        return True

    def close(self) -> None:
        """Close it at once."""
        self._stop_timer()
        self._error = None
        self.response.close()
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    async def _wait(self) -> None:
        """Return when the answer is due."""
        if self._transport is None:
            raise self._why_closed()
        self._waiter = self._loop.create_future()
        self._heard = self._loop.time()
        self._look()
        self._transport.resume_reading()
        try:
            await self._waiter
        finally:
            self._waiter = None
            self._stop_timer()

    def _look(self) -> None:
        """Give up where nothing came for too long; look again when that would be."""
        left = self._heard + self._silence_seconds - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(left, self._look)
        else:
            self._fail(FetchError("read-timeout", passing=True))

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _fail(self, error: Exception) -> None:
        self.close()
        if self._waiter is None or self._waiter.done():
            self._error = error
        else:
            self._waiter.set_exception(error)

    def _why_closed(self) -> Exception:
        error, self._error = self._error, None
        return error or FetchError("reset", passing=True)

    def _go_on(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Be connected."""
        self._transport = cast(asyncio.Transport, transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where the next bytes are to be put."""
        return self.response.buffer()

    def buffer_updated(self, nbytes: int) -> None:
        """Take what came; nothing may where nothing was asked for."""
        self._heard = self._loop.time()
        if not self._is_asked or self._transport is None:
            return self.close()
        try:
            self.response.feed(nbytes)
        except Exception as error:  # it is for who waits
            return self._fail(error)
        if self.response.is_enough:
            self._transport.pause_reading()
        if self.response.is_due:
            self._go_on()
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        """Take it that nothing more comes."""
        if self._transport is None:
            return
        self._transport = None
        try:
            self.response.end(is_clean=exc is None)
            self._go_on()
        except FetchError as error:
            self._fail(error)


class _Decrypted(asyncio.Protocol):
    """Hands a connection what comes by TLS, all that is there.

    uvloop forgets what a buffered protocol has not taken yet where the other side ends.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.connection.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest and self.connection.is_open:
            buffer = self.connection.get_buffer(len(rest))
            count = min(len(buffer), len(rest))
            buffer[:count] = rest[:count]
            self.connection.buffer_updated(count)
            rest = rest[count:]

    def connection_lost(self, exc: Exception | None) -> None:
        self.connection.connection_lost(exc)


class Connections:
    """Opens connections to where the guard lets them go, and keeps some."""

    def __init__(
        self, settings: DownloaderSettings, guard: Guard, names: Names, *, room: Room = own_room
    ) -> None:
        self._settings = settings
        self._guard = guard
        self._names = names
        self._scratch = memoryview(bytearray(SCRATCH_BYTES))
        self._room = room
        self._tls = ssl.create_default_context()
        self._tls.set_alpn_protocols(["http/1.1"])
        self._idle: dict[URL, list[Connection]] = {}
        """By origin; the one that was used last is the last one."""

    async def ask(self, url: URL, request: bytes) -> Connection:
        """Return a connection on which the head of the answer is there; it is to be let go.

        A connection that was kept may be closed just as it is asked: then a new one is.

        Raises:
            FetchError: dns, private-address, connect-timeout, tls, connect, or as Connection.ask.
        """
        if kept := self._idle.get(url.origin()):
            connection = kept.pop()
            try:
                return await _ask(connection, request)
            except FetchError as error:
                if error.reason != "reset" or connection.response.has_begun:
                    raise
        return await _ask(await self._connect(url), request)

    def let_go(self, url: URL, connection: Connection) -> None:
        """Keep a connection for who asks the same origin next, or close it."""
        if not connection.rest():
            return connection.close()
        origin = url.origin()
        self._idle[origin] = [*self._idle.pop(origin, []), connection]
        if len(self._idle) > _MAX_IDLE:
            self._forget_oldest()
        return None

    def close(self) -> None:
        """Close those that are kept."""
        while self._idle:
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        for connection in self._idle.pop(next(iter(self._idle))):
            connection.close()

    async def _connect(self, url: URL) -> Connection:
        addresses = await self._addresses(url.raw_host or "", url.port or 0)
        try:
            async with asyncio.timeout(self._settings.connect_seconds):
                return await self._connect_to(addresses, url)
        except TimeoutError as error:
            raise FetchError("connect-timeout", passing=True) from error
        except ssl.SSLError as error:
            raise FetchError("tls", passing=True) from error
        except (OSError, RuntimeError, UnicodeError) as error:  # uvloop raises the first two
            raise FetchError("connect", passing=True) from error

    async def _addresses(self, host: str, port: int) -> list[AddrInfo]:
        try:
            found = await self._names.look_up(host, port)
        except (OSError, UnicodeError) as error:
            raise FetchError("dns", passing=True) from error
        return self._guard.check_answers(found)

    async def _connect_to(self, addresses: list[AddrInfo], url: URL) -> Connection:
        connected = await aiohappyeyeballs.start_connection(
            addresses,
            happy_eyeballs_delay=_NEXT_ADDRESS_SECONDS,
            socket_factory=self._guard.open_socket,
        )
        silence_seconds = self._settings.first_byte_seconds
        connection = Connection(self._scratch, self._room, silence_seconds=silence_seconds)
        loop = asyncio.get_running_loop()
        if url.scheme == "http":
            await loop.create_connection(lambda: connection, sock=connected)
        else:
            await loop.create_connection(
                lambda: _Decrypted(connection),
                sock=connected,
                ssl=self._tls,
                server_hostname=url.raw_host,
            )
        return connection


async def _ask(connection: Connection, request: bytes) -> Connection:
    try:
        await connection.ask(request)
    except BaseException:
        connection.close()
        raise
    return connection
