"""Progress as people see it: bars on a terminal, plain lines elsewhere."""

import time
import unicodedata
from collections.abc import Callable
from typing import Self, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import (
    Progress as Bars,
)
from rich.text import Text

from artgrab.common.progress import Progress

_INTERVAL_SECONDS = 5.0
"""Between two plain lines of one part: a log of an hour stays readable."""
_NAME_CELLS = 40

Key = tuple[str, str]


def progress_sink(stream: TextIO) -> "RichProgress | PlainProgress":
    """Return bars where stream is a terminal, else plain lines; a context manager and a sink."""
    if stream.isatty():
        return RichProgress(Console(file=stream))
    return PlainProgress(stream)


class RichProgress:
    """A line with a bar for each part of the job; those that are done stay, with a tick."""

    def __init__(self, console: Console) -> None:
        self._bars = Bars(
            SpinnerColumn(finished_text="[green]✓[/green]"),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            _FiguresColumn(),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            console=console,
            redirect_stdout=False,  # the answer of a command goes there, whatever stderr is
        )
        self._tasks: dict[Key, TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def __call__(self, progress: Progress) -> None:
        """Show where a part of the job is."""
        total = progress.total
        if progress.finished:  # what ended early is done too: its bar must not go on moving
            total = max(progress.done, 1)
        self._bars.update(
            self._task_of(progress),
            completed=max(progress.done, 1) if progress.finished else progress.done,
            total=total,
            progress=progress,
        )

    def _task_of(self, progress: Progress) -> TaskID:
        key = (progress.stage, progress.item)
        if key not in self._tasks:
            self._tasks[key] = self._bars.add_task(name_of(progress), total=None, progress=progress)
        return self._tasks[key]


class _FiguresColumn(ProgressColumn):
    """Done, total, rate and counts."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(figures_of(task.fields["progress"], rate=speed), style="dim", no_wrap=True)


class PlainProgress:
    """A line for each part of the job every few seconds, and one at its end."""

    def __init__(
        self,
        stream: TextIO,
        *,
        interval_seconds: float = _INTERVAL_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = stream
        self._interval = interval_seconds
        self._clock = clock
        self._begun: dict[Key, float] = {}
        self._shown: dict[Key, float] = {}
        self._ended: dict[Key, Progress] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.flush()

    def __call__(self, progress: Progress) -> None:
        """Show where a part of the job is, unless it was shown a moment ago."""
        key, now = (progress.stage, progress.item), self._clock()
        begun = self._begun.setdefault(key, now)
        if not self._is_due(key, progress, now):
            return
        self._shown[key] = now
        if progress.finished:
            self._ended[key] = progress
        rate = progress.done / (now - begun) if now > begun else None
        end = ", done" if progress.finished else ""
        self._stream.write(f"{name_of(progress)}: {figures_of(progress, rate=rate)}{end}\n")
        self._stream.flush()

    def _is_due(self, key: Key, progress: Progress, now: float) -> bool:
        if progress.finished:
            return self._ended.get(key) != progress
        return now - self._shown.get(key, self._begun[key]) >= self._interval


def name_of(progress: Progress) -> str:
    """Return stage and item, safe to write to a terminal."""
    name = clean(f"{progress.stage} {progress.item}".strip())
    return name if len(name) <= _NAME_CELLS else name[: _NAME_CELLS - 1] + "…"


def figures_of(progress: Progress, *, rate: float | None) -> str:
    """Return how much is done, of how much, how fast (per second), and the further counts."""
    total = "" if progress.total is None else f"/{progress.total}"
    figures = [f"{progress.done}{total} {clean(progress.unit)}"]
    if rate:
        figures.append(f"{rate:.1f}/s")
    figures += [f"{count} {clean(name)}" for name, count in progress.counts.items() if count]
    return ", ".join(figures)


def clean(text: str) -> str:
    """Return text without control and format characters: no escape sequence, no reversed line."""
    return "".join(" " if unicodedata.category(c) in _UNSAFE else c for c in text)


_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
