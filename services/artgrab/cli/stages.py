"""The stages one by one: scrape, download, train, serve; light, as every call loads them.

`artgrab dataset` has a module of its own.
"""

from collections.abc import Callable
from typing import Annotated

import typer

from artgrab.cli.options import (
    DEFAULT_STORE,
    ClassifierName,
    Files,
    Listen,
    Namespace,
    Parent,
    Runtime,
    RuntimeOption,
    StoreUri,
)

Snapshot = Annotated[
    str, typer.Option(metavar="KEY", help="Input key of another snapshot than the newest.")
]


def register(app: typer.Typer) -> None:
    """Add the stages to the command line."""
    for command, example in _EXAMPLES.items():
        app.command(epilog=example, rich_help_panel="Stages, one by one")(command)


def scrape(
    files: Files,
    downloader: Annotated[
        list[str], typer.Option(metavar="HOST:PORT", help="Where a downloader answers; repeatable.")
    ],
) -> None:
    """Find the pictures of these categories, have downloaders fetch them, and end the runs."""
    from artgrab.cli.stage_work import scrape_all

    scrape_all(files, downloaders=downloader)


def download(store: StoreUri = DEFAULT_STORE, listen: Listen = "127.0.0.1:50051") -> None:
    """Serve scrapers: fetch what they find into the store, until interrupted."""
    from artgrab.cli.stage_work import serve_scrapers

    serve_scrapers(store, listen=listen)


def train(
    files: Files, store: StoreUri = DEFAULT_STORE, snapshot: Snapshot = "", parent: Parent = 0
) -> None:
    """Train the classifier of these documents on its newest snapshot."""
    from artgrab.cli.stage_work import train_newest

    train_newest(files, uri=store, snapshot=snapshot, parent=parent)


def serve(
    classifier: ClassifierName,
    store: StoreUri = DEFAULT_STORE,
    namespace: Namespace = "default",
    listen: Listen = "127.0.0.1:8500",
    runtime: RuntimeOption = Runtime.NATIVE,
) -> None:
    """Serve the newest model of a classifier over gRPC, until interrupted."""
    from artgrab.cli.stage_work import serve_newest

    serve_newest(classifier, uri=store, namespace=namespace, listen=listen, runtime=runtime)


_EXAMPLES: dict[Callable[..., None], str] = {
    scrape: "Example: artgrab scrape examples/commons.yaml --downloader 127.0.0.1:50051\n\n"
    "Where ARTGRAB_SCRAPE_TLS_CA_FILE names who signs for them, downloaders are asked over TLS.",
    download: "Example: artgrab download --store artgrab-store --listen 127.0.0.1:50051\n\n"
    "Its settings, as ARTGRAB_DOWNLOADER_HOST_SPACING_SECONDS=1, are read from the environment.",
    train: "Example: artgrab train examples/commons.yaml --store artgrab-store",
    serve: "Example: artgrab serve art-or-not --store artgrab-store --listen 127.0.0.1:8500\n\n"
    "Its settings, as ARTGRAB_SERVING_THREADS=2, are read from the environment.",
}
"""The commands, with what stands below their help."""
