"""The `artgrab` command: options in, stage called, answer and exit code out."""

import os
import shlex
import shutil
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from artgrab.cli import stages
from artgrab.cli.answers import prediction_table, predictions_json
from artgrab.cli.datasets import datasets
from artgrab.cli.interrupts import interrupts
from artgrab.cli.options import DEFAULT_STORE, Files, Output, OutputOption, StoreUri
from artgrab.cli.predictions import find_pictures, predict_pictures, read_pictures
from artgrab.cli.preflight import check_documents, check_pictures
from artgrab.cli.render import progress_sink
from artgrab.cli.result import RunResult, to_json
from artgrab.cli.run import Job, run_job
from artgrab.cli.summary import Command, print_result
from artgrab.common.documents import load_documents
from artgrab.common.errors import ArtgrabError
from artgrab.common.logs import configure_logs
from artgrab.common.network import NetworkSettings
from artgrab.common.servers import read_settings
from artgrab.common.store import Store

app = typer.Typer(
    help="From a word to a working image classifier: collect, clean, train, serve.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
stages.register(app)
app.add_typer(datasets, name="dataset")

_INTERRUPTED = 128 + signal.SIGINT
"""What typer turns a KeyboardInterrupt into."""


@app.command(epilog="Example: artgrab run examples/commons.yaml --predict holiday-pictures/")
def run(
    files: Files,
    store: StoreUri = DEFAULT_STORE,
    predict: Annotated[
        list[Path] | None, typer.Option(help="Pictures or folders to ask the model about.")
    ] = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Do the whole job of these documents on this machine; what is done is not done again."""
    documents = load_documents(files)
    check_documents(documents)
    check_pictures(predict or [])
    with progress_sink(sys.stderr) as progress:
        job = Job(
            files=files,
            documents=documents,
            store=Store.open(store),
            network=read_settings(NetworkSettings),
            predict=predict or [],
            progress=progress,
        )
        result = interrupts.run(run_job(job))
    _show(result, job, output)


@app.command(epilog="Example: artgrab predict cat.jpg photos/ --endpoint 127.0.0.1:8500")
def predict(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Pictures or folders.")],
    endpoint: Annotated[str, typer.Option(help="HOST:PORT of the predict server.")],
    output: OutputOption = Output.TEXT,
) -> None:
    """Ask a served model what pictures show."""
    pictures = read_pictures(find_pictures(images))
    predictions = predict_pictures(pictures, endpoint=endpoint)
    if output is Output.JSON:
        typer.echo(predictions_json(predictions))
    else:
        Console().print(prediction_table(predictions))


def _show(result: RunResult, job: Job, output: Output) -> None:
    if output is Output.JSON:
        typer.echo(to_json(result))
        return
    commands = []
    if job.classifier:
        name = job.classifier.metadata.name
        line = shlex.join([_program(), "serve", name, "--store", job.store.uri])
        commands = [Command("serve the model", line)]
    print_result(result, console=Console(), seconds={}, commands=commands)


def _program() -> str:
    """Return how this very artgrab is called from the current folder."""
    ours = Path(sys.executable).with_name("artgrab")
    if shutil.which("artgrab") == str(ours):
        return "artgrab"
    return os.path.relpath(ours) if ours.is_relative_to(Path.cwd()) else str(ours)


def main() -> None:
    """Run the command line; every error is one line on stderr and an exit code of errors.py."""
    try:
        interrupts.install(program=_program())
        configure_logs()
        app()
    except ArtgrabError as error:
        _end(str(error), error.exit_code)
    except SystemExit as end:
        if end.code == _INTERRUPTED:
            interrupts.leave()
        raise


def _end(message: str, code: int) -> None:
    sys.stderr.write(f"artgrab: {message}\n")
    raise SystemExit(code)
