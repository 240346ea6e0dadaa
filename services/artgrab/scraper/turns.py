"""One at a time, and no faster than is asked for, however many scrapes run in this process."""

import asyncio
import time
from collections.abc import Callable


class Turns:
    """A lock for each host and a pace for each site; one instance serves all scrapes of a process.

    All of them must run on one event loop.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._locks: dict[str, asyncio.Lock] = {}
        self._next_starts: dict[str, float] = {}
        self._clock = clock

    def at(self, host: str) -> asyncio.Lock:
        """Return the lock to hold while a host is asked something."""
        return self._locks.setdefault(host, asyncio.Lock())

    def pause(self, site: str, *, spacing: float) -> float:
        """Take the next turn to open a page of a site; return the seconds to wait for it.

        Turns are so many seconds apart as the spacing says; the first one comes at once.
        """
        now = self._clock()
        start = max(now, self._next_starts.get(site, now))
        self._next_starts[site] = start + spacing
        return start - now
