"""What people see at the end of `artgrab run`: what came out, where it lies, what to do next."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from artgrab.cli.answers import prediction_table
from artgrab.cli.pace import clock_text
from artgrab.cli.result import RunResult
from artgrab.cli.texts import clean, fit, top
from artgrab.common.runs import CategoryCounts

_LABEL_CELLS = 9
_WIDE_CELLS = 80
_TIME_CELLS = 4
_GAP = 2
_COUNTS = ("candidates", "stored", "rejected", "failed")
_FIGURES = (
    ("on pictures it never saw", "accuracy", "baseline_accuracy"),
    ("on categories it never saw", "left_out_accuracy", "left_out_baseline_accuracy"),
)


class Command(msgspec.Struct, frozen=True):
    """A command to try next, and what it is good for."""

    purpose: str
    line: str


def print_result(
    result: RunResult,
    *,
    console: Console,
    seconds: Mapping[str, float],
    commands: Sequence[Command],
) -> None:
    """Show what came out of a run.

    Args:
        result: what there is now.
        console: where to.
        seconds: what each category took in this run.
        commands: what to do next.
    """
    print_categories(result.categories, console=console, seconds=seconds)
    for problem in result.problems:
        console.print(f"[yellow]Not whole[/] {escape(clean(problem))}", soft_wrap=True)
    _print_dataset(result, console)
    _print_model(result, console)
    if result.predictions:
        console.print(prediction_table(result.predictions))
    if result.work.none:
        console.print("Nothing to do: everything was there already.")
    print_commands(commands, console=console)


def print_categories(
    categories: Mapping[str, CategoryCounts],
    *,
    console: Console,
    seconds: Mapping[str, float],
) -> None:
    """Show a row for each category, and why pictures were not kept."""
    console.print(category_table(categories, seconds=seconds, width=console.width))
    reasons = _reasons(list(categories.values()), cells=console.width - len("not kept: "))
    if reasons and console.width < _WIDE_CELLS:
        console.print(f"[dim]not kept: {reasons}[/]", soft_wrap=True)
    console.print()


def category_table(
    categories: Mapping[str, CategoryCounts], *, seconds: Mapping[str, float], width: int
) -> Table:
    """Return a row for each category and one for all; with reasons where it is wide enough."""
    table = Table(box=None, padding=(0, _GAP, 0, 0), show_footer=len(categories) > 1)
    names = max(map(len, categories), default=0)
    counted = sum(len(name) + _GAP for name in _COUNTS)
    room = width - max(names, len("category")) - counted - 3 * _GAP - _TIME_CELLS
    everything = list(categories.values())
    table.add_column("category", footer="all", no_wrap=True)
    for name in _COUNTS:
        total = sum(getattr(one, name) for one in everything)
        table.add_column(name, footer=str(total), justify="right", no_wrap=True)
    table.add_column("time" if seconds else "", justify="right", no_wrap=True)
    footer = _reasons(everything, cells=room) if width >= _WIDE_CELLS else ""
    if footer:
        table.add_column("why not kept", footer=footer, no_wrap=True, style="dim")
    for name, counts in categories.items():
        figures = (str(getattr(counts, figure)) for figure in _COUNTS)
        took = clock_text(seconds[name]) if name in seconds else ""
        why = [_reasons([counts], cells=room)] if footer else []
        table.add_row(name, *figures, took, *why)
    return table


def _reasons(counts: Sequence[CategoryCounts], *, cells: int) -> str:
    """Return as many of the reasons as fit, the most frequent first."""
    reasons: Counter[str] = Counter()
    for one in counts:
        reasons.update(one.not_kept)
    texts = [top(reasons, most=most) for most in range(len(reasons), 0, -1)]
    return escape(fit(next((t for t in texts if len(t) <= cells), (texts or [""])[-1]), cells))


def _print_dataset(result: RunResult, console: Console) -> None:
    if result.dataset:
        splits = ", ".join(f"{name} {count}" for name, count in result.dataset.splits.items())
        _say(console, "Dataset", f"{result.dataset.images} pictures ({splits})")
        _say(console, "", f"{result.dataset.uri}/card.html")


def _print_model(result: RunResult, console: Console) -> None:
    if not result.model:
        return
    _say(console, "Model", result.model.backbone)
    for line in figure_lines(result.metrics):
        _say(console, "", line)
    _say(console, "", f"{result.model.uri}/report.html")


def figure_lines(metrics: Mapping[str, Any]) -> list[str]:
    """Return the figures of a model beside those of its baseline, in words."""
    lines = []
    for text, name, baseline in _FIGURES:
        figure, beside = metrics.get(name), metrics.get(baseline)
        if isinstance(figure, float):
            compared = f" (colours and edges alone: {beside:.3f})" if beside else ""
            lines.append(f"right {figure:.3f} {text}{compared}")
    left_out = metrics.get("left_out") or {}
    if left_out:
        worst = min(left_out, key=lambda name: (left_out[name], name))
        lines.append(f"weakest where it never saw {worst}: {left_out[worst]:.3f}")
    return lines


def print_commands(commands: Sequence[Command], *, console: Console) -> None:
    """Show what to do next."""
    if commands:
        console.print("\nNext")
    cells = max((len(one.purpose) for one in commands), default=0)
    for one in commands:
        line = f"  {escape(one.purpose.ljust(cells))}  {escape(one.line)}"
        console.print(line, soft_wrap=True, highlight=False)  # to be copied, not looked at


def _say(console: Console, label: str, text: str) -> None:
    console.print(f"{label.ljust(_LABEL_CELLS)}{escape(clean(text))}", soft_wrap=True)
