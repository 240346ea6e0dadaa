"""A plan as people read it."""

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from artgrab.cli.costs import Cost
from artgrab.cli.pace import clock_text
from artgrab.cli.plan import SUSPENDED, Action, CategoryPlan, Plan, SourcePlan, StagePlan
from artgrab.cli.texts import clean

_COLUMNS = ("stored", "of", "requests", "download", "time")


def print_plan(plan: Plan, *, console: Console) -> None:
    """Show what a run would do, whom it would ask, and what it would cost."""
    where = plan.store if plan.store_exists else f"{plan.store}, which would be made"
    _say(console, f"A run would work in {where}. Nothing was asked or changed.")
    console.print()
    console.print(_category_table(plan))
    _print_hosts(plan, console)
    for name, stage in (("Dataset", plan.dataset), ("Model", plan.model)):
        if stage:
            _say(console, f"{name:<8} {_stage_text(stage)}")
    console.print()
    if plan.cost == Cost():
        suspended = any(one.why == SUSPENDED for one in plan.categories.values())
        why = "what is not there is suspended" if suspended else "everything is there already"
        _say(console, f"There is nothing to do: {why}.")
        return
    _say(console, f"In all about {_cost_text(plan.cost)}. These are estimates:")
    for text in plan.assumptions:
        _say(console, f"- {text}", indent=2)
    console.print()
    _say(console, f"Servers would see User-Agent: {plan.user_agent}")
    for text in plan.advice:
        _say(console, text, style="yellow")


def bytes_text(count: float) -> str:
    """Return a size in the units of SI."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if count >= 10 or unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def _category_table(plan: Plan) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("category", no_wrap=True)
    table.add_column("a run would")
    for name in _COLUMNS:
        table.add_column(name, justify="right", no_wrap=True)
    for name, one in plan.categories.items():
        table.add_row(name, escape(_action_text(one)), *_figures(one))
    return table


def _action_text(one: CategoryPlan) -> str:
    match one.action:
        case Action.SKIP:
            return f"skip it, {one.why}"
        case Action.GO_ON:
            return f"go on, {one.why}"
        case Action.DO:
            return "collect it"


def _figures(one: CategoryPlan) -> tuple[str, ...]:
    counts = (str(one.stored), str(one.target))
    if one.action is Action.SKIP:
        return (*counts, "", "", "")
    cost = one.cost
    return (
        *counts,
        str(cost.requests),
        bytes_text(cost.download_bytes),
        clock_text(cost.seconds),
    )


def _print_hosts(plan: Plan, console: Console) -> None:
    """Show every host that would be asked, once, and for what."""
    asked: dict[tuple[str, str, str], list[str]] = {}
    for name, one in plan.categories.items():
        for source in one.sources if one.action is not Action.SKIP else []:
            key = (source.host, source.access, source.rate)
            asked.setdefault(key, []).append(f"{name}{_queries_text(source)}")
    if not asked:
        console.print()
        return
    console.print("\nHosts that would be asked")
    for (host, access, rate), purposes in asked.items():
        _say(console, f"  {host} ({access}; {rate})")
        for purpose in purposes:
            _say(console, f"    {purpose}", style="dim")
    spacing = f", {plan.pictures_spacing_seconds:g} s apart" * (plan.pictures_spacing_seconds > 0)
    at_once = f"{plan.pictures_at_once} at a time from one site{spacing}"
    _say(
        console, f"  the sites of the pictures that these name ({at_once}; robots.txt and opt-outs"
    )
    _say(console, "  decide picture by picture)")
    console.print()


def _queries_text(source: SourcePlan) -> str:
    return f": {', '.join(source.queries)}" if source.queries else ""


def _stage_text(stage: StagePlan) -> str:
    if stage.action is Action.SKIP:
        return f"skip: {stage.why}"
    return f"make: {stage.why} (about {clock_text(stage.cost.seconds)})"


def _cost_text(cost: Cost) -> str:
    return (
        f"{cost.requests} requests, {bytes_text(cost.download_bytes)} to download, "
        f"{bytes_text(cost.disk_bytes)} in the store, {clock_text(cost.seconds)} of time"
    )


def _say(console: Console, text: str, *, indent: int = 0, style: str = "") -> None:
    console.print(Padding(Text(clean(text), style), (0, 0, 0, indent)))
