"""What the origins of pictures say of themselves in small files, asked for once in a while."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, NamedTuple, TypeVar
from weakref import WeakValueDictionary

from artgrab.common.politeness.robots import MAX_REDIRECTS
from artgrab.common.urls import site_of
from artgrab.downloader.errors import FetchError
from artgrab.downloader.fetch import REDIRECTS, Web, absolute
from artgrab.downloader.hosts import Hosts

UNKNOWN_SECONDS = 60.0
"""After which a file is asked for again that could not be had."""
_MAX_ORIGINS = 8192
_MAX_BYTES = 128 * 1024**2
_LARGE_BYTES = 1024**2
_MAX_SHARE = 0.05
_FREE_SECONDS = 0.01
"""Of computing, about what a picture costs; 15 KB of rules are read in it."""

T = TypeVar("T")


class Learned(NamedTuple, Generic[T]):
    """What was learned, and for how many seconds it is believed."""

    value: T
    seconds: float
    bytes: int = 0
    """Of memory that it takes, about."""


class _Known(NamedTuple, Generic[T]):
    learned: Learned[T]
    until: float


class Origins(Generic[T]):
    """Remembers what was learned of each origin; many who ask at once cost one request.

    What was not asked for the longest time is forgotten where it is too many, or too much.
    """

    def __init__(
        self,
        learn: Callable[[str], Awaitable[Learned[T]]],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._learn = learn
        self._clock = clock
        self._known: OrderedDict[str, _Known[T]] = OrderedDict()
        self._bytes = 0
        self._locks = WeakValueDictionary[str, asyncio.Lock]()
        """Each as long as somebody holds it or waits for it."""

    async def get(self, origin: str) -> T:
        """Return what is known of an origin, learned now where nothing is, or nothing new."""
        if (known := self._fresh(origin)) is not None:
            return known.value
        async with self._locks.setdefault(origin, asyncio.Lock()):
            return (self._fresh(origin) or await self._ask(origin)).value

    def _fresh(self, origin: str) -> Learned[T] | None:
        known = self._known.get(origin)
        if known is None or known.until < self._clock():
            return None
        self._known.move_to_end(origin)
        return known.learned

    async def _ask(self, origin: str) -> Learned[T]:
        learned = await self._learn(origin)
        self._forget(origin)
        self._known[origin] = _Known(learned, self._clock() + learned.seconds)
        self._bytes += learned.bytes
        while len(self._known) > _MAX_ORIGINS or self._bytes > _MAX_BYTES:
            self._forget(next(iter(self._known)))
        return learned

    def _forget(self, origin: str) -> None:
        known = self._known.pop(origin, None)
        if known is not None:
            self._bytes -= known.learned.bytes


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


async def search(url: str, look: Callable[[], T], *, hosts: Hosts, rules_bytes: int) -> T:
    """Return what a look into the rules for a URL finds.

    Large rules are searched in turns of their site, the further apart the longer it takes: whoever
    writes them to keep us busy gets a twentieth of one core.

    Raises:
        RetryLaterError: the rules are large, and the host is busy.
    """
    if rules_bytes < _LARGE_BYTES:
        return look()
    async with hosts.turn(site_of(url)):
        return await at_cost_of(site_of(url), look, hosts=hosts)


async def at_cost_of(site: str, work: Callable[[], T], *, hosts: Hosts) -> T:
    """Do in a thread what a site gave us to do; the longer it takes the later is its next turn."""
    done, seconds = await asyncio.to_thread(_timed, work)
    if seconds > _FREE_SECONDS:
        hosts.postpone(site, seconds=seconds / _MAX_SHARE)
    return done


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    started = time.thread_time()
    return work(), time.thread_time() - started
