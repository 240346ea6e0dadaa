"""Options and arguments that several commands share; light, as every call loads them."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from artgrab.cli import completion

DEFAULT_STORE = "artgrab-store"


class Output(StrEnum):
    """How an answer is written."""

    TABLE = "table"
    JSON = "json"


class RowOutput(StrEnum):
    """How answers that are rows are written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


class Runtime(StrEnum):
    """Who computes the answers of a predict server."""

    NATIVE = "native"
    TORCHSERVE = "torchserve"


Files = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILE...",
        help="ArtCategory and ArtClassifier documents.",
        readable=False,  # told with all other problems of the documents
        autocompletion=completion.documents,
    ),
]
StoreUri = Annotated[
    str,
    typer.Option(
        "--store",
        metavar="URI",
        envvar="ARTGRAB_STORE",
        help="Where everything is kept: a folder or s3://BUCKET/PREFIX.",
        autocompletion=completion.folders,
    ),
]
Namespace = Annotated[str, typer.Option(metavar="NAME", help="Namespace within the store.")]
ClassifierName = Annotated[
    str,
    typer.Argument(
        metavar="CLASSIFIER",
        help="Name of the ArtClassifier.",
        autocompletion=completion.classifiers,
    ),
]
OutputOption = Annotated[Output, typer.Option(help="json: one document, the last line on stdout.")]
Listen = Annotated[
    str,
    typer.Option(
        metavar="ADDRESS:PORT", help="Where to listen; port 0 takes a free one and says which."
    ),
]
RuntimeOption = Annotated[
    Runtime, typer.Option(help="Who computes: this process, or TorchServe (needs Java 17).")
]
Parent = Annotated[
    int, typer.Option("--exit-with-parent", hidden=True, help="End when this process ends.")
]
