"""The memory of a process and of all below it, looked at again and again."""

import statistics
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import psutil

_EVERY_SECONDS = 1.0
_PLATEAU = (0.1, 0.15)
"""The part of the time in which caches and pools are full: in ten minutes the one after the first
minute."""
_END = (0.95, 1.0)


@dataclass(frozen=True)
class Sample:
    """What the processes had at one moment."""

    seconds: float
    """Since the first look."""
    megabytes: float
    """Resident; what several processes share counts for each."""


@dataclass
class Watch:
    """Looks at a process and those below it while the context is open."""

    pid: int
    samples: list[Sample] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        began = time.monotonic()
        while True:
            self.samples.append(Sample(time.monotonic() - began, tree_megabytes(self.pid)))
            if self._over.wait(_EVERY_SECONDS):
                return


def tree_megabytes(pid: int) -> float:
    """Return the resident memory of a process and all below it; 0 where it is gone."""
    try:
        process = psutil.Process(pid)
        tree = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    return sum(map(_bytes_of, tree)) / 1024**2


def _bytes_of(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def growth_megabytes(samples: Sequence[Sample]) -> float:
    """Return by how much more there is at the end than on the plateau after the start; never less.

    Medians of parts of the time: a decoder that is renewed just then says nothing.
    """
    return max(0.0, _median(samples, _END) - _median(samples, _PLATEAU))


def _median(samples: Sequence[Sample], part: tuple[float, float]) -> float:
    whole = samples[-1].seconds
    found = [s.megabytes for s in samples if part[0] * whole <= s.seconds <= part[1] * whole]
    return statistics.median(found or [samples[-1].megabytes])
