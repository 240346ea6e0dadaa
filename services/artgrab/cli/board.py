"""What of a job is waiting, at work and done, as lines that fit a terminal."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len
from rich.text import Text

from artgrab.cli.pace import Pace, clock_text
from artgrab.cli.texts import (
    amount_of,
    clean,
    counts_of,
    eta_of,
    fit,
    joined,
    listed,
    name_of,
    rate_of,
)
from artgrab.common.progress import Progress

COLLECTING = "scrape"
"""The stage with many parts; those that are done become one line."""
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_TURNS_PER_SECOND = 4
_INDENT = "  "
_LEAST_BAR, _MOST_BAR = 8, 30
_LEAST_NAME = 10
_SHOWN_FAILURES = 3

Key = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Marks:
    """The signs of a terminal."""

    done: str = "✓"
    failed: str = "✗"
    waiting: str = "·"
    spinner: str = _SPINNER
    full: str = "━"
    empty: str = "─"
    at_most: str = "≤ "


PLAIN_MARKS = Marks(
    done="+", failed="!", waiting=".", spinner="-\\|/", full="#", empty="-", at_most="< "
)


@dataclass(kw_only=True)
class Part:
    """One part of the job, as it was last told."""

    progress: Progress
    begun: float
    pace: Pace = field(default_factory=Pace)
    ended: float | None = None

    def rate(self, now: float) -> float | None:
        """Return how many a second, of late."""
        return self.pace.per_second(self.progress.done, now)

    def left(self, now: float) -> float | None:
        """Return the seconds that are left; None where nobody can tell."""
        return self.pace.seconds_left(self.progress.done, self.progress.total, now)


class Board:
    """All parts of a job in the order they were met; times are seconds of one clock."""

    def __init__(self, marks: Marks | None = None) -> None:
        self._marks = marks or Marks()
        self._waiting: dict[Key, None] = {}
        self._parts: dict[Key, Part] = {}

    def expect(self, stage: str, items: Iterable[str]) -> None:
        """Show parts that have not begun."""
        self._waiting |= {(stage, item): None for item in items}

    def note(self, progress: Progress, now: float) -> Part:
        """Take down where a part is, and return it."""
        key = (progress.stage, progress.item)
        self._waiting.pop(key, None)
        part = self._parts.setdefault(key, Part(progress=progress, begun=now))
        part.progress = progress
        part.pace.note(progress.done, now)
        over = progress.finished or bool(progress.problem)
        part.ended = (part.ended or now) if over else None
        return part

    def seconds(self, stage: str) -> dict[str, float]:
        """Return how long each part of a stage took that has ended, by item."""
        return {
            item: part.ended - part.begun
            for (name, item), part in self._parts.items()
            if name == stage and part.ended is not None
        }

    def lines(self, *, width: int, height: int, now: float) -> list[Text]:
        """Return what to show: at most so many lines of at most so many cells."""
        at_work = [p for p in self._parts.values() if p.ended is None]
        frame = [*self._collected(width, now), *self._failed(width)]
        frame += [self._done(part, width) for part in self._others_done()]
        waiting = self._waiting_line(width)
        room = max(1, height - len(frame) - len(waiting))
        return [*frame, *self._at_work(at_work, width, room, now), *waiting][:height]

    def _of_collecting(self) -> list[Part]:
        return [p for (stage, _), p in self._parts.items() if stage == COLLECTING]

    def _others_done(self) -> list[Part]:
        """Return parts of the other stages that ended, one for each stage: the newest."""
        newest = {
            stage: part
            for (stage, _), part in self._parts.items()
            if stage != COLLECTING and part.ended is not None and not part.progress.problem
        }
        return list(newest.values())

    def _collected(self, width: int, now: float) -> list[Text]:
        """Return one line for all categories that were collected."""
        parts = self._of_collecting()
        done = [p for p in parts if p.ended is not None and not p.progress.problem]
        total = len(parts) + sum(stage == COLLECTING for stage, _ in self._waiting)
        if not done:
            return []
        over = len(done) == total
        counted = f"{len(done)}" if over else f"{len(done)} of {total}"
        begun = min(part.begun for part in parts)
        ended = max(part.ended or now for part in done) if over else now
        categories = "category" if total == 1 else "categories"
        text = f"{counted} {categories} collected: {_sum(done)} {clock_text(ended - begun)}"
        return [self._marked(self._marks.done, text, "green", width)]

    def _failed(self, width: int) -> list[Text]:
        failed = [p.progress for p in self._parts.values() if p.progress.problem]
        texts = [f"{name_of(one)}: {clean(one.problem)}" for one in failed]
        if len(texts) > _SHOWN_FAILURES:
            texts[_SHOWN_FAILURES:] = [f"and {len(texts) - _SHOWN_FAILURES} more failed"]
        return [self._marked(self._marks.failed, text, "red", width) for text in texts]

    def _done(self, part: Part, width: int) -> Text:
        progress = part.progress
        seconds = clock_text((part.ended or part.begun) - part.begun)
        figures = joined([amount_of(progress), counts_of(progress)])
        text = f"{name_of(progress)}: {figures}  {seconds}"
        return self._marked(self._marks.done, text, "green", width)

    def _at_work(self, parts: Sequence[Part], width: int, room: int, now: float) -> list[Text]:
        """Return two lines for each part, one where there is no room for two, and no more."""
        names = [_title(part.progress) for part in parts]
        cells = max((cell_len(name) for name in names), default=0)
        first = [
            self._bar_line(part, name, cells, width, now)
            for part, name in zip(parts, names, strict=True)
        ]
        if len(first) > room:
            more = self._marked(" ", f"and {len(first) - room + 1} more at work", "dim", width)
            return [*first[: room - 1], more]
        details = [self._details(part, width) for part in parts]
        if len(first) + sum(map(len, details)) > room:
            return first
        return [line for bar, detail in zip(first, details, strict=True) for line in (bar, *detail)]

    def _bar_line(self, part: Part, name: str, cells: int, width: int, now: float) -> Text:
        progress = part.progress
        name_cells = min(cells, max(_LEAST_NAME, width // 3))
        mark = self._marks.spinner[int(now * _TURNS_PER_SECOND) % len(self._marks.spinner)]
        shown = fit(name, name_cells)
        line = Text(f"{mark} {shown}{' ' * (name_cells - cell_len(shown))}")
        line.stylize("cyan", 0, 1)
        free = width - cell_len(line.plain)
        figures = self._figures(part, free - 1, now)
        bar = min(_MOST_BAR, free - cell_len(figures) - 2)
        if progress.total and bar >= _LEAST_BAR:
            line.append(" ").append_text(self._bar(progress.done / progress.total, bar))
        line.append(f" {figures}")
        return _cropped(line, width)

    def _figures(self, part: Part, cells: int, now: float) -> str:
        """Return amount, rate and time left; what matters less goes where it is narrow."""
        progress = part.progress
        amount = amount_of(progress)
        short = amount.removesuffix(f" {clean(progress.unit)}")
        rate = rate_of(part.rate(now))
        eta = eta_of(part.left(now), at_most=progress.at_most, mark=self._marks.at_most)
        choices = ([amount, rate, eta], [short, rate, eta], [short, eta], [short])
        texts = [joined(choice, separator="  ") for choice in choices]
        return next((t for t in texts if cell_len(t) <= max(0, cells - _LEAST_BAR)), texts[-1])

    def _bar(self, share: float, cells: int) -> Text:
        full = int(min(max(share, 0.0), 1.0) * cells)
        bar = Text(self._marks.full * full, "green")
        return bar.append(self._marks.empty * (cells - full), "dim")

    def _details(self, part: Part, width: int) -> list[Text]:
        texts = [_INDENT + counts_of(part.progress, reasons=most) for most in (3, 2, 1)]
        text = next((t for t in texts if cell_len(t) <= width - 2), texts[-1])
        return [self._marked(" ", text, "dim", width)] if text.strip() else []

    def _waiting_line(self, width: int) -> list[Text]:
        if not self._waiting:
            return []
        head = f"{len(self._waiting)} waiting: "
        names = [clean(item or stage) for stage, item in self._waiting]
        text = head + listed(names, cells=width - len(head) - 2)
        return [self._marked(self._marks.waiting, text.removesuffix(": "), "dim", width)]

    def _marked(self, mark: str, text: str, style: str, width: int) -> Text:
        line = Text(f"{mark} {fit(text, width - 2)}")
        line.stylize(style, 0, len(mark) if style != "dim" else len(line))
        return line


def _title(progress: Progress) -> str:
    """Return what the line of a part begins with; a category needs no stage beside it."""
    return clean(progress.item) if progress.stage == COLLECTING else name_of(progress)


def _sum(parts: Sequence[Part]) -> str:
    """Return the counts of all parts together."""
    totals: dict[str, int] = {}
    for part in parts:
        for name, count in part.progress.counts.items():
            totals[name] = totals.get(name, 0) + count
    return joined(f"{count} {clean(name)}" for name, count in totals.items() if count)


def _cropped(line: Text, width: int) -> Text:
    line.truncate(width, overflow="crop")
    return line
