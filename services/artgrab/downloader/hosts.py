"""Politeness: how many fetches a site gets at once, how far apart, and when it wants a rest."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from heapq import heappop, heappush

from artgrab.downloader.errors import FetchError, RetryLaterError
from artgrab.downloader.rooms import Gate, SentAwayError, WaitingRoom
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
_FREE_SHARE = 8
"""One credit in so many is for sites that are quick: they give it back at once."""
_LONG_SECONDS, _LONG_FETCHES = 1.0, 4
"""A wait of more seconds, and of more fetches, is long."""
_MAX_PROMISES = 16384
_LEAST_RETRY_SECONDS = 0.25
_MOST_RETRY_SECONDS = 60.0


class _Count:
    """How many are in some place at the moment."""

    def __init__(self) -> None:
        self.now = 0

    def __enter__(self) -> None:
        self.now += 1

    def __exit__(self, *_: object) -> None:
        self.now -= 1


class _Mean:
    """Of the seconds that fetches took, the last ones counting most."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._is_known = False

    def note(self, seconds: float) -> None:
        rate = _LEARNING_RATE if self._is_known else 1.0
        self._is_known = True
        self.seconds += rate * (seconds - self.seconds)


class _Host:
    """What is known of one registrable domain; times are those of the clock."""

    def __init__(self, settings: DownloaderSettings) -> None:
        self.slots = asyncio.Semaphore(settings.host_concurrency)
        self.spacing = settings.host_spacing_seconds
        self.guests = _Count()
        """Candidates that hold a slot or wait for one."""
        self.next_start = self.next_late_start = 0.0
        self.held_until = 0.0
        self.strikes = 0
        self.troubles = 0
        self.refusals = 0
        self.served = False
        self.down_until = 0.0
        self.blocked_until = 0.0
        self.pace = _Mean()
        self.promises: list[float] = []
        """A heap: when those will come again who were sent away."""
        self.turns = _Count()
        self.starts: list[float] = []
        """Of the fetches under way."""

    @property
    def is_on_probation(self) -> bool:
        """Tell whether the site was down and has not answered since: one at a time may try."""
        return self.troubles >= MAX_TROUBLES

    def seconds(self, now: float) -> float:
        """Return how long a fetch takes, by those before and by the oldest one under way."""
        return max([self.pace.seconds, *(now - start for start in self.starts)])

    def rests_until(self) -> float:
        """Return when the site may be asked again, as far as is known."""
        return max(self.held_until, self.next_start, self.down_until, self.blocked_until)


def is_busy(host: _Host, now: float) -> bool:
    """Tell whether a fetch from a site is under way."""
    return bool(host.starts)


def is_resting(host: _Host, now: float) -> bool:
    """Tell whether a site asked for a rest, or is left alone as it seems down."""
    return max(host.held_until, host.down_until) > now


