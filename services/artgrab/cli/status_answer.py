"""`artgrab status`: a look at the store, answer out."""

import msgspec
import typer
from rich.console import Console

from artgrab.cli.options import Output
from artgrab.cli.program import command_line
from artgrab.cli.status import Status, read_status
from artgrab.cli.status_text import print_status
from artgrab.common.errors import PartlyDoneError
from artgrab.common.store import Store


def show_status(uri: str, output: Output) -> None:
    """Show what the store of this address holds, and what comes next.

    Raises:
        PartlyDoneError: some of it cannot be read.
    """
    found = read_status(Store.open(uri, to_write=False))
    found = msgspec.structs.replace(found, next=_next_command(found))
    if output is Output.JSON:
        typer.echo(msgspec.json.encode(found).decode())
    else:
        print_status(found, console=Console())
    if found.problems:
        raise PartlyDoneError(
            f"{len(found.problems)} things of the store cannot be read; see above"
        )


def _next_command(found: Status) -> str:
    store = ("--store", found.store)
    for namespace, one in found.namespaces.items():
        unfinished = any(category.last_run is None for category in one.categories.values())
        served = next((name for name, c in one.classifiers.items() if c.model), "")
        if served and not unfinished:
            named = () if namespace == "default" else ("--namespace", namespace)
            return command_line("serve", served, *store, *named)
    return command_line("run", "FILE.yaml", *store)
