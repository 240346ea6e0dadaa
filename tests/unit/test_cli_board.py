"""The board of a job: what it shows, and that it always fits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from artgrab.cli.board import PLAIN_MARKS, Board
from artgrab.cli.texts import clean, fit, listed
from artgrab.common.progress import Progress

CATEGORIES = [f"category-with-a-long-name-{n}" for n in range(14)]


def scrape(item: str, stored: int, **more: object) -> Progress:
    fields: dict[str, object] = {
        "counts": {"found": stored + 9, "stored": stored, "rejected": 6, "failed": 3},
        "reasons": {"too-small": 5, "robots": 1, "http-404": 2, "too-slow": 1},
        **more,
    }
    return Progress(stage="scrape", item=item, done=stored, total=100, **fields)  # type: ignore[arg-type]  # any fields of it


def shown(board: Board, *, width: int = 79, height: int = 23, now: float = 10.0) -> list[str]:
    return [line.plain for line in board.lines(width=width, height=height, now=now)]


def busy_board() -> Board:
    """A job with 14 categories: nine done, one failed, two at work, two waiting."""
    board = Board()
    board.expect("scrape", CATEGORIES)
    for number, name in enumerate(CATEGORIES[:12]):
        board.note(scrape(name, 0), float(number))
    for number, name in enumerate(CATEGORIES[:9]):
        board.note(scrape(name, 40, finished=True), 20.0 + number)
    board.note(scrape(CATEGORIES[9], 0, problem="every source failed"), 30.0)
    for name in CATEGORIES[10:12]:
        board.note(scrape(name, 50), 31.0)
    return board


def test_a_part_shows_amount_rate_time_left_counts_and_reasons() -> None:
    board = Board()
    board.note(scrape("fish", 0), 0.0)
    board.note(scrape("fish", 20), 10.0)
    first, second = shown(board)
    assert first.split()[1] == "fish"
    assert "20/100 pictures  2.0/s  0:40 left" in first
    reasons = "(too-small 5, http-404 2, …)"
    assert second.strip() == f"29 found, 20 stored, 6 rejected, 3 failed {reasons}"


def test_a_total_that_is_a_limit_gives_a_time_that_is_one() -> None:
    board = Board()
    board.note(scrape("fish", 0, at_most=True), 0.0)
    board.note(scrape("fish", 20, at_most=True), 10.0)
    assert "≤ 0:40 left" in shown(board)[0]


def test_training_shows_its_loss_and_accuracy() -> None:
    board = Board()
    figures = {"loss": 0.23456, "validation accuracy": 0.9}
    board.note(Progress(stage="train", item="art", done=3, unit="steps", figures=figures), 0.0)
    assert "loss 0.235, validation accuracy 0.900" in shown(board)[1]


def test_it_knows_how_long_what_has_ended_took() -> None:
    board = busy_board()
    assert board.seconds("scrape")[CATEGORIES[0]] == 20.0
    assert len(board.seconds("scrape")) == 10
    assert board.seconds("train") == {}


def test_fourteen_categories_become_seven_lines() -> None:
    lines = shown(busy_board(), now=40.0)
    assert lines[0].startswith("✓ 9 of 14 categories collected: 441 found, 360 stored")
    assert lines[1].startswith("✗ scrape category-with-a-long-name-9: every source failed")
    assert lines[-1].startswith("· 2 waiting: category-with-a-long-name-12, ")
    assert len(lines) == 7


def test_what_is_done_and_of_one_stage_is_one_line_with_its_time() -> None:
    board = Board()
    for item in ("art, backbone", "art, baseline"):
        board.note(Progress(stage="evaluate", item=item, done=1, total=4), 1.0)
        board.note(Progress(stage="evaluate", item=item, done=4, total=4, finished=True), 8.0)
    (line,) = shown(board)
    assert line == "✓ evaluate art, baseline: 4/4 pictures  0:07"


def test_a_part_that_begins_again_is_at_work_again() -> None:
    board = Board()
    board.note(scrape("fish", 5, finished=True), 1.0)
    board.note(scrape("fish", 6), 2.0)
    assert not any("collected" in line for line in shown(board))


@given(
    width=st.integers(1, 200),
    height=st.integers(1, 60),
    now=st.floats(31.0, 1e6),
    names=st.lists(st.text(max_size=60), max_size=30),
)
def test_it_fits_every_terminal(width: int, height: int, now: float, names: list[str]) -> None:
    board = busy_board()
    for number, name in enumerate(names):
        board.note(Progress(stage=name, item=name, done=number, total=number or None), 31.0)
    lines = shown(board, width=width, height=height, now=now)
    assert len(lines) <= height
    assert [line for line in lines if cell_len(line) > max(width, 2)] == []
    assert [line for line in lines if "\n" in line or "\r" in line] == []


@pytest.mark.parametrize("width", [60, 80, 120])
def test_what_matters_is_there_on_narrow_and_wide_terminals(width: int) -> None:
    text = "\n".join(shown(busy_board(), width=width - 1, height=19, now=40.0))
    assert "50/100" in text
    assert "left" in text
    assert "2 waiting" in text


def test_with_little_height_bars_stay_and_details_go() -> None:
    board = Board()
    for n in range(8):
        board.note(scrape(f"c{n}", 5), 0.0)
    lines = shown(board, height=4)
    assert [line.split()[1] for line in lines[:3]] == ["c0", "c1", "c2"]
    assert lines[3].strip() == "and 5 more at work"


def test_a_terminal_without_unicode_gets_none() -> None:
    board = Board(PLAIN_MARKS)
    board.expect("scrape", ["a"])
    board.note(Progress(stage="scrape", item="fish", done=1, total=9), 0.0)
    board.note(Progress(stage="train", finished=True), 0.0)
    assert all(line.isascii() for line in shown(board))


@given(st.text(), st.integers(0, 50))
def test_a_fitted_text_never_takes_more_cells(text: str, cells: int) -> None:
    assert cell_len(fit(clean(text), cells)) <= cells


@given(st.lists(st.text("abc-", min_size=1, max_size=12), max_size=12), st.integers(0, 80))
def test_a_list_tells_how_many_it_leaves_out(names: list[str], cells: int) -> None:
    text = listed(names, cells=cells)
    assert cell_len(text) <= cells
    if text and "more" in text:
        assert text.count(",") + 1 + int(text.split()[-2]) == len(names)
