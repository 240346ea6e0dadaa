"""Ends runs: records merged, stray pictures removed, and a summary that says that it is over."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from weakref import WeakValueDictionary

import msgspec

from artgrab.common.record_parts import compact
from artgrab.common.runs import CategoryCounts, RunSummary, counts_of, put_run_summary
from artgrab.common.store import Store
from artgrab.downloader.sweep import sweep

_T = TypeVar("_T")


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """A run that has nothing unacknowledged any more."""

    namespace: str
    category: str
    run_id: str
    reason: str
    """TargetReached, SourcesExhausted or SourcesFailed."""
    problems: tuple[str, ...] = ()
    """Of sources that could not be gone through to their end."""


def _now() -> datetime:
    return datetime.now(UTC)


def end_run(
    store: Store,
    ending: Ending,
    *,
    older_than: timedelta | None = None,
    now: Callable[[], datetime] = _now,
) -> CategoryCounts:
    """Merge a category's records, remove its stray pictures, and mark the run as ended.

    May be killed anywhere and repeated. `older_than` is that of sweep.

    Raises:
        SurroundingsError: the store failed, or a record cannot be read.
    """
    namespace, category = ending.namespace, ending.category
    compact(store, namespace=namespace, category=category)
    sweep(store, namespace=namespace, category=category, older_than=older_than, now=now())
    counts = counts_of(store, namespace=namespace, category=category)
    summary = RunSummary(
        run_id=ending.run_id,
        reason=ending.reason,
        counts=counts,
        problems=list(ending.problems),
    )
    put_run_summary(store, summary, namespace=namespace, category=category, now=now)
    return counts


class Endings:
    """Ends the runs of one store, those of a category one after the other."""

    def __init__(
        self,
        store: Store,
        *,
        settled: Callable[[str, str], Awaitable[None]],
        older_than: timedelta,
        now: Callable[[], datetime] = _now,
    ) -> None:
        """Prepare.

        Args:
            store: where runs end.
            settled: returns when nothing of a category (namespace, name) is under way here.
            older_than: that of sweep.
            now: the present.
        """
        self._store = store
        self._settled = settled
        self._older_than = older_than
        self._now = now
        self._turns: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    async def end(self, ending: Ending) -> CategoryCounts:
        """Wait for what is under way of the category, then end its run as end_run does.

        Raises:
            SurroundingsError: the store failed, or a record cannot be read.
        """
        key = (ending.namespace, ending.category)
        async with self._turns.setdefault(key, asyncio.Lock()):
            await self._settled(*key)
            return await to_its_end(
                lambda: end_run(self._store, ending, older_than=self._older_than, now=self._now)
            )


async def to_its_end(work: Callable[[], _T]) -> _T:
    """Call a function in a thread; whoever is cancelled meanwhile goes on only when it has ended.

    It changes the store, which is ours only until we go on.
    """
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    finally:
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # has been told, unless whoever waited was cancelled
