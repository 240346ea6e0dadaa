"""`artgrab run`: options in, the job done or planned, answer out."""

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from artgrab.cli.board import COLLECTING
from artgrab.cli.interrupts import interrupts
from artgrab.cli.options import DEFAULT_STORE, Files, Output, OutputOption, StoreUri
from artgrab.cli.preflight import check_documents, check_pictures
from artgrab.cli.program import command_line
from artgrab.cli.render import progress_sink
from artgrab.cli.result import RunResult, to_json
from artgrab.cli.run import Job, run_job
from artgrab.cli.summary import Command, print_result
from artgrab.common.documents import Documents, load_documents
from artgrab.common.network import NetworkSettings
from artgrab.common.runs import due
from artgrab.common.servers import read_settings
from artgrab.common.store import Store

EXAMPLES = (
    "Example: artgrab run examples/commons.yaml --dry-run\n\n"
    "Example: artgrab run examples/commons.yaml --predict holiday-pictures/\n\n"
    "Example: artgrab run examples/commons.yaml --store s3://bucket/art --output json"
)
_LISTEN = "127.0.0.1:8500"


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
    documents = load_documents(files)
    check_documents(documents)
    check_pictures(predict or [])
    if dry_run:
        _show_plan(documents, store, output)
        return
    with progress_sink(sys.stderr) as progress:
        job = Job(
            files=files,
            documents=documents,
            network=read_settings(NetworkSettings),
            store=Store.open(store),
            predict=predict or [],
            progress=progress,
        )
        pending = due(job.store, documents.categories)
        progress.expect(COLLECTING, [one.metadata.name for one in pending])
        result = interrupts.run(run_job(job))
    if output is Output.JSON:
        typer.echo(to_json(result))
        return
    seconds = progress.seconds(COLLECTING)
    print_result(result, console=Console(), seconds=seconds, commands=_next_commands(job, result))


def _next_commands(job: Job, result: RunResult) -> list[Command]:
    store = ("--store", job.store.uri)
    status = Command("look at the store", command_line("status", *store))
    if job.classifier is None or result.model is None:
        return [status]
    name = job.classifier.metadata.name
    return [
        Command("serve the model", command_line("serve", name, *store, "--listen", _LISTEN)),
        Command("ask it", command_line("predict", "PICTURE", "--endpoint", _LISTEN)),
        Command("read the report", _address(f"{result.model.uri}/report.html")),
        status,
    ]


def _address(path: str) -> str:
    return Path(path).as_uri() if path.startswith("/") else path


def _show_plan(documents: Documents, uri: str, output: Output) -> None:
    from artgrab.cli.plan import Planner, open_to_look
    from artgrab.cli.plan_text import print_plan
    from artgrab.downloader.settings import DownloaderSettings

    planner = Planner(
        store=open_to_look(uri),
        uri=uri,
        network=read_settings(NetworkSettings),
        fetching=read_settings(DownloaderSettings),
    )
    plan = planner.plan(documents)
    if output is Output.JSON:
        typer.echo(msgspec.json.encode(plan).decode())
    else:
        print_plan(plan, console=Console())
