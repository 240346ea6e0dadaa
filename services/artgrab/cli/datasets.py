"""`artgrab dataset`: snapshots made and looked after."""

import sys

import msgspec
import typer

from artgrab.cli.options import DEFAULT_STORE, Files, StoreUri, only_classifier
from artgrab.cli.preflight import existing_store
from artgrab.cli.render import progress_sink
from artgrab.cli.snapshots import build as build_snapshot
from artgrab.common.documents import load_documents, select

datasets = typer.Typer(help="Make datasets of what is stored, and look after them.")


@datasets.command()
def build(files: Files, store: StoreUri = DEFAULT_STORE) -> None:
    """Clean what is stored into a snapshot for the classifier of these documents.

    Example: artgrab dataset build art.yaml --store artgrab-store
    """
    documents = load_documents(files)
    classifier = only_classifier(documents.classifiers)
    labels = select(classifier, documents)
    opened = existing_store(store)
    with progress_sink(sys.stderr) as progress:
        snapshot = build_snapshot(opened, classifier, labels=labels, progress=progress)
    typer.echo(msgspec.json.encode(snapshot.info).decode())


@datasets.callback()
def _group() -> None:
    """Keep `build` a command of its own while it is the only one."""
