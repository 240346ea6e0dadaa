"""`artgrab predict`: pictures in, a server asked, answers out."""

import asyncio
import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import typer
from rich.console import Console

from artgrab.cli.answers import csv_of, prediction_table, predictions_json
from artgrab.cli.interrupts import interrupts
from artgrab.cli.options import RowOutput
from artgrab.cli.picture_files import Pictures, find_pictures, pictures_of
from artgrab.cli.predictions import Target, stream_predictions
from artgrab.cli.preflight import newest_model
from artgrab.cli.render import progress_sink
from artgrab.cli.result import PredictionResult
from artgrab.cli.supervision import running
from artgrab.common.errors import BadInputError, PartlyDoneError
from artgrab.common.progress import ProgressSink, no_progress
from artgrab.common.store import Store

_MANY = 64
"""Pictures from which on progress is shown: about a second of work."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """Whose newest model is asked where no server is named."""

    store: str
    namespace: str
    classifier: str


def target_of(
    endpoint: str, *, token_file: Path | None, root_certificates: Path | None, plaintext: bool
) -> Target | None:
    """Return the server that options name, how it is spoken with read from their files.

    Raises:
        BadInputError: a file cannot be read, or options do not go together.
    """
    if not endpoint:
        return None
    if plaintext and root_certificates:
        raise BadInputError("--plaintext and --root-certificates do not go together")
    return Target(
        endpoint=endpoint,
        token=_read_token(token_file) if token_file else None,
        root_certificates=_read(root_certificates) if root_certificates else None,
        tls=False if plaintext else None,
    )


def ask_about(
    images: Sequence[str], *, target: Target | None, model: Model, output: RowOutput
) -> None:
    """Ask the server that is named, or one of the model that is started for this call.

    Raises:
        PartlyDoneError: some pictures have no answer.
        ArtgrabError: there is no picture, server or model.
    """
    pictures = pictures_of(find_pictures(images))
    if not (target or model.classifier):
        raise BadInputError(
            "give --endpoint HOST:PORT or ARTGRAB_ENDPOINT (artgrab serve says it), "
            "or --classifier NAME to start a server for this call"
        )
    ask = partial(_ask, pictures, output)
    if target:
        answers = ask(target)
    else:
        answers = interrupts.run(_ask_a_server_of_ours(ask, model.store, _prefix(model)))
    if output is not RowOutput.CSV:
        _show(answers, output)
    failed = sum(bool(one.error) for one in answers)
    if failed:
        raise PartlyDoneError(f"{failed} of {len(answers)} pictures have no answer; each says why")


def _read_token(file: Path) -> str:
    """Return what is in a file of one line; no message ever holds a part of it."""
    text = _read(file).decode("ascii", "replace").strip()
    if not text or len(text.split()) > 1:
        raise BadInputError(f"{file}: there is no token in it, or more than one; write one line")
    return text


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise BadInputError(f"{file}: cannot be read: {error.strerror}") from error


def _prefix(model: Model) -> str:
    opened = Store.open(model.store, to_write=False)
    return newest_model(opened, namespace=model.namespace, classifier=model.classifier)


def _ask(pictures: Pictures, output: RowOutput, target: Target) -> list[PredictionResult]:
    """Ask about all pictures; rows of CSV are written as they come."""
    answers: list[PredictionResult] = []
    with _progress(len(pictures), output) as progress:
        for one in stream_predictions(pictures, target, progress=progress):
            if output is RowOutput.CSV:
                typer.echo(csv_of([one], header=not answers), nl=False)
            answers.append(one)
    return answers


async def _ask_a_server_of_ours(
    ask: Callable[[Target], list[PredictionResult]], store: str, model: str
) -> list[PredictionResult]:
    arguments = ("--store", store, "--model", model)
    async with running("artgrab.serving", *arguments, progress=no_progress) as server:
        return await asyncio.to_thread(ask, Target(endpoint=server.endpoint))


@contextlib.contextmanager
def _progress(pictures: int, output: RowOutput) -> Iterator[ProgressSink]:
    """Show progress on stderr where there is some to show, and nothing it would get mixed with."""
    if pictures < _MANY or (output is RowOutput.CSV and sys.stdout.isatty()):
        yield no_progress
        return
    with progress_sink(sys.stderr) as progress:
        yield progress


def _show(answers: list[PredictionResult], output: RowOutput) -> None:
    if output is RowOutput.JSON:
        typer.echo(predictions_json(answers))
    else:
        Console().print(prediction_table(answers))
