"""One HTTP request to a hostile web: every wait, size and target is bounded."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from multidict import CIMultiDictProxy
from yarl import URL

from artgrab.common.network import NetworkSettings
from artgrab.common.urls import parse_url
from artgrab.downloader.errors import FetchError
from artgrab.downloader.guard import Guard
from artgrab.downloader.settings import DownloaderSettings

REDIRECTS = (301, 302, 303, 307, 308)
_BUFFER_BYTES = 256 * 1024
"""Of a body that wait to be read, about; a smaller buffer stops and wakes the connection for most
pictures."""
_KEEPALIVE_SECONDS = 15.0
_MAX_IDLE = 256
"""Hosts with connections kept open: a site can have more names than a process may open files."""
_HEAD_BYTES = 1024**2
"""What may come before a head is complete: many times the largest that is taken, and what arrives
with it."""
_FRAMED = 2
"""What comes of a body may be so many times longer than the longest body, for its framing."""


class Reply:
    """The head of an answer, and its body when it is wanted."""

    def __init__(
        self,
        response: aiohttp.ClientResponse,
        settings: DownloaderSettings,
        clock: Callable[[], float],
    ) -> None:
        self._response = response
        self._settings = settings
        self._clock = clock
        self.url = response.url
        self.status = response.status

    @property
    def headers(self) -> CIMultiDictProxy[str]:
        return self._response.headers

    async def read(self, *, take: Callable[[int], None] = lambda count: None) -> bytes:
        """Return the whole body, counted after any decompression.

        Args:
            take: told of every some bytes before they are kept; what it raises ends the reading.

        Raises:
            FetchError: too-large or too-slow.
        """
        limit = self._settings.max_source_bytes
        if (self._response.content_length or 0) > limit:
            raise FetchError("too-large")
        body = await self.read_first(limit + 1, take=take)
        if len(body) > limit:
            raise FetchError("too-large")
        return body

    async def read_first(
        self, limit: int, *, take: Callable[[int], None] = lambda count: None
    ) -> bytes:
        """Return at most so many bytes of the body, and read no more than those.

        Raises:
            FetchError: too-slow.
        """
        chunks, total = [], 0
        rate = _Rate(self._settings, self._clock)
        async for chunk in self._response.content.iter_any():
            take(len(chunk))
            chunks.append(chunk)
            total += len(chunk)
            if total >= limit:
                break
            rate.check(total)
        return b"".join(chunks)[:limit]


class _Rate:
    """Gives up on a body that only trickles."""

    def __init__(self, settings: DownloaderSettings, clock: Callable[[], float]) -> None:
        self._seconds = settings.rate_seconds
        self._least = settings.min_bytes_per_second * settings.rate_seconds
        self._clock = clock
        self._since = clock()
        self._bytes = 0

    def check(self, total: int) -> None:
        now = self._clock()
        if now - self._since < self._seconds:
            return
        if total - self._bytes < self._least:
            raise FetchError("too-slow", passing=True)
        self._since, self._bytes = now, total


class _Connection(ResponseHandler):
    """Hangs up on who sends much that is no body: interim answers, extensions of chunks."""

    _left = _HEAD_BYTES

    def set_response_params(self, **params: Any) -> None:
        """Begin to wait for an answer."""
        self._left = _HEAD_BYTES
        super().set_response_params(**params)

    def allow(self, count: int) -> None:
        """Take so many bytes more of this answer."""
        self._left += count

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        self._left -= len(data)
        if self._left >= 0:
            super().data_received(data)
        elif self.transport is not None:
            error = FetchError("too-large")
            self.set_exception(error)
            if self._payload is not None:
                self._payload.set_exception(error)
            self.transport.abort()


class _Connector(aiohttp.TCPConnector):
    """Bounds each connection and those kept open; aiohttp has no public place for either."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._factory = partial(_Connection, loop=self._loop)  # type: ignore[assignment]  # of a subclass

    def _release(self, *arguments: Any, **named: Any) -> None:
        super()._release(*arguments, **named)
        while len(self._conns) > _MAX_IDLE:
            for connection, _ in self._conns.pop(next(iter(self._conns))):
                connection.close()


class Web:
    """Asks for URLs; follows no redirect by itself, so that each hop can be judged."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        guard: Guard,
        settings: DownloaderSettings,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session = session
        self._guard = guard
        self._settings = settings
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
        try:
            async with (
                asyncio.timeout(self._settings.total_seconds),
                self._session.get(target, allow_redirects=False) as response,
            ):
                self._allow_body(response)
                yield Reply(response, self._settings, self._clock)
        except Exception as error:
            translated = _translate(error)
            if translated is error:
                raise
            raise translated from error

    def _allow_body(self, response: aiohttp.ClientResponse) -> None:
        connection = response.connection  # none where all of it has come
        if connection is not None and isinstance(connection.protocol, _Connection):
            connection.protocol.allow(_FRAMED * self._settings.max_source_bytes)


_PASSING: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.ClientConnectorDNSError, "dns"),
    (aiohttp.ConnectionTimeoutError, "connect-timeout"),
    (aiohttp.SocketTimeoutError, "read-timeout"),
    (aiohttp.ClientSSLError, "tls"),
    (aiohttp.ClientConnectorError, "connect"),
    (aiohttp.ClientPayloadError, "cut-off"),
    (aiohttp.ServerConnectionError, "reset"),
    (aiohttp.ClientOSError, "reset"),
    (TimeoutError, "timeout"),
    (OSError, "reset"),
)
NETWORK_TROUBLES = frozenset({reason for _, reason in _PASSING} | {"too-slow"})
"""Reasons that speak of a site as a whole and not of one picture."""


def _translate(error: Exception) -> Exception:
    """Make a FetchError with a stable reason of what the HTTP library raises."""
    for kind, reason in _PASSING:
        if isinstance(error, kind):
            return FetchError(reason, passing=True)
    if isinstance(error, (aiohttp.ClientError, ValueError)):
        return FetchError("bad-answer")
    return error


@asynccontextmanager
async def open_web(settings: DownloaderSettings, network: NetworkSettings) -> AsyncIterator[Web]:
    """Open a session without cookies, proxies of the environment or credentials."""
    guard = Guard(network)
    resolver = guard.resolver()
    connector = _Connector(
        limit=0,  # bounded by max_fetches
        resolver=resolver,
        use_dns_cache=False,
        socket_factory=guard.open_socket,
        keepalive_timeout=_KEEPALIVE_SECONDS,
    )
    timeout = aiohttp.ClientTimeout(
        total=None,
        sock_connect=settings.connect_seconds,
        sock_read=settings.first_byte_seconds,
    )
    try:
        async with aiohttp.ClientSession(
            connector=connector,
            timeout=timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            read_bufsize=_BUFFER_BYTES,
            headers={
                "User-Agent": network.user_agent,
                "Accept": "image/webp,image/*;q=0.9,*/*;q=0.1",
                "Accept-Encoding": "identity",
            },
        ) as session:
            yield Web(session, guard, settings)
    finally:
        await resolver.close()


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
