"""Politeness: how many fetches a site gets at once, how far apart, and when it wants a rest."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from heapq import heappop, heappush

from artgrab.downloader.errors import FetchError, RetryLaterError
from artgrab.downloader.settings import DownloaderSettings

MAX_STRIKES = 6
"""Answers of 429 in a row after which a candidate is given up."""

MAX_TROUBLES = 5
"""Failures of network or server in a row after which a site counts as down for a while."""

MAX_REFUSALS = 10
"""Answers in a row, none of them good, that say we are not wanted; then a site is left alone."""

_DOWN_SECONDS = 60.0
_BLOCKED_SECONDS = 24 * 3600.0
"""As long as robots.txt is believed: longer than a run takes."""
_MAX_HOSTS = 16384
_FIRST_HOLD_SECONDS = 2.0
_UNKNOWN_RETRY_SECONDS = 1.0
"""Until a first fetch has shown how long they take."""
_LEARNING_RATE = 0.2
_MAX_PROMISES = 16384
_LEAST_RETRY_SECONDS = 0.25
_MOST_RETRY_SECONDS = 60.0


class _Host:
    """What is known of one registrable domain; times are those of the clock."""

    def __init__(self, settings: DownloaderSettings) -> None:
        self.slots = asyncio.Semaphore(settings.host_concurrency)
        self.spacing = settings.host_spacing_seconds
        self.guests = 0
        """Candidates that hold a slot or wait for one."""
        self.next_start = 0.0
        self.held_until = 0.0
        self.strikes = 0
        self.troubles = 0
        self.refusals = 0
        self.served = False
        self.down_until = 0.0
        self.blocked_until = 0.0
        self.mean_seconds: float | None = None
        """Of a fetch, the last ones counting most."""
        self.promises: list[float] = []
        """A heap: when those will come again who were sent away."""

    def took(self, seconds: float) -> None:
        """Learn from a fetch how long they take."""
        mean = seconds if self.mean_seconds is None else self.mean_seconds
        self.mean_seconds = mean + _LEARNING_RATE * (seconds - mean)


class Hosts:
    """All sites that were met; forgets the idle ones when they become many."""

    def __init__(
        self,
        settings: DownloaderSettings,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._sleep = sleep
        self._hosts: dict[str, _Host] = {}

    @asynccontextmanager
    async def turn(self, site: str) -> AsyncIterator[None]:
        """Wait for a turn at a site and hold it.

        Raises:
            RetryLaterError: the site wants a rest, or too many wait for it already.
            FetchError: passing; the site is down, or it blocks us.
        """
        host = self._host(site)
        self._check_queue(host)
        host.guests += 1
        try:
            async with host.slots:
                self._check_hold(host)
                await self._space(host)
                started = self._clock()
                yield
                host.took(self._clock() - started)
        finally:
            host.guests -= 1

    def slow_down(self, site: str, *, spacing: float) -> None:
        """Keep fetches from a site this many seconds apart, within the bound of the settings."""
        host = self._host(site)
        host.spacing = max(host.spacing, min(spacing, self._settings.max_crawl_delay_seconds))

    def hold_off(self, site: str, *, retry_after: float | None) -> float | None:
        """Leave a site alone for as long as it asked, or ever longer where it did not say.

        Returns:
            Seconds until its next turn; None when it has said so too many times in a row.
        """
        host = self._host(site)
        host.strikes += 1
        if host.strikes > MAX_STRIKES:
            host.blocked_until = self._clock() + _BLOCKED_SECONDS
            return None
        wanted = _FIRST_HOLD_SECONDS * 2 ** (host.strikes - 1)
        seconds = min(wanted if retry_after is None else retry_after, self._most_hold())
        host.held_until = max(host.held_until, self._clock() + seconds)
        return seconds

    def note_trouble(self, site: str) -> None:
        """Note that network or server failed; after some in a row nobody waits for the site.

        Once that time is over a single further failure is enough.
        """
        host = self._host(site)
        host.troubles += 1
        if host.troubles >= MAX_TROUBLES:
            host.down_until = self._clock() + _DOWN_SECONDS

    def forgive(self, site: str) -> None:
        """Note that a site answered well again."""
        host = self._host(site)
        host.strikes = host.troubles = host.refusals = 0
        host.served = True

    def note_refusal(self, site: str) -> int:
        """Note an answer that says we are not wanted; return how many there were in a row.

        After MAX_REFUSALS of them the site is not asked again for a day.
        """
        host = self._host(site)
        host.refusals += 1
        if host.refusals >= MAX_REFUSALS:
            host.blocked_until = self._clock() + _BLOCKED_SECONDS
        return host.refusals

    def has_served(self, site: str) -> bool:
        """Tell whether a site ever answered well."""
        return self._host(site).served

    def _most_hold(self) -> float:
        return self._settings.max_hold_seconds

    def _host(self, site: str) -> _Host:
        if site not in self._hosts:
            if len(self._hosts) >= _MAX_HOSTS:
                self._forget_idle()
            self._hosts[site] = _Host(self._settings)
        return self._hosts[site]

    def _forget_idle(self) -> None:
        now = self._clock()
        self._hosts = {
            site: host
            for site, host in self._hosts.items()
            if host.guests
            or max(host.held_until, host.next_start, host.down_until, host.blocked_until) > now
        }

    def _check_queue(self, host: _Host) -> None:
        self._check_hold(host)
        waiting = max(0, host.guests - self._settings.host_concurrency)
        step = max(host.spacing, (host.mean_seconds or 0.0) / self._settings.host_concurrency)
        full = waiting >= self._settings.host_queue
        if full or waiting * step > self._settings.host_wait_seconds:
            raise RetryLaterError("host-busy", retry_after=self._promise(host, waiting, step))

    def _promise(self, host: _Host, waiting: int, step: float) -> float:
        """Return the seconds after which somebody sent away will find a place.

        Each one comes after those sent away before, lest all come back at once to be sent away
        again.
        """
        if step == 0:
            return _UNKNOWN_RETRY_SECONDS
        now = self._clock()
        while host.promises and host.promises[0] <= now:
            heappop(host.promises)
        seconds = _bounded(step * (waiting + len(host.promises) + 1))
        if len(host.promises) < _MAX_PROMISES:
            heappush(host.promises, now + seconds)
        return seconds

    def _check_hold(self, host: _Host) -> None:
        now = self._clock()
        if host.blocked_until > now:
            raise FetchError("site-blocks-us", passing=True)
        if host.down_until > now:
            raise FetchError("host-down", passing=True)
        left = host.held_until - now
        if left > 0:
            raise RetryLaterError("host-busy", retry_after=_bounded(left))

    async def _space(self, host: _Host) -> None:
        now = self._clock()
        start = max(now, host.next_start)
        host.next_start = start + host.spacing
        if start > now:
            await self._sleep(start - now)


def _bounded(seconds: float) -> float:
    return min(max(seconds, _LEAST_RETRY_SECONDS), _MOST_RETRY_SECONDS)
