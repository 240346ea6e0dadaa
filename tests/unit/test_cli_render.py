"""Progress as it is written: bars, plain lines, and nothing that takes over a terminal."""

import io

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from artgrab.cli.render import PlainProgress, RichProgress, clean, figures_of, progress_sink
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
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_a_terminal_gets_bars_and_a_pipe_gets_lines() -> None:
    assert isinstance(progress_sink(Terminal()), RichProgress)
    assert isinstance(progress_sink(io.StringIO()), PlainProgress)


def test_a_line_tells_stage_item_done_total_and_counts() -> None:
    output = _shown(
        Progress(stage="scrape", item="fish", done=3, total=9, counts={"stored": 2, "failed": 0})
    )
    assert "scrape fish" in output
    assert "3/9 pictures, 2 stored" in output
    assert "failed" not in output


def test_what_is_finished_stays_with_a_tick() -> None:
    output = _shown(
        Progress(stage="scrape", item="fish", done=9, total=9, finished=True),
        Progress(stage="scrape", item="tools", done=1, total=9),
    )
    assert [line for line in output.splitlines() if "fish" in line][-1].count("✓") == 1
    assert "✓" not in [line for line in output.splitlines() if "tools" in line][-1]


def test_what_ends_below_its_total_or_with_nothing_is_finished_too() -> None:
    output = _shown(
        Progress(stage="scrape", item="fish", done=4, total=9, finished=True),
        Progress(stage="dataset", finished=True),
    )
    lines = output.splitlines()
    assert "✓" in next(line for line in reversed(lines) if "fish" in line)
    assert "✓" in next(line for line in reversed(lines) if "dataset" in line)


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
        "scrape fish: 10/30 pictures, 2.0/s",
        "scrape fish: 20/30 pictures, 2.0/s",
        "scrape fish: 26/30 pictures, 2.2/s, done",
    ]


def test_each_part_has_plain_lines_of_its_own() -> None:
    stream, clock = io.StringIO(), Clock()
    sink = PlainProgress(stream, clock=clock)
    sink(Progress(stage="scrape", item="fish", done=1, finished=True))
    sink(Progress(stage="scrape", item="tools", done=2, finished=True))
    assert stream.getvalue().splitlines() == [
        "scrape fish: 1 pictures, done",
        "scrape tools: 2 pictures, done",
    ]


def test_a_rate_is_told_where_one_is_known() -> None:
    report = Progress(stage="train", done=5, unit="epochs")
    assert figures_of(report, rate=None) == "5 epochs"
    assert figures_of(report, rate=0.25) == "5 epochs, 0.2/s"
