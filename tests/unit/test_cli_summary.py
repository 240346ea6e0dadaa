"""The end of `artgrab run`, as people see it."""

import io

import pytest
from rich.console import Console

from artgrab.cli.result import DatasetResult, ModelResult, RunResult, Work
from artgrab.cli.summary import Command, figure_lines, print_result
from artgrab.common.runs import CategoryCounts

FISH = CategoryCounts(
    candidates=20,
    stored=12,
    rejected=5,
    failed=3,
    rejected_reasons={"too-small": 4, "robots": 1},
    failed_reasons={"http-404": 3},
)
TOOLS = CategoryCounts(candidates=7, stored=6, rejected=0, failed=0, withdrawn=1)
METRICS = {
    "accuracy": 0.9412,
    "baseline_accuracy": 0.8,
    "left_out_accuracy": 0.8,
    "left_out_baseline_accuracy": 0.6,
    "left_out": {"fish": 0.9, "tools": 0.7},
}
DATASET = DatasetResult(uri="/s/d", content_sha256="a", images=18, splits={"train": 12, "test": 6})


def _shown(result: RunResult, *, width: int = 80, seconds: dict[str, float] | None = None) -> str:
    console = Console(file=io.StringIO(), width=width)
    commands = [Command("serve the model", "artgrab serve art --store /s")]
    print_result(result, console=console, seconds=seconds or {}, commands=commands)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]  # a StringIO


def _result(**more: object) -> RunResult:
    fields = {"categories": {"fish": FISH, "tools": TOOLS}, "work": Work(fetched=1), **more}
    return RunResult(**fields)  # type: ignore[arg-type]  # any fields of it


@pytest.mark.parametrize("width", [60, 80, 120])
def test_each_category_has_a_row_with_reasons_and_time_and_all_have_one(width: int) -> None:
    lines = _shown(_result(), width=width, seconds={"fish": 75.2}).splitlines()
    (fish,) = [line for line in lines if line.strip().startswith("fish")]
    assert fish.split()[1:6] == ["20", "12", "5", "3", "1:15"]
    (total,) = [line for line in lines if line.strip().startswith("all")]
    assert total.split()[1:5] == ["27", "18", "5", "3"]
    assert max(map(len, lines)) <= width
    text = " ".join(" ".join(lines).split())
    assert "too-small 4" in text
    assert width < 80 or "withdrawn 1" in text


def test_a_run_that_did_nothing_says_so_and_shows_no_times() -> None:
    shown = _shown(_result(work=Work()))
    assert "Nothing to do: everything was there already." in shown
    assert "time" not in shown


def test_dataset_and_model_are_told_with_figures_and_where_they_lie() -> None:
    model = ModelResult(uri="/s/m", content_sha256="b", backbone="lite0")
    shown = _shown(_result(dataset=DATASET, model=model, metrics=METRICS))
    assert "18 pictures (train 12, test 6)" in shown
    assert "/s/d/card.html" in shown
    assert "/s/m/report.html" in shown
    assert "right 0.941 on pictures it never saw (colours and edges alone: 0.800)" in shown


def test_figures_name_the_baseline_and_the_weakest_category() -> None:
    assert figure_lines(METRICS) == [
        "right 0.941 on pictures it never saw (colours and edges alone: 0.800)",
        "right 0.800 on categories it never saw (colours and edges alone: 0.600)",
        "weakest where it never saw tools: 0.700",
    ]


def test_figures_that_cannot_be_had_are_left_out() -> None:
    assert figure_lines({"accuracy": None, "left_out_accuracy": None, "left_out": {}}) == []
    assert figure_lines({}) == []


def test_the_next_commands_come_last_and_whole() -> None:
    assert _shown(_result(), width=40).splitlines()[-2:] == [
        "Next",
        "  serve the model  artgrab serve art --store /s",
    ]


def test_what_a_source_says_of_itself_cannot_take_over_the_terminal() -> None:
    shown = _shown(_result(problems=["fish: gallery \x1b[2J[bold]x"]))
    assert "\x1b" not in shown
    assert "[bold]x" in shown
