"""How stages tell how far they are, without knowing who looks."""

import sys
from collections.abc import Mapping
from typing import Protocol, TextIO

import msgspec


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """State of one part of the job at this moment; later ones replace it."""

    stage: str
    """scrape, dataset, features, train, evaluate, ..."""
    item: str = ""
    """Category or classifier."""
    done: int = 0
    total: int | None = None
    unit: str = "pictures"
    counts: Mapping[str, int] = {}
    """Further counts by name: stored, rejected, failed, ..."""
    reasons: Mapping[str, int] = {}
    """Pictures that were not kept, by reason."""
    figures: Mapping[str, float] = {}
    """Measures by name: loss, accuracy, ..."""
    finished: bool = False


class ProgressSink(Protocol):
    """Whoever shows or forwards progress."""

    def __call__(self, progress: Progress, /) -> None: ...


def no_progress(progress: Progress) -> None:
    """Show nothing."""


_PREFIX = "@progress "


class ForwardingSink:
    """Writes progress as marked JSON lines, for a parent process that reads them."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr

    def __call__(self, progress: Progress) -> None:
        self._stream.write(_PREFIX + msgspec.json.encode(progress).decode() + "\n")
        self._stream.flush()


def parse_forwarded(line: str) -> Progress | None:
    """Return the progress a child's line holds, None where the line is something else."""
    if not line.startswith(_PREFIX):
        return None
    try:
        return msgspec.json.decode(line.removeprefix(_PREFIX), type=Progress)
    except msgspec.MsgspecError:
        return None
