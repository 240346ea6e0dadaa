"""What the origins of pictures say of themselves in small files, asked for once in a while."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, NamedTuple, TypeVar

from artgrab.common.politeness.robots import MAX_REDIRECTS
from artgrab.common.urls import site_of
from artgrab.downloader.errors import FetchError
from artgrab.downloader.fetch import REDIRECTS, Web, absolute
from artgrab.downloader.hosts import Hosts

UNKNOWN_SECONDS = 60.0
"""After which a file is asked for again that could not be had."""
_MAX_ORIGINS = 8192

T = TypeVar("T")


class Learned(NamedTuple, Generic[T]):
    """What was learned, and for how many seconds it is believed."""

    value: T
    seconds: float


class Origins(Generic[T]):
    """Remembers what was learned of each origin; many who ask at once cost one request."""

    def __init__(
        self,
        learn: Callable[[str], Awaitable[Learned[T]]],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._learn = learn
        self._clock = clock
        self._known: dict[str, tuple[T, float]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def get(self, origin: str) -> T:
        """Return what is known of an origin, learned now where nothing is, or nothing new."""
        lock = self._locks.setdefault(origin, asyncio.Lock())
        try:
            async with lock:
                known = self._known.get(origin)
                if known is None or known[1] < self._clock():
                    known = await self._ask(origin)
                return known[0]
        finally:
            if not lock.locked():
                self._locks.pop(origin, None)

    async def _ask(self, origin: str) -> tuple[T, float]:
        learned = await self._learn(origin)
        if len(self._known) >= _MAX_ORIGINS:
            self._known.clear()
        known = self._known[origin] = (learned.value, self._clock() + learned.seconds)
        return known


async def small_file(url: str, *, web: Web, hosts: Hosts, limit: int) -> bytes:
    """Return the first `limit` bytes of a file; none where there is no such file (4xx).

    Raises:
        FetchError: it cannot be had at the moment, or the target is not allowed.
        RetryLaterError: the host is busy.
    """
    for _ in range(MAX_REDIRECTS + 1):
        async with hosts.turn(site_of(url)), web.get(url) as reply:
            if reply.status in REDIRECTS:
                url = absolute(reply.url, reply.headers.get("Location", ""))
                continue
            if reply.status == 429 or reply.status >= 500:
                raise FetchError("unavailable", passing=True)
            return await reply.read_first(limit) if reply.status == 200 else b""
    return b""