def is_blocked(host: _Host, now: float) -> bool:
    """Tell whether a site is left alone as it does not want us."""
    return host.blocked_until > now


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
        self._pace = _Mean()
        self._room = WaitingRoom(
            settings.credits - settings.credits // _FREE_SHARE, self._overlength
        )
        self._gate = Gate(settings.max_fetches)

    @asynccontextmanager
    async def wait(self, site: str) -> AsyncIterator[None]:
        """Hold a place among those who wait for a site, be it for its rules or for a turn.

        Once seven in eight credits of a stream are taken, also by whoever has a turn, the rest is
        for sites that are quick.

        Raises:
            RetryLaterError: the place was given to others; what was done in it is broken off.
        """
        try:
            async with self._room.place(site):
                yield
        except SentAwayError:
            raise self._busy(self._host(site)) from None

    @asynccontextmanager
    async def turn(self, site: str, *, gated: bool = False) -> AsyncIterator[None]:
        """Wait for a turn at a site and hold it; if gated, also for one among all sites.

        Raises:
            RetryLaterError: the site wants a rest, or too many wait for it already.
            FetchError: passing; the site is down, or it blocks us.
        """
        host = self._host(site)
        self._check_queue(host)
        with host.guests:
            async with host.slots:
                self._check_hold(host)
                with host.turns, self._room.taken():
                    await self._sleep_until(self._book_start(host))
                    async with self._past_gate(host) if gated else nullcontext():
                        self._check_rest(host)
                        with self._fetching(host, gated=gated):
                            yield

    @asynccontextmanager
    async def _past_gate(self, host: _Host) -> AsyncIterator[None]:
        async with self._gate.place():
            await self._sleep_until(self._book_late_start(host))
            yield

    @contextmanager
    def _fetching(self, host: _Host, *, gated: bool) -> Iterator[None]:
        """Learn from a fetch how long they take, however it ends."""
        start = self._clock()
        host.starts.append(start)
        try:
            yield
        finally:
            host.starts.remove(start)
            seconds = self._clock() - start
            host.pace.note(seconds)
            if gated:
                self._pace.note(seconds)

    def slow_down(self, site: str, *, spacing: float) -> None:
        """Keep fetches from a site this many seconds apart, within the bound of the settings."""
        host = self._host(site)
        host.spacing = max(host.spacing, min(spacing, self._settings.max_crawl_delay_seconds))

    def postpone(self, site: str, *, seconds: float) -> None:
        """Let the next turn of a site begin later by so much."""
        host = self._host(site)
        host.next_start = max(self._clock(), host.next_start) + seconds

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

        Once that time is over one at a time may try, and a single further failure is enough.
        """
        host = self._host(site)
        host.troubles += 1
        if host.troubles >= MAX_TROUBLES:
            host.down_until = self._clock() + _DOWN_SECONDS

    def note_answer(self, site: str) -> None:
        """Note that network and server are well, whatever the answer was worth."""
        self._host(site).troubles = 0

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

    def count(self, state: Callable[[_Host, float], bool]) -> int:
        """Return how many sites are in a state at this time; for any thread."""
        now = self._clock()
        return sum(state(host, now) for host in list(self._hosts.values()))

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
        """Keep those in use, and of those that rest at most half: who rests longest."""
        now = self._clock()
        used = {site: host for site, host in self._hosts.items() if host.guests.now}
        resting = sorted(
            (
                (host.rests_until(), site)
                for site, host in self._hosts.items()
                if site not in used and host.rests_until() > now
            ),
            reverse=True,
        )
        self._hosts = used | {site: self._hosts[site] for _, site in resting[: _MAX_HOSTS // 2]}

    def _check_queue(self, host: _Host) -> None:
        self._check_hold(host)
        waiting = self._waiting(host)
        full = waiting >= self._settings.host_queue
        if full or waiting * self._step(host) > self._settings.host_wait_seconds:
            raise self._busy(host)

    def _overlength(self, site: str, count: int) -> float:
        """Compare a wait with the time of a fetch anywhere: when all are slow, it is not theirs."""
        host = self._host(site)
        return count * self._step(host) / max(_LONG_SECONDS, _LONG_FETCHES * self._pace.seconds)

    def _waiting(self, host: _Host) -> int:
        return max(0, host.guests.now - self._settings.host_concurrency)

    def _step(self, host: _Host) -> float:
        """Return the seconds from one turn at a site to the next."""
        return max(host.spacing, host.seconds(self._clock()) / self._settings.host_concurrency)

    def _busy(self, host: _Host) -> RetryLaterError:
        """Return what sends somebody away until there will be a place.

        Each one comes after those sent away before, lest all come back at once to be sent away
        again.
        """
        step = self._step(host)
        if step == 0:
            return RetryLaterError("host-busy", retry_after=_UNKNOWN_RETRY_SECONDS)
        now = self._clock()
        while host.promises and host.promises[0] <= now:
            heappop(host.promises)
        seconds = _bounded(step * (self._waiting(host) + len(host.promises) + 1))
        if len(host.promises) < _MAX_PROMISES:
            heappush(host.promises, now + seconds)
        return RetryLaterError("host-busy", retry_after=seconds)

    def _check_hold(self, host: _Host) -> None:
        self._check_rest(host)
        if host.is_on_probation and host.turns.now:
            raise self._busy(host)

    def _check_rest(self, host: _Host) -> None:
        now = self._clock()
        if host.blocked_until > now:
            raise FetchError("site-blocks-us", passing=True)
        if host.down_until > now:
            raise FetchError("host-down", passing=True)
        left = host.held_until - now
        if left > 0:
            raise RetryLaterError("host-busy", retry_after=_bounded(left))

    def _book_start(self, host: _Host) -> float:
        start = max(self._clock(), host.next_start)
        host.next_start = start + host.spacing
        return start

    def _book_late_start(self, host: _Host) -> float:
        """Book once more: what was booked far apart may have come through the gate together."""
        start = max(self._clock(), host.next_late_start)
        host.next_late_start = start + host.spacing
        host.next_start = max(host.next_start, host.next_late_start)
        return start

    async def _sleep_until(self, start: float) -> None:
        seconds = start - self._clock()
        if seconds > 0:
            await self._sleep(seconds)


def _bounded(seconds: float) -> float:
    return min(max(seconds, _LEAST_RETRY_SECONDS), _MOST_RETRY_SECONDS)
