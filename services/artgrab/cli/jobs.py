"""`artgrab run`: its options; light, as every call loads it."""

from pathlib import Path
from typing import Annotated

import typer

from artgrab.cli.options import DEFAULT_STORE, Files, Output, OutputOption, StoreUri

EXAMPLES = (
    "Example: artgrab run examples/commons.yaml --dry-run\n\n"
    "Example: artgrab run examples/commons.yaml --predict holiday-pictures/\n\n"
    "Example: artgrab run examples/commons.yaml --store s3://bucket/art --output json"
)


def run(
    files: Files,
    store: StoreUri = DEFAULT_STORE,
    predict: Annotated[
        list[Path] | None,
        typer.Option(metavar="PATH", help="Picture or folder to ask the model about; repeatable."),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Only say what would be done, whom it asks, what it costs."),
    ] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Do the whole job of these documents on this machine; what is done is not done again."""
    from artgrab.cli.whole_job import do_job

    do_job(files, uri=store, predict=predict or [], dry_run=dry_run, output=output)
