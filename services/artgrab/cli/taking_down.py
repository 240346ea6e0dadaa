"""`artgrab takedown`: the store changed, answers out."""

from collections.abc import Mapping, Sequence

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from artgrab.cli.options import Output
from artgrab.cli.program import command_line
from artgrab.cli.texts import clean
from artgrab.cli.withdrawals import apply_now
from artgrab.common.errors import PartlyDoneError, StoreBusyError
from artgrab.common.store import Store
from artgrab.common.store.lock import exclusive
from artgrab.common.takedowns import Takedown, Takedowns, read_takedowns
from artgrab.takedowns.applying import Applied
from artgrab.takedowns.survey import Matched, survey
from artgrab.takedowns.targets import recognise
from artgrab.takedowns.tombstones import find_tombstone, put_tombstone, remove_tombstone


class AddedResult(msgspec.Struct, frozen=True, kw_only=True):
    """One takedown of `artgrab takedown add --output json`."""

    id: str
    kind: str
    target: str
    new: bool
    applied: bool
    """Whether it is done; else by whoever is at work in the store, at its next step."""
    pictures: dict[str, int]
    """Number of matching pictures by category."""
    snapshots: list[str]
    models: list[str]
    """Learned from such a picture: the next run learns anew."""


def add_takedowns(
    targets: Sequence[str], *, reason: str, dry_run: bool, uri: str, output: Output
) -> None:
    """Remove what these targets stand for, or say what would go."""
    wanted = {one.id: one for one in (recognise(text, reason=reason) for text in targets)}
    opened = Store.open(uri, to_write=not dry_run)
    if dry_run:
        matched = survey(opened, Takedowns(wanted.values()))
        _show_added(opened, wanted, matched, dict.fromkeys(wanted, True), None, output, dry_run)
        return
    new = {one.id: put_tombstone(opened, one) for one in wanted.values()}
    try:
        applied: Applied | None = apply_now(opened)
    except StoreBusyError:
        applied = None
    matched = survey(opened, Takedowns(wanted.values()))
    _show_added(opened, wanted, matched, new, applied, output, dry_run)
    _check(applied)


def apply_takedowns(uri: str) -> None:
    """Finish what a kill has left."""
    applied = apply_now(Store.open(uri))
    Console().print(_told(applied), soft_wrap=True)
    _check(applied)


def list_takedowns(uri: str, output: Output) -> None:
    """Show all takedowns of a store."""
    found = list(read_takedowns(Store.open(uri, to_write=False)))
    if output is Output.JSON:
        typer.echo(msgspec.json.encode(found).decode())
    elif not found:
        Console().print("No takedowns.")
    else:
        Console().print(_table(found))


def remove_takedowns(wanted: Sequence[str], *, uri: str) -> None:
    """Lift takedowns by id, first digits of it, or target."""
    opened = Store.open(uri)
    known = read_takedowns(opened)
    for takedown in [find_tombstone(known, one) for one in wanted]:
        with exclusive(opened):
            touched = remove_tombstone(opened, takedown)
        counts = {one.name: count for one, count in touched.items()}
        Console().print(f"Removed {escape(_named(takedown))}.", soft_wrap=True)
        if counts:
            Console().print(
                f"{_pictures(counts)} may come back with the next: "
                f"{escape(command_line('run', 'FILE...', '--store', uri))}",
                soft_wrap=True,
            )


def _show_added(
    store: Store,
    wanted: Mapping[str, Takedown],
    matched: Mapping[str, Matched],
    new: Mapping[str, bool],
    applied: Applied | None,
    output: Output,
    dry_run: bool,
) -> None:
    if output is Output.JSON:
        results = [
            AddedResult(
                id=one.id,
                kind=one.kind,
                target=one.target,
                new=new[one.id],
                applied=applied is not None,
                pictures=matched[one.id].categories,
                snapshots=matched[one.id].snapshots,
                models=matched[one.id].models,
            )
            for one in wanted.values()
        ]
        typer.echo(msgspec.json.encode(results).decode())
        return
    for one in wanted.values():
        _print_added(store, one, matched[one.id], new=new[one.id], dry_run=dry_run)
    if not dry_run:
        _print_next(store, [one for one in wanted if new[one]], matched, applied)


def _print_added(
    store: Store, takedown: Takedown, matched: Matched, *, new: bool, dry_run: bool
) -> None:
    verb = "Would take down" if dry_run else "Taken down" if new else "Was taken down before:"
    console = Console()
    console.print(f"{verb} {escape(_named(takedown))}", soft_wrap=True)
    if not matched.pictures:
        console.print("  matches no picture yet; it will be refused when it is found")
        return
    console.print(f"  pictures   {escape(_pictures(matched.categories))}", soft_wrap=True)
    for name, prefixes in (("snapshots", matched.snapshots), ("models", matched.models)):
        if prefixes:
            shown = ", ".join(map(store.uri_of, dict.fromkeys(prefixes)))
            console.print(f"  {name:10} {escape(shown)}", soft_wrap=True)


def _print_next(
    store: Store,
    added: Sequence[str],
    matched: Mapping[str, Matched],
    applied: Applied | None,
) -> None:
    console = Console()
    console.print(_told(applied), soft_wrap=True)
    if any(one.models for one in matched.values()):
        console.print("A model keeps what it has learned. To learn anew without these pictures:")
        console.print(
            f"  {escape(command_line('run', 'FILE...', '--store', store.uri))}", soft_wrap=True
        )
    if added:
        undo = command_line("takedown", "remove", *added, "--store", store.uri)
        console.print(f"To undo it: {escape(undo)}", soft_wrap=True)


def _told(applied: Applied | None) -> str:
    if applied is None:
        return (
            "Another run is at work in this store: it removes them at its next step. "
            "To make sure, run the same again later."
        )
    if applied.nothing:
        return "Nothing was left to remove."
    done = (
        (applied.objects, "picture removed", "pictures removed"),
        (applied.records, "record withdrawn", "records withdrawn"),
        (len(applied.snapshots), "snapshot's papers made again", "snapshots' papers made again"),
        (len(applied.reports), "report cleaned", "reports cleaned"),
        (applied.features, "part of cached features removed", "parts of cached features removed"),
    )
    told = [f"{count} {one if count == 1 else many}" for count, one, many in done if count]
    return f"Done: {', '.join(told)}."


def _check(applied: Applied | None) -> None:
    if applied and applied.problems:
        raise PartlyDoneError(
            f"{len(applied.problems)} places could not be cleaned: {applied.problems[0]}; "
            "artgrab dataset verify tells how to mend them, then: artgrab takedown apply"
        )


def _table(found: Sequence[Takedown]) -> Table:
    table = Table("id", "kind", "target", "since", "reason")
    table.columns[2].overflow = "fold"
    for one in sorted(found, key=lambda one: (one.created_at, one.id)):
        cells = (one.id, one.kind, one.target, one.created_at[:10], one.reason)
        table.add_row(*(escape(clean(cell)) for cell in cells))
    return table


def _named(takedown: Takedown) -> str:
    return f"{takedown.kind} {clean(takedown.target)} (id {takedown.id})"


def _pictures(counts: Mapping[str, int]) -> str:
    total = sum(counts.values())
    each = ", ".join(f"{name} {count}" for name, count in counts.items())
    return f"{total} {'picture' if total == 1 else 'pictures'} ({each})"
