"""`artgrab takedown`: pictures that are to go, and to stay away; light, as every call loads it."""

from typing import Annotated

import typer

from artgrab.cli.options import DEFAULT_STORE, Output, OutputOption, StoreUri

takedowns = typer.Typer(
    help="Remove pictures from everywhere in a store, and keep them away.",
    epilog="Example: artgrab takedown add https://example.org/a.jpg --reason 'asked by mail'",
    no_args_is_help=True,
)

_TARGET = "URL, host, SHA-256 or picture file."


@takedowns.command(
    epilog="Example: artgrab takedown add https://example.org/a.jpg --reason 'asked by mail'"
)
def add(
    targets: Annotated[list[str], typer.Argument(metavar="TARGET...", help=_TARGET)],
    reason: Annotated[str, typer.Option(help="A note for yourselves; kept beside it.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would go, and change nothing.")
    ] = False,
    store: StoreUri = DEFAULT_STORE,
    output: OutputOption = Output.TABLE,
) -> None:
    """Remove pictures, all copies of them included, and never take them again.

    A URL stands for the picture there and for all pictures found on that page; a host for itself
    and its subdomains; a picture file also for what looks like it. It holds until it is removed.
    """
    from artgrab.cli.taking_down import add_takedowns

    add_takedowns(targets, reason=reason, dry_run=dry_run, uri=store, output=output)


@takedowns.command(epilog="Example: artgrab takedown apply --store artgrab-store")
def apply(store: StoreUri = DEFAULT_STORE) -> None:
    """Finish what a kill has left of takedowns; `artgrab run` does so as well, before all else."""
    from artgrab.cli.taking_down import apply_takedowns

    apply_takedowns(store)


@takedowns.command("list", epilog="Example: artgrab takedown list --output json")
def list_(store: StoreUri = DEFAULT_STORE, output: OutputOption = Output.TABLE) -> None:
    """Show all takedowns of a store."""
    from artgrab.cli.taking_down import list_takedowns

    list_takedowns(store, output)


@takedowns.command(epilog="Example: artgrab takedown remove 3f2a")
def remove(
    wanted: Annotated[
        list[str], typer.Argument(metavar="ID...", help="Id, its first digits, or the target.")
    ],
    store: StoreUri = DEFAULT_STORE,
) -> None:
    """Lift takedowns: the next run of the categories they touched fetches those pictures again."""
    from artgrab.cli.taking_down import remove_takedowns

    remove_takedowns(wanted, uri=store)
