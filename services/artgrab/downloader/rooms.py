"""Places for those who wait and for those who fetch: no few slow sites may hold them all.

A stream has few credits, and whoever waits holds one; without bounds the candidates of some sites
that hang would come to hold all of them, and every other site would stand still.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

_LOOK_SECONDS = 0.1


class SentAwayError(Exception):
    """Too many wait already."""


class WaitingRoom:
    """Where candidates wait for their sites; who would wait too long makes way when it is crowded.

    Of those the newest go, from the sites with the longest waits; the first of each site stays.
    """

    def __init__(self, places: int, overlength: Callable[[str, int], float]) -> None:
        """Make a room.

        Args:
            places: taken by more it is crowded.
            overlength: returns how long so many waiting candidates of a site will wait; beyond 1
                it is too long.
        """
        self._places = places
        self._overlength = overlength
        self._queues: dict[str, list[asyncio.Timeout]] = {}
        self._taken = 0
        self._timer: asyncio.TimerHandle | None = None

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

    @property
    def _is_crowded(self) -> bool:
        return self._taken > self._places

    def _wait_at(self, site: str) -> float:
        queue = self._queues.get(site, ())
        return self._overlength(site, len(queue)) if len(queue) > 1 else 0.0

    def _enter(self, site: str, patience: asyncio.Timeout) -> None:
        if self._is_crowded and self._wait_at(site) > 1:
            raise SentAwayError
        self._queues.setdefault(site, []).append(patience)
        self._taken += 1
        if self._is_crowded and self._timer is None:
            self._look_later()

    def _leave(self, site: str, patience: asyncio.Timeout) -> None:
        queue = self._queues.get(site, [])
        if patience in queue:
            queue.remove(patience)
            self._taken -= 1
        if not queue:
            self._queues.pop(site, None)

    def _look_later(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._make_room)

    def _make_room(self) -> None:
        """Send away, and look again while it is crowded: nobody may come who would see it."""
        self._timer = None
        while self._is_crowded:
            site = max(self._queues, key=self._wait_at, default="")
            if self._wait_at(site) <= 1:
                return self._look_later()
            newest = self._queues[site][-1]
            self._leave(site, newest)
            newest.reschedule(asyncio.get_running_loop().time())
        return None


class Gate:
    """Lets so many through at once; who takes long makes way, while as many at most do."""

    def __init__(self, places: int, *, patience: float = 1.0) -> None:
        """Make a gate.

        Args:
            places: for those who are quick, and as many again for those who are not.
            patience: seconds after which somebody is taken for slow.
        """
        self._free = asyncio.Semaphore(places)
        self._places = places
        self._slow = 0
        """Inside; of them as many as there are places are aside."""
        self._patience = patience

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Wait for a place and hold it."""
        await self._free.acquire()
        is_slow = False

        def step_aside() -> None:
            nonlocal is_slow
            is_slow = True
            self._slow += 1
            if self._slow <= self._places:
                self._free.release()

        timer = asyncio.get_running_loop().call_later(self._patience, step_aside)
        try:
            yield
        finally:
            timer.cancel()
            self._slow -= is_slow
            if not is_slow or self._slow >= self._places:  # another slow one steps aside
                self._free.release()
