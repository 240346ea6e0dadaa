"""`artgrab run`: the job done or planned, answer out."""

import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
import typer
from rich.console import Console

from artgrab.cli.board import COLLECTING
from artgrab.cli.interrupts import interrupts
from artgrab.cli.options import Output
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

_LISTEN = "127.0.0.1:8500"


def do_job(
    files: Sequence[Path], *, uri: str, predict: Sequence[Path], dry_run: bool, output: Output
) -> None:
    """Do the job of these documents in the store of this address, or only say what it would be.

    Raises:
        ArtgrabError: bad documents, failed surroundings, or categories that gave nothing.
    """
    documents = load_documents(files)
    check_documents(documents)
    check_pictures(predict)
    if dry_run:
        _show_plan(documents, uri, output)
        return
    with progress_sink(sys.stderr) as progress:
        job = Job(
            files=list(files),
            documents=documents,
            network=read_settings(NetworkSettings),
            store=Store.open(uri),
            predict=predict,
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
