"""`artgrab dataset`: snapshots made and looked after; light, as every call loads it."""

import sys
from typing import Annotated

import typer

from artgrab.cli.options import DEFAULT_STORE, Files, Output, OutputOption, StoreUri

datasets = typer.Typer(
    help="Make datasets of what is stored, and look after them.",
    epilog="Example: artgrab dataset build examples/commons.yaml --store artgrab-store",
    no_args_is_help=True,
)


@datasets.command(
    epilog="Example: artgrab dataset build examples/commons.yaml --store artgrab-store"
)
def build(files: Files, store: StoreUri = DEFAULT_STORE) -> None:
    """Clean what is stored into a snapshot for the classifier of these documents."""
    import msgspec

    from artgrab.cli.preflight import existing_store, only_classifier
    from artgrab.cli.render import progress_sink
    from artgrab.cli.snapshots import build as build_snapshot
    from artgrab.common.documents import load_documents, select

    documents = load_documents(files)
    classifier = only_classifier(documents.classifiers)
    labels = select(classifier, documents)
    opened = existing_store(store)
    with progress_sink(sys.stderr) as progress:
        snapshot = build_snapshot(opened, classifier, labels=labels, progress=progress)
    typer.echo(msgspec.json.encode(snapshot.info).decode())


@datasets.command(epilog="Example: artgrab dataset verify all --store artgrab-store")
def verify(
    key: Annotated[
        str, typer.Argument(metavar="KEY|all", help="Key of a dataset, or its first digits.")
    ] = "all",
    mend: Annotated[
        bool,
        typer.Option("--mend", help="Forget what is damaged, so that the next run makes it anew."),
    ] = False,
    store: StoreUri = DEFAULT_STORE,
    output: OutputOption = Output.TABLE,
) -> None:
    """Read everything in a store and compare it with what its records and documents say.

    Finds what is corrupt, missing or foreign, and what was taken down but is still there.
    """
    from artgrab.cli.preflight import existing_store
    from artgrab.cli.render import progress_sink
    from artgrab.cli.verifying import check_clean, show_report, verified

    opened = existing_store(store)
    with progress_sink(sys.stderr) as progress:
        report = verified(opened, key, mend=mend, progress=progress)
    show_report(report, store=opened, output=output)
    check_clean(report, store=opened)
