"""The memory of a process and of all below it, looked at again and again."""

import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import psutil

_EVERY_SECONDS = 1.0
_PLATEAU = (0.1, 0.15)
"""The part of the time in which caches and pools are full: in ten minutes the one after the first
minute."""
_END = (0.95, 1.0)


_ROLES = {
    "org.pytorch.serve": "java",
    "model_service_worker": "worker",
    "artgrab.serving": "server",
}
"""By what a command line holds; all others decode pictures, or wait."""
_OTHERS = "others"


@dataclass(frozen=True)
class Sample:
    """What the processes had at one moment."""

    seconds: float
    """Since the first look."""
    parts: Mapping[str, float]
    """Megabytes by role, resident; what several processes share counts for each."""

    @property
    def megabytes(self) -> float:
        """Of all together."""
        return sum(self.parts.values())


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


def tree_megabytes(pid: int) -> dict[str, float]:
    """Return the resident memory of a process and all below it by role; nothing once it is gone."""
    parts: dict[str, float] = defaultdict(float)
    try:
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            role, size = _look_at(one)
            parts[role] += size / 1024**2
    except psutil.NoSuchProcess:
        pass
    return dict(parts)


def _look_at(process: psutil.Process) -> tuple[str, int]:
    try:
        line = " ".join(process.cmdline())
        role = next((role for word, role in _ROLES.items() if word in line), _OTHERS)
        return role, int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return _OTHERS, 0


def growth_megabytes(samples: Sequence[Sample], role: str | None = None) -> float:
    """Return by how much more there is at the end than on the plateau after the start.

    Medians of parts of the time: a decoder that is renewed just then says nothing.
    """
    return _median(samples, _END, role) - _median(samples, _PLATEAU, role)


def _median(samples: Sequence[Sample], part: tuple[float, float], role: str | None) -> float:
    whole = samples[-1].seconds
    found = [s for s in samples if part[0] * whole <= s.seconds <= part[1] * whole] or samples[-1:]
    return statistics.median(s.megabytes if role is None else s.parts.get(role, 0) for s in found)
