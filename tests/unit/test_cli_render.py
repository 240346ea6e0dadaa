"""Progress as it is written: bars, plain lines, and nothing that takes over a terminal."""

import io
import re
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from artgrab.cli.render import PlainProgress, RichProgress, progress_sink
from artgrab.cli.texts import clean
from artgrab.common.progress import Progress


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _shown(*reports: Progress) -> str:
    """Return what is on the screen at the end, as text."""
    console = Console(
        file=io.StringIO(), force_terminal=True, width=140, record=True, color_system=None
    )
    with RichProgress(console) as sink:
        for report in reports:
            sink(report)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]  # a StringIO


def test_a_warning_and_a_frame_are_never_drawn_over_one_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sink = RichProgress(Console(file=io.StringIO(), force_terminal=True, width=80, height=24))
    asked = threading.Event()

    def another_frame() -> None:
        asked.set()
        sink._live.refresh()

    other = threading.Thread(target=another_frame)

    def lines(**_: object) -> list[str]:
        if not asked.is_set():
            other.start()
            asked.wait()
            other.join(0.2)  # drawn over this one where nothing keeps it waiting
        return ["frame"]

    with sink:
        monkeypatch.setattr(sink._board, "lines", lines)
        sink.warn("careful")
        other.join()
    text = sink._console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO
    assert "\x1b[2K" in text[text.index("frame") : text.index("frame", text.index("frame") + 1)]


def test_a_terminal_gets_bars_and_a_pipe_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    assert isinstance(progress_sink(Terminal()), RichProgress)
    assert isinstance(progress_sink(io.StringIO()), PlainProgress)


def test_a_terminal_that_cannot_move_its_cursor_gets_lines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(progress_sink(Terminal()), PlainProgress)


def test_a_line_tells_stage_item_done_total_and_counts() -> None:
    output = _shown(
        Progress(stage="scrape", item="fish", done=3, total=9, counts={"stored": 2, "failed": 0})
    )
    assert "fish" in output
    assert "3/9 pictures" in output
    assert "2 stored" in output
    assert "failed" not in output


def test_what_is_finished_stays_with_a_tick() -> None:
    output = _shown(
        Progress(stage="dataset", item="art", done=9, total=9, finished=True),
        Progress(stage="train", item="art", done=1, total=9),
    )
    assert [line for line in output.splitlines() if "dataset" in line][-1].count("✓") == 1
    assert "✓" not in [line for line in output.splitlines() if "train" in line][-1]


def test_warnings_are_written_once_above_the_board() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=60, color_system=None)
    with RichProgress(console) as sink:
        sink(Progress(stage="train", item="art", done=1))
        for _ in range(3):
            sink.warn("the disk is [red]nearly[/red] full\x1b[2J")
    output = console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO
    assert output.count("warning: the disk is [red]nearly[/red] full [2J") == 1
    assert output.index("warning") < output.rindex("train art")


def test_without_colour_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    console = Console(file=io.StringIO(), force_terminal=True, width=60)
    with RichProgress(console) as sink:
        sink(Progress(stage="train", item="art", done=1, total=2))
        sink.warn("careful")
    output = console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO
    assert not re.search(r"\x1b\[[\d;]*3\dm", output)


def test_markup_in_a_name_is_shown_as_it_is() -> None:
    output = _shown(Progress(stage="scrape", item="[bold]x[/nonsense]", unit="[red]"))
    assert "[bold]x[/nonsense]" in output
    assert "[red]" in output


def test_no_name_can_send_an_escape_sequence_to_the_terminal() -> None:
    hostile = "\x1b]0;owned\x07\x9b2J\u202e\r\nfish"
    plain = io.StringIO()
    output = _shown(Progress(stage="scrape", item=hostile, counts={hostile: 1}))
    assert "fish" in output
    assert not [mark for mark in ("\x1b]0", "\x07", "\x9b", "\u202e") if mark in output]
    PlainProgress(plain)(Progress(stage="scrape", item=hostile, unit=hostile, finished=True))
    assert len(plain.getvalue().splitlines()) == 1
    assert "\x1b" not in plain.getvalue()


@given(st.text())
def test_a_cleaned_text_is_one_printable_line(text: str) -> None:
    cleaned = clean(text)
    assert len(cleaned) == len(text)
    assert all(c.isprintable() or c.isspace() for c in cleaned)
    assert len(cleaned.splitlines()) <= 1


def test_ordinary_names_of_any_script_are_left_alone() -> None:
    assert clean("абстрактный экспрессионизм 抽象 café") == "абстрактный экспрессионизм 抽象 café"


def test_a_plain_line_comes_every_five_seconds_and_at_the_end() -> None:
    stream, clock = io.StringIO(), Clock()
    with PlainProgress(stream, clock=clock) as sink:
        for second in range(13):
            clock.now = 100.0 + second
            sink(Progress(stage="scrape", item="fish", done=second * 2, total=30))
        sink(Progress(stage="scrape", item="fish", done=26, total=30, finished=True))
        sink(Progress(stage="scrape", item="fish", done=26, total=30, finished=True))
    assert stream.getvalue().splitlines() == [
        "scrape fish: 10/30 pictures, 2.0/s, 0:10 left",
        "scrape fish: 20/30 pictures, 2.0/s, 0:05 left",
        "scrape fish: 26/30 pictures, done in 0:12",
    ]


def test_each_part_has_plain_lines_of_its_own() -> None:
    stream, clock = io.StringIO(), Clock()
    sink = PlainProgress(stream, clock=clock)
    sink(Progress(stage="scrape", item="fish", done=1, finished=True))
    sink(Progress(stage="scrape", item="tools", done=2, finished=True))
    assert stream.getvalue().splitlines() == [
        "scrape fish: 1 pictures, done in 0:00",
        "scrape tools: 2 pictures, done in 0:00",
    ]


def test_the_longer_a_part_takes_the_rarer_its_plain_lines() -> None:
    stream, clock = io.StringIO(), Clock()
    sink = PlainProgress(stream, clock=clock)
    for second in range(3600):
        clock.now = 100.0 + second
        sink(Progress(stage="scrape", item="fish", done=second))
    assert 60 <= len(stream.getvalue().splitlines()) <= 120


def test_a_plain_line_tells_counts_reasons_and_measures() -> None:
    stream, clock = io.StringIO(), Clock()
    sink = PlainProgress(stream, clock=clock, interval_seconds=0)
    sink(
        Progress(
            stage="scrape",
            item="fish",
            done=3,
            total=9,
            at_most=True,
            counts={"found": 5, "rejected": 2, "failed": 0},
            reasons={"too-small": 2},
        )
    )
    sink(Progress(stage="train", item="art", done=5, unit="steps", figures={"loss": 0.5}))
    assert stream.getvalue().splitlines() == [
        "scrape fish: 3/9 pictures, 5 found, 2 rejected (too-small 2)",
        "train art: 5 steps, loss 0.500",
    ]


def test_a_part_that_failed_says_why_and_warnings_come_once() -> None:
    stream = io.StringIO()
    sink = PlainProgress(stream)
    sink(Progress(stage="scrape", item="fish", problem="no network"))
    sink.warn("careful\n")
    sink.warn("careful\n")
    assert stream.getvalue().splitlines() == [
        "scrape fish: failed: no network",
        "warning: careful ",
    ]
