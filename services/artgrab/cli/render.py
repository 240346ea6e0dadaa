"""Progress as people see it: a board of bars on a terminal, plain lines elsewhere."""

import threading
import time
from collections.abc import Callable, Iterable
from typing import Self, TextIO

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.text import Text

from artgrab.cli.board import PLAIN_MARKS, Board, Marks, Part
from artgrab.cli.pace import clock_text
from artgrab.cli.texts import (
    amount_of,
    clean,
    counts_of,
    eta_of,
    joined,
    name_of,
    rate_of,
)
from artgrab.common.progress import Progress

_INTERVAL_SECONDS = 5.0
"""Between two plain lines of one part at first; a log of a day stays readable."""
_MOST_INTERVAL_SECONDS = 60.0
_LINES_OF_A_PART = 20
"""In the time it has taken, once the first interval has become too short for that."""
_FRAMES_PER_SECOND = 4

Clock = Callable[[], float]
Key = tuple[str, str]


def progress_sink(stream: TextIO) -> "RichProgress | PlainProgress":
    """Return bars where stream is a terminal that can have them, else plain lines.

    Both are context managers, progress sinks and warning sinks.
    """
    console = Console(file=stream)
    if stream.isatty() and not console.is_dumb_terminal:
        return RichProgress(console)
    return PlainProgress(stream)


class RichProgress:
    """A board at the foot of the terminal; warnings, and whatever else is written, above it."""

    def __init__(self, console: Console, *, clock: Clock = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._board = Board(PLAIN_MARKS if console.options.ascii_only else Marks())
        self._lock = threading.Lock()  # parts are told from threads, frames are drawn in one more
        self._warned: set[str] = set()
        self._live = Live(
            self,
            console=console,
            refresh_per_second=_FRAMES_PER_SECOND,
            redirect_stdout=False,  # the answer of a command goes there, whatever stderr is
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def __call__(self, progress: Progress) -> None:
        """Show where a part of the job is."""
        with self._lock:
            self._board.note(progress, self._clock())

    def expect(self, stage: str, items: Iterable[str]) -> None:
        """Show parts that have not begun."""
        with self._lock:
            self._board.expect(stage, items)

    def seconds(self, stage: str) -> dict[str, float]:
        """Return how long each part of a stage took that has ended."""
        return self._board.seconds(stage)

    def warn(self, text: str) -> None:
        """Write a warning above the board, once."""
        if _is_new(text, self._warned):
            line = Text.assemble(("warning", "yellow"), f": {clean(text)}")
            # rich draws its frames under this lock and prints without: a warning printed while one
            # is drawn would reckon with the height of the frame before, and leave halves of lines.
            with self._live._lock:
                self._console.print(line, soft_wrap=True)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the board as it is at this moment."""
        width, height = options.size.width - 1, options.size.height - 1
        with self._lock:
            yield from self._board.lines(width=width, height=height, now=self._clock())


class PlainProgress:
    """A line for each part of the job every few seconds, and one at its end."""

    def __init__(
        self,
        stream: TextIO,
        *,
        interval_seconds: float = _INTERVAL_SECONDS,
        clock: Clock = time.monotonic,
    ) -> None:
        self._stream = stream
        self._interval = interval_seconds
        self._clock = clock
        self._board = Board()
        self._shown: dict[Key, float] = {}
        self._ended: dict[Key, Progress] = {}
        self._warned: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.flush()

    def __call__(self, progress: Progress) -> None:
        """Show where a part of the job is, unless it was shown a moment ago."""
        key, now = (progress.stage, progress.item), self._clock()
        part = self._board.note(progress, now)
        if not self._is_due(key, part, now):
            return
        self._shown[key] = now
        if part.ended is not None:
            self._ended[key] = progress
        self._write(f"{name_of(progress)}: {plain_text(part, now)}")

    def expect(self, stage: str, items: Iterable[str]) -> None:
        """Say nothing of parts that have not begun."""

    def seconds(self, stage: str) -> dict[str, float]:
        """Return how long each part of a stage took that has ended."""
        return self._board.seconds(stage)

    def warn(self, text: str) -> None:
        """Write a warning, once."""
        if _is_new(text, self._warned):
            self._write(f"warning: {clean(text)}")

    def _is_due(self, key: Key, part: Part, now: float) -> bool:
        if part.ended is not None:
            return self._ended.get(key) != part.progress
        interval = max(self._interval, (now - part.begun) / _LINES_OF_A_PART)
        since = now - self._shown.get(key, part.begun)
        return since >= min(interval, max(self._interval, _MOST_INTERVAL_SECONDS))

    def _write(self, line: str) -> None:
        self._stream.write(f"{line}\n")
        self._stream.flush()


def plain_text(part: Part, now: float) -> str:
    """Return where a part is, in one line without its name."""
    progress = part.progress
    if progress.problem:
        return f"failed: {clean(progress.problem)}"
    figures = [amount_of(progress), counts_of(progress)]
    if part.ended is not None:
        return joined([*figures, f"done in {clock_text(part.ended - part.begun)}"])
    eta = eta_of(part.left(now), at_most=progress.at_most)
    return joined([figures[0], rate_of(part.rate(now)), eta, figures[1]])


def _is_new(text: str, known: set[str]) -> bool:
    new = text not in known
    known.add(text)
    return new
