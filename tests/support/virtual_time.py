"""An event loop whose time passes only while everybody waits: hours in moments, always the same."""

import asyncio
import heapq
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _VirtualLoop(asyncio.SelectorEventLoop):
    """Jumps to the next timer instead of waiting for it; nobody else may be waited for."""

    _ready: list[Any]
    _scheduled: list[Any]
    _timer_cancelled_count: int

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0

    def time(self) -> float:
        return self._now

    def _run_once(self) -> None:
        while self._scheduled and self._scheduled[0].cancelled():
            heapq.heappop(self._scheduled)._scheduled = False
            self._timer_cancelled_count -= 1
        if not self._ready and self._scheduled:
            self._now = max(self._now, self._scheduled[0].when())
        super()._run_once()  # type: ignore[misc]  # typeshed hides it


def run_virtually(work: Coroutine[Any, Any, T]) -> T:
    """Return what a coroutine returns."""
    with asyncio.Runner(loop_factory=_VirtualLoop) as runner:
        return runner.run(work)
