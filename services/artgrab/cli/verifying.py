"""`artgrab dataset verify`: what was found, as people and programs read it."""

import shlex
from collections.abc import Sequence

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from artgrab.cli.options import Output
from artgrab.cli.program import command_line
from artgrab.cli.texts import clean
from artgrab.cli.withdrawals import apply_now
from artgrab.common.classifier_states import read_classifier_state, update_classifier_state
from artgrab.common.errors import PartlyDoneError
from artgrab.common.progress import ProgressSink
from artgrab.common.store import Store
from artgrab.common.store.lock import exclusive
from artgrab.dataset.mending import Mended
from artgrab.dataset.mending import mend as mend_store
from artgrab.dataset.verification.types import Flaw, Kind, KindCounts, Problem, VerifyReport
from artgrab.dataset.verify import verify_snapshot, verify_store

_SHOWN = 20
_IN_JSON = 1000


class VerifyResult(msgspec.Struct, frozen=True, kw_only=True):
    """The document of `--output json`."""

    clean: bool
    counts: dict[Kind, KindCounts]
    problems: Sequence[Problem]
    """The first thousand."""
    problem_count: int
    unfinished: Sequence[str]
    mended: Sequence[Problem] = ()


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """What was found, and what was done about it."""

    report: VerifyReport
    mended: Mended | None = None

    @property
    def left(self) -> Sequence[Problem]:
        """Problems that are there still."""
        return self.report.problems if self.mended is None else self.mended.left


def verified(store: Store, key: str, *, mend: bool, progress: ProgressSink) -> Verified:
    """Verify a store or one of its datasets, and mend what can be mended if that is wanted.

    Raises:
        BadInputError: there is no such dataset.
        StoreBusyError: it is to be mended while another run is at work in it.
    """

    def found() -> VerifyReport:
        if key == "all":
            return verify_store(store, progress=progress)
        return verify_snapshot(store, key, progress=progress)

    if not mend:
        return Verified(report=found())
    with exclusive(store):
        report = found()
        done = mend_store(store, report, forget=lambda *a, **more: _forget(store, *a, **more))
    if any(one.flaw is Flaw.PRESENT for one in done.left) and not apply_now(store).problems:
        done.mended += [one for one in done.left if one.flaw is Flaw.PRESENT]
        done.left = [one for one in done.left if one.flaw is not Flaw.PRESENT]
    return Verified(report=report, mended=done)


def _forget(store: Store, namespace: str, key: str, *, parent: str) -> None:
    for info in list(store.list(f"{namespace}/classifiers")):
        name = info.key.rpartition("/")[2].removesuffix(".json")
        state = read_classifier_state(store, namespace=namespace, classifier=name)
        if state.dataset == key:
            update_classifier_state(store, namespace=namespace, classifier=name, dataset=parent)


def show_report(done: Verified, *, store: Store, output: Output) -> None:
    """Show what was found."""
    report = done.report
    if output is Output.JSON:
        result = VerifyResult(
            clean=not done.left,
            counts=report.counts,
            problems=done.left[:_IN_JSON],
            problem_count=len(done.left),
            unfinished=report.unfinished,
            mended=done.mended.mended[:_IN_JSON] if done.mended else (),
        )
        typer.echo(msgspec.json.encode(result).decode())
        return
    console = Console()
    console.print(_table(report))
    if done.mended and done.mended.mended:
        _print_problems("Mended", done.mended.mended, store, console)
        _print_command("To fetch and make it again", store, console, "run", "FILE...")
    if done.left:
        _print_problems("Problems", done.left, store, console)
        _print_remedies(done, store, console)
    else:
        console.print("Everything is as recorded.")


def check_clean(done: Verified, *, store: Store) -> None:
    """Raise where a problem is left.

    Raises:
        PartlyDoneError: says how many, and what to do.
    """
    if done.left:
        many = f"{len(done.left)} problem{'s' if len(done.left) != 1 else ''}"
        remedy = _remedies(done, store)[0]
        raise PartlyDoneError(f"store {store.uri}: {many}; {remedy[0]}: {remedy[1]}")


def _table(report: VerifyReport) -> Table:
    table = Table("what", "good", "MB", "corrupt", "missing", "foreign", "withdrawn", "still there")
    for column in table.columns[1:]:
        column.justify = "right"
    for kind in Kind:
        one = report.counts.get(kind)
        if one is not None:
            counts = (one.corrupt, one.missing, one.foreign, one.withdrawn, one.present)
            size = f"{one.bytes / 1e6:.1f}"
            table.add_row(str(kind), str(one.objects), size, *(str(n or "") for n in counts))
    return table


def _print_problems(
    heading: str, problems: Sequence[Problem], store: Store, console: Console
) -> None:
    console.print(f"[bold]{heading}[/]")
    for one in problems[:_SHOWN]:
        text = f"  {one.flaw} {one.kind}: {store.uri_of(one.key)} ({one.detail})"
        console.print(escape(clean(text)), soft_wrap=True)
    if len(problems) > _SHOWN:
        console.print(f"  and {len(problems) - _SHOWN} more; --output json shows a thousand")


def _print_remedies(done: Verified, store: Store, console: Console) -> None:
    for purpose, command in _remedies(done, store):
        console.print(f"{purpose}:\n  {escape(clean(command))}", soft_wrap=True)


def _print_command(purpose: str, store: Store, console: Console, *words: str) -> None:
    line = command_line(*words, "--store", store.uri)
    console.print(f"{purpose}:\n  {escape(clean(line))}", soft_wrap=True)


def _remedies(done: Verified, store: Store) -> list[tuple[str, str]]:
    """Return what to do about the problems that are left, and the command for it."""
    at, flaws = ("--store", store.uri), {one.flaw for one in done.left}
    remedies = []
    if Flaw.PRESENT in flaws:
        remedies.append(("remove what is taken down", command_line("takedown", "apply", *at)))
    if flaws & {Flaw.CORRUPT, Flaw.MISSING}:
        remedies += _remedies_of_damage(done, store)
    if Flaw.FOREIGN in flaws:
        first = next(one for one in done.left if one.flaw is Flaw.FOREIGN)
        remove = ("rm",) if store.folder else ("aws", "s3", "rm")
        line = shlex.join([*remove, store.uri_of(first.key)])
        remedies.append(("if they are not yours, remove foreign objects, such as", line))
    return remedies


def _remedies_of_damage(done: Verified, store: Store) -> list[tuple[str, str]]:
    at = ("--store", store.uri)
    damaged = [one for one in done.left if one.flaw in (Flaw.CORRUPT, Flaw.MISSING)]
    tombstones = [one for one in damaged if one.place == "takedowns"]
    remedies = []
    if tombstones:
        line = command_line("takedown", "add", "TARGET", *at)
        remedies.append((f"remove {store.uri_of(tombstones[0].key)} and add it again", line))
    if len(tombstones) < len(damaged):
        again = ("run", "FILE...") if done.mended else ("dataset", "verify", "--mend")
        purpose = "fetch again what is lost" if done.mended else "mend them"
        remedies.append((purpose, command_line(*again, *at)))
    return remedies
