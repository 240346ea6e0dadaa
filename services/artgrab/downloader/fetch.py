"""One HTTP request to a hostile web: every wait, size and target is bounded."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from email.utils import parsedate_to_datetime

from multidict import CIMultiDictProxy
from yarl import URL

from artgrab.common.network import NetworkSettings
from artgrab.common.resolving import Names
from artgrab.common.urls import parse_url
from artgrab.downloader.bodies import Room, own_room
from artgrab.downloader.connections import Connection, Connections
from artgrab.downloader.errors import FetchError
from artgrab.downloader.guard import Guard
from artgrab.downloader.settings import DownloaderSettings

REDIRECTS = (301, 302, 303, 307, 308)
NETWORK_TROUBLES = frozenset(
    {
        "connect",
        "connect-timeout",
        "cut-off",
        "dns",
        "read-timeout",
        "reset",
        "timeout",
        "tls",
        "too-slow",
    }
)
"""Reasons that speak of a site as a whole and not of one picture."""


class Reply:
    """The head of an answer, and its body when it is wanted."""

    def __init__(
        self,
        url: URL,
        connection: Connection,
        settings: DownloaderSettings,
        clock: Callable[[], float],
    ) -> None:
        self.url = url
        self.status = connection.response.status
        self.headers = CIMultiDictProxy(connection.response.headers)
        self._length = connection.response.body.length
        self._connection = connection
        self._settings = settings
        self._clock = clock

    async def read(self, *, take: Callable[[int], None] = lambda count: None) -> bytes | memoryview:
        """Return the whole body, counted after any decompression.

        Args:
            take: told of every some bytes before they are kept; what it raises ends the reading.

        Raises:
            FetchError: too-large, too-slow, cut-off, read-timeout, bad-answer.
        """
        limit = self._settings.max_source_bytes
        if (self._length or 0) > limit:
            raise FetchError("too-large")
        body = await self._read(limit + 1, take)
        if len(body) > limit:
            raise FetchError("too-large")
        return body

    async def read_first(self, limit: int) -> bytes:
        """Return at most so many bytes of the body, and read no more than those.

        Raises:
            FetchError: as `read`.
        """
        return bytes(await self._read(limit, lambda count: None))

    async def _read(self, limit: int, take: Callable[[int], None]) -> bytes | memoryview:
        rate = _Rate(self._settings, self._clock)

        def take_in_time(count: int) -> None:
            take(count)
            rate.check(count)

        return await self._connection.read(limit, take_in_time)


class _Rate:
    """Gives up on a body that only trickles."""

    def __init__(self, settings: DownloaderSettings, clock: Callable[[], float]) -> None:
        self._seconds = settings.rate_seconds
        self._least = settings.min_bytes_per_second * settings.rate_seconds
        self._clock = clock
        self._since = clock()
        self._bytes = 0

    def check(self, count: int) -> None:
        """Take that so many bytes more have come."""
        self._bytes += count
        now = self._clock()
        if now - self._since < self._seconds:
            return
        if self._bytes < self._least:
            raise FetchError("too-slow", passing=True)
        self._since, self._bytes = now, 0


class Web:
    """Asks for URLs; follows no redirect by itself, so that each hop can be judged."""

    def __init__(
        self,
        connections: Connections,
        guard: Guard,
        settings: DownloaderSettings,
        *,
        user_agent: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connections = connections
        self._guard = guard
        self._settings = settings
        self._user_agent = user_agent
        self._clock = clock

    def check(self, url: str) -> URL:
        """Return the URL that would be asked for.

        Raises:
            FetchError: it never may be.
        """
        return self._guard.check_url(url)

    @asynccontextmanager
    async def get(self, url: str) -> AsyncIterator[Reply]:
        """Ask for a URL and yield the head of the answer.

        Raises:
            FetchError: target, time or size is not allowed, or the network failed.
        """
        target = self._guard.check_url(url)
        request = request_for(target, user_agent=self._user_agent)
        try:
            async with asyncio.timeout(self._settings.total_seconds):
                connection = await self._connections.ask(target, request)
                try:
                    yield Reply(target, connection, self._settings, self._clock)
                finally:
                    self._connections.let_go(target, connection)
        except TimeoutError as error:
            raise FetchError("timeout", passing=True) from error


def request_for(url: URL, *, user_agent: str) -> bytes:
    """Return the request for a URL: no cookies, no credentials, nothing of where it was found."""
    lines = (
        f"GET {url.raw_path_qs} HTTP/1.1",
        f"Host: {url.host_port_subcomponent}",
        f"User-Agent: {user_agent}",
        "Accept: image/webp,image/*;q=0.9,*/*;q=0.1",
        "Accept-Encoding: identity",
        "\r\n",
    )
    return "\r\n".join(lines).encode("ascii")


@asynccontextmanager
async def open_web(
    settings: DownloaderSettings, network: NetworkSettings, *, room: Room = own_room
) -> AsyncIterator[Web]:
    """Open the web, without what the environment says of proxies.

    Args:
        settings: of the downloader.
        network: who we are and whom we may reach.
        room: where bodies are put whose length is announced.
    """
    guard, names = Guard(network), Names(network)
    connections = Connections(settings, guard, names, room=room)
    try:
        yield Web(connections, guard, settings, user_agent=network.user_agent)
    finally:
        connections.close()
        names.close()


def text_of(value: str) -> str:
    """Return a header's value as text that can be stored: bytes beyond UTF-8 are replaced."""
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def absolute(base: URL, location: str) -> str:
    """Return where a redirect leads.

    Raises:
        FetchError: nowhere.
    """
    if not location:  # it would be asked for again and again
        raise FetchError("bad-redirect")
    try:
        return str(base.join(parse_url(text_of(location), encoded=True)))
    except ValueError as error:
        raise FetchError("bad-redirect") from error


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds of a Retry-After header (RFC 9110, 10.2.3); None where it says none."""
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return max(0.0, (parsedate_to_datetime(value) - now).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None
