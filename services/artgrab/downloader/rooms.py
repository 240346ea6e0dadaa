"""Where candidates wait for their sites: so many in all, and the longest queue gives way.

A stream has few credits, and whoever waits holds one: without a bound the candidates of a few slow
sites would come to hold them all, and every other site would stand still.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager


class SentAwayError(Exception):
    """Too many wait already."""


class WaitingRoom:
    """Gives places to those who wait; the first of each site always has one.

    When it is full the newest of the longest queue goes (longest queue drop: Suter, Lakshman,
    Stiliadis and Choudhury, IEEE JSAC 17(6), 1999).
    """

    def __init__(self, places: int) -> None:
        """Make a room with so many places beside those of the first of each site."""
        self._places = places
        self._queues: dict[str, list[asyncio.Timeout]] = {}
        self._taken = 0

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Take a place as one whose turn it is, who waits no more and is not sent away."""
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1

    @asynccontextmanager
    async def place(self, site: str) -> AsyncIterator[None]:
        """Have a place to the end of the block, which is broken off where others need it more.

        Raises:
            SentAwayError: they do.
        """
        patience = asyncio.timeout(None)
        try:
            async with patience:
                self._enter(site, patience)
                try:
                    yield
                finally:
                    self._leave(site, patience)
        except TimeoutError:
            if not patience.expired():
                raise
            raise SentAwayError from None

    def _enter(self, site: str, patience: asyncio.Timeout) -> None:
        self._queues.setdefault(site, []).append(patience)
        self._taken += 1
        while self._taken - len(self._queues) > self._places:
            crowded = max(self._queues, key=lambda one: (len(self._queues[one]), one == site))
            newest = self._queues[crowded][-1]
            if newest is self._queues[crowded][0]:
                return
            self._leave(crowded, newest)
            if newest is patience:
                raise SentAwayError
            newest.reschedule(asyncio.get_running_loop().time())

    def _leave(self, site: str, patience: asyncio.Timeout) -> None:
        queue = self._queues.get(site, [])
        if patience in queue:
            queue.remove(patience)
            self._taken -= 1
        if not queue:
            self._queues.pop(site, None)
