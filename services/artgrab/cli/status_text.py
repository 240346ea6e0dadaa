"""The state of a store as people read it."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from artgrab.cli.plan_text import bytes_text
from artgrab.cli.status import CategoryStatus, NamespaceStatus, Status
from artgrab.cli.summary import figure_lines
from artgrab.cli.texts import clean, joined, top
from artgrab.common.classifier_states import ClassifierState

_ENDS = {
    "TargetReached": "target reached",
    "SourcesExhausted": "sources exhausted",
    "SourcesFailed": "sources failed",
}
_WIDE_CELLS = 100
_NARROW_CELLS = 60
"""A table needs so many."""
_COUNTS = ("stored", "rejected", "failed")
_DATE_CHARACTERS = len("2026-11-23")


def print_status(status: Status, *, console: Console) -> None:
    """Show what a store holds, and what to do next."""
    _say(console, f"Store {status.store}{_held_text(status)}")
    if status.takedowns:
        _say(console, f"{status.takedowns} takedowns hold; artgrab takedown list shows them")
    for name, namespace in status.namespaces.items():
        if len(status.namespaces) > 1:
            _say(console, f"\nNamespace {name}")
        _print_namespace(namespace, console)
    if not status.namespaces:
        _say(console, "It holds nothing yet.")
    for problem in status.problems:
        console.print(Text(f"Cannot be read: {clean(problem)}", "red"))
    if status.next:
        console.print("\nNext")
        console.print(f"  {escape(status.next)}", soft_wrap=True, highlight=False)


def _held_text(status: Status) -> str:
    return f", held by {status.held_by} (a run is at work)" if status.held_by else ""


def _print_namespace(namespace: NamespaceStatus, console: Console) -> None:
    if namespace.categories:
        console.print()
        _print_categories(namespace.categories, console)
    for name, state in namespace.classifiers.items():
        console.print()
        _print_classifier(name, state, namespace, console)
    snapshots, models = len(namespace.datasets), len(namespace.models)
    console.print()
    _say(console, f"Kept, older ones included: snapshots {snapshots}, models {models}.")


def _print_categories(categories: dict[str, CategoryStatus], console: Console) -> None:
    if console.width >= _NARROW_CELLS:
        console.print(_category_table(categories, wide=console.width >= _WIDE_CELLS))
        return
    for name, one in categories.items():
        counts = joined(f"{getattr(one.counts, count)} {count}" for count in _COUNTS)
        console.print(Text(clean(name)))
        console.print(Text(f"  {counts}"))
        console.print(Text(f"  {bytes_text(one.bytes)}, {_run_text(one)}"))


def _category_table(categories: dict[str, CategoryStatus], *, wide: bool) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_footer=len(categories) > 1)
    counts = [one.counts for one in categories.values()]
    table.add_column("category", footer="all", overflow="fold")
    for name in _COUNTS:
        total = sum(getattr(one, name) for one in counts)
        table.add_column(name, footer=str(total), justify="right", no_wrap=True)
    size = bytes_text(sum(one.bytes for one in categories.values()))
    table.add_column("size", footer=size, justify="right", no_wrap=True)
    table.add_column("last run")
    if wide:
        table.add_column("why not kept", style="dim", no_wrap=True)
    for name, one in categories.items():
        figures = (str(getattr(one.counts, count)) for count in _COUNTS)
        why = [escape(top(one.counts.not_kept))] if wide else []
        run = escape(_run_text(one))
        table.add_row(escape(clean(name)), *figures, bytes_text(one.bytes), run, *why)
    return table


def _run_text(one: CategoryStatus) -> str:
    if one.last_run is None:
        return "not ended yet"
    day = one.last_run.ended_at[:_DATE_CHARACTERS]
    reason = _ENDS.get(one.last_run.reason, one.last_run.reason)
    trouble = " (not whole)" if one.last_run.problems else ""
    return clean(f"{day} {reason}{trouble}".strip())


def _print_classifier(
    name: str, state: ClassifierState, namespace: NamespaceStatus, console: Console
) -> None:
    _say(console, f"Classifier {name}")
    snapshot = namespace.datasets.get(state.dataset)
    if snapshot:
        splits = ", ".join(f"{split} {count}" for split, count in snapshot.splits.items())
        gone = f", {snapshot.withdrawn} withdrawn" if snapshot.withdrawn else ""
        left_out = sum(snapshot.dropped.values())
        _say(console, f"  dataset  {snapshot.images} pictures ({splits}), {left_out} dropped{gone}")
        _say(console, f"           {snapshot.uri}/card.html")
    model = namespace.models.get(state.model)
    if model:
        _say(console, f"  model    {model.backbone}")
        for line in figure_lines(model.metrics):
            _say(console, f"           {line}")
        _say(console, f"           {model.uri}/report.html")
    elif snapshot:
        _say(console, "  model    none yet")


def _say(console: Console, text: str) -> None:
    console.print(Text(text if text.startswith("\n") else clean(text)), soft_wrap=True)
