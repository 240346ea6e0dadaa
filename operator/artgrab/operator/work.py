"""A queue of keys: one at a time for each key, none forgotten, failures with growing pauses."""

import asyncio
import heapq
import random
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog

K = TypeVar("K", bound=Hashable)
_log = structlog.get_logger()


class LookAgainError(Exception):
    """What was planned for is not there any more, or not yet: no failure."""


@dataclass(frozen=True)
class Pauses:
    """How long a key waits after failures in a row, in seconds."""

    first: float = 1.0
    longest: float = 300.0

    def after(self, failures: int, chance: float) -> float:
        """Return the pause, from half to the whole of what so many failures ask for."""
        whole = min(self.longest, self.first * 2.0 ** min(failures - 1, 30))
        return whole * (0.5 + chance / 2)


class Agenda(Generic[K]):
    """What is to be done, and when; it knows no clock, and is told the time."""

    def __init__(self, pauses: Pauses = Pauses()) -> None:
        self._pauses = pauses
        self._ready: OrderedDict[K, float] = OrderedDict()
        self._later: dict[K, float] = {}
        self._heap: list[tuple[float, int, K]] = []
        self._count = 0
        self._last_taken = float("-inf")
        self._under_way: dict[K, float] = {}
        self._dirty: set[K] = set()
        self._failures: dict[K, int] = {}

    def __len__(self) -> int:
        """Return how many keys wait to be done now."""
        return len(self._ready) + len(self._dirty)

    def add(self, key: K, now: float) -> None:
        """Ask for a key: done once, however often it is asked for before it is begun."""
        if key in self._under_way:
            self._dirty.add(key)
        elif key not in self._ready:
            self._later.pop(key, None)
            self._ready[key] = now

    def take(self, now: float) -> K | None:
        """Begin with the key that has waited longest; None where there is nothing to do."""
        self._ripen(now)
        if not self._ready:
            return None
        key, _ = self._ready.popitem(last=False)
        self._last_taken = now
        self._under_way[key] = now
        return key

    def done(self, key: K, now: float, *, again_after: float | None) -> None:
        """End with a key; its failures are forgotten."""
        self._failures.pop(key, None)
        self._leave(key, now, again_after)

    def failed(self, key: K, now: float, *, chance: float) -> float:
        """End with a key that failed; return the seconds until it is tried again."""
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        pause = self._pauses.after(failures, chance)
        self._dirty.discard(key)  # what changed meanwhile is seen then
        self._leave(key, now, pause)
        return pause

    def next_at(self) -> float | None:
        """Return when the next key becomes due by itself."""
        while self._heap and self._later.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def still_since(self) -> float | None:
        """Return since when nothing moves: a key is under way, or none is begun though some wait.

        How long a key waits says nothing: after a start all of them wait for each other.
        """
        waiting = next(iter(self._ready.values()), None)
        since = [*self._under_way.values()]
        if waiting is not None:
            since.append(max(waiting, self._last_taken))
        return min(since, default=None)

    def _ripen(self, now: float) -> None:
        while (at := self.next_at()) is not None and at <= now:
            _, _, key = heapq.heappop(self._heap)
            self.add(key, now)

    def _leave(self, key: K, now: float, again_after: float | None) -> None:
        del self._under_way[key]
        if key in self._dirty:
            self._dirty.discard(key)
            self._ready[key] = now
        elif again_after is not None:
            self._count += 1
            self._later[key] = now + again_after
            heapq.heappush(self._heap, (now + again_after, self._count, key))


Reconcile = Callable[[K], Awaitable[float | None]]
"""Does what is to be done for a key; returns the seconds until time alone asks for more."""


class WorkQueue(Generic[K]):
    """An agenda with workers."""

    def __init__(
        self,
        reconcile: Reconcile[K],
        *,
        clock: Callable[[], float],
        chance: Callable[[], float] = random.random,
        told: Callable[[str, float], None] = lambda *_: None,
        pauses: Pauses = Pauses(),
    ) -> None:
        """Take what to do, a monotonic clock, chance, and whom to tell of result and seconds."""
        self.agenda = Agenda[K](pauses)
        self._reconcile = reconcile
        self._clock = clock
        self._chance = chance
        self._told = told
        self._news = asyncio.Event()

    def add(self, key: K) -> None:
        """Ask for a key to be done soon."""
        self.agenda.add(key, self._clock())
        self._news.set()

    def stuck_seconds(self) -> float:
        """Return how long nothing has moved."""
        since = self.agenda.still_since()
        return 0.0 if since is None else self._clock() - since

    async def work(self, workers: int) -> None:
        """Do what is asked for until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            key = self.agenda.take(self._clock())
            if key is None:
                await self._wait()
            else:
                await self._do(key)

    async def _wait(self) -> None:
        at = self.agenda.next_at()
        timeout = None if at is None else max(0.0, at - self._clock())
        self._news.clear()
        try:
            await asyncio.wait_for(self._news.wait(), timeout)
        except TimeoutError:
            return

    async def _do(self, key: K) -> None:
        began = self._clock()
        try:
            again_after = await self._reconcile(key)
        except LookAgainError as error:
            self._fail(key, began, "look_again", str(error))
        except Exception as error:
            _log.exception("it could not be looked after", key=str(key))
            self._fail(key, began, "error", str(error))
        else:
            self.agenda.done(key, self._clock(), again_after=again_after)
            self._told("done", self._clock() - began)
        self._news.set()  # it may be due again, or be the first that is

    def _fail(self, key: K, began: float, result: str, why: str) -> None:
        now = self._clock()
        pause = self.agenda.failed(key, now, chance=self._chance())
        _log.info("looked at again later", key=str(key), seconds=round(pause, 1), why=why)
        self._told(result, now - began)
