"""Options and arguments that several commands share."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from artgrab.common.errors import BadInputError
from artgrab.common.resources import ArtClassifier

DEFAULT_STORE = "artgrab-store"


class Output(StrEnum):
    TEXT = "text"
    JSON = "json"


Files = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILE...",
        help="ArtCategory and ArtClassifier documents.",
        readable=False,  # told with all other problems of the documents
    ),
]
StoreUri = Annotated[str, typer.Option("--store", help="Folder that keeps everything.")]
OutputOption = Annotated[Output, typer.Option(help="json: one document, the last line on stdout.")]
Listen = Annotated[str, typer.Option(help="ADDRESS:PORT to listen on; port 0 takes a free one.")]
Parent = Annotated[
    int, typer.Option("--exit-with-parent", hidden=True, help="End when this process ends.")
]


def only_classifier(classifiers: list[ArtClassifier]) -> ArtClassifier:
    """Return the one classifier of the documents.

    Raises:
        BadInputError: there is none, or more than one.
    """
    if len(classifiers) != 1:
        raise BadInputError(f"{len(classifiers)} ArtClassifiers are given; this takes exactly one")
    return classifiers[0]
