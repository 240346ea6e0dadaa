"""How stages tell how far they are, without knowing who looks."""

import sys
from collections.abc import Mapping
from typing import Protocol, TextIO, runtime_checkable

import msgspec

from artgrab.common.unreadable import UNREADABLE


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """State of one part of the job at this moment; later ones replace it."""

    stage: str
    """scrape, dataset, features, train, evaluate, ..."""
    item: str = ""
    """Category or classifier."""
    done: int = 0
    total: int | None = None
    at_most: bool = False
    """The total is a limit: it may end before, as sources do that have no more."""
    unit: str = "pictures"
    counts: Mapping[str, int] = {}
    """Further counts by name: stored, rejected, failed, ..."""
    reasons: Mapping[str, int] = {}
    """Pictures that were not kept, by reason."""
    figures: Mapping[str, float] = {}
    """Measures by name: loss, accuracy, ..."""
    finished: bool = False
    problem: str = ""
    """Why it has ended without its work; empty where it has not."""


class ProgressSink(Protocol):
    """Whoever shows or forwards progress."""

    def __call__(self, progress: Progress, /) -> None: ...


@runtime_checkable
class WarningSink(Protocol):
    """A progress sink that has a place for warnings, too."""

    def warn(self, text: str, /) -> None:
        """Tell people something that did not end the job; the same text is told once."""


def no_progress(progress: Progress) -> None:
    """Show nothing."""


def warn(progress: ProgressSink, text: str) -> None:
    """Tell people something through whoever shows progress, else on stderr."""
    if isinstance(progress, WarningSink):
        progress.warn(text)
    else:
        sys.stderr.write(f"artgrab: {text}\n")


_PREFIX = "@progress "
_WARNING_PREFIX = "@warning "


class ForwardingSink:
    """Writes progress and warnings as marked JSON lines, for a parent process that reads them."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr

    def __call__(self, progress: Progress) -> None:
        self._write(_PREFIX, progress)

    def warn(self, text: str) -> None:
        """Forward a warning."""
        self._write(_WARNING_PREFIX, text)

    def _write(self, prefix: str, value: object) -> None:
        self._stream.write(prefix + msgspec.json.encode(value).decode() + "\n")
        self._stream.flush()


def parse_forwarded(line: str) -> Progress | None:
    """Return the progress a child's line holds, None where the line is something else."""
    if not line.startswith(_PREFIX):
        return None
    try:
        return msgspec.json.decode(line.removeprefix(_PREFIX), type=Progress)
    except UNREADABLE:
        return None


def parse_forwarded_warning(line: str) -> str | None:
    """Return the warning a child's line holds, None where the line is something else."""
    if not line.startswith(_WARNING_PREFIX):
        return None
    try:
        return msgspec.json.decode(line.removeprefix(_WARNING_PREFIX), type=str)
    except UNREADABLE:
        return None
