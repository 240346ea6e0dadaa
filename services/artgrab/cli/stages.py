"""The stages one by one: scrape, download, train, serve (dataset has a module of its own)."""

import asyncio
import sys
from collections.abc import Callable
from typing import Annotated

import msgspec
import typer

from artgrab.cli.interrupts import interrupts
from artgrab.cli.options import (
    DEFAULT_STORE,
    ClassifierName,
    Files,
    Listen,
    Namespace,
    Parent,
    StoreUri,
    only_classifier,
)
from artgrab.cli.preflight import (
    check_browser,
    check_scrape,
    check_snapshot,
    existing_store,
    newest_model,
)
from artgrab.cli.render import progress_sink
from artgrab.cli.state import read_classifier_state, update_classifier_state
from artgrab.cli.withdrawals import apply_pending
from artgrab.common.documents import load_documents
from artgrab.common.errors import ArtgrabError, BadInputError
from artgrab.common.keys import dataset_prefix
from artgrab.common.network import NetworkSettings
from artgrab.common.politeness.contact import contact_advice
from artgrab.common.processes import die_with_parent
from artgrab.common.progress import ForwardingSink, warn
from artgrab.common.runs import run_id_of
from artgrab.common.servers import check_address, read_settings
from artgrab.common.store import Store

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
    categories = check_scrape(load_documents(files))
    network = read_settings(NetworkSettings)
    from artgrab.cli.failures import raise_together
    from artgrab.scraper.job import scrape_to_the_end
    from artgrab.scraper.reachable import check_downloaders
    from artgrab.scraper.wariness import Wariness

    interrupts.run(check_browser(categories))
    interrupts.run(check_downloaders(downloader))
    failed: dict[str, ArtgrabError] = {}
    wariness = Wariness()
    with progress_sink(sys.stderr) as progress:
        if advice := contact_advice(network, categories):
            warn(progress, advice)
        for category in categories:
            work = scrape_to_the_end(
                category,
                run_id=run_id_of(category),
                endpoints=downloader,
                network=network,
                progress=progress,
                wariness=wariness,
            )
            try:
                ended = interrupts.run(work)
            except ArtgrabError as error:
                failed[category.metadata.name] = error
                continue
            if ended.trouble:
                failed[category.metadata.name] = ended.trouble
            else:
                typer.echo(msgspec.json.encode(ended.outcome).decode())
    raise_together(failed, all_failed=len(failed) == len(categories))


def download(store: StoreUri = DEFAULT_STORE, listen: Listen = "127.0.0.1:50051") -> None:
    """Serve scrapers: fetch what they find into the store, until interrupted."""
    from artgrab.downloader.server import listen_host
    from artgrab.downloader.server import run as run_server
    from artgrab.downloader.settings import DownloaderSettings

    settings = read_settings(DownloaderSettings, listen=listen)
    listen_host(settings)
    run_server(settings, read_settings(NetworkSettings), Store.open(store), _announce)


def train(
    files: Files, store: StoreUri = DEFAULT_STORE, snapshot: Snapshot = "", parent: Parent = 0
) -> None:
    """Train the classifier of these documents on its newest snapshot."""
    if parent:
        die_with_parent(parent)
    classifier = only_classifier(load_documents(files).classifiers)
    name, namespace = classifier.metadata.name, classifier.metadata.namespace
    opened = existing_store(store)
    state = read_classifier_state(opened, namespace=namespace, classifier=name)
    if not (snapshot or state.dataset):
        raise BadInputError(
            f"{opened.uri} has no dataset of {name}; artgrab dataset build makes one"
        )
    check_snapshot(opened, namespace=namespace, key=snapshot or state.dataset)
    from artgrab.trainer import train as train_classifier  # loads torch: after all that is quick

    with progress_sink(sys.stderr) as shown:
        progress = ForwardingSink() if parent else shown
        apply_pending(opened, progress=progress)
        trained = train_classifier(
            opened,
            namespace=namespace,
            classifier=classifier,
            snapshot_prefix=dataset_prefix(namespace, snapshot or state.dataset),
            progress=progress,
        )
    update_classifier_state(opened, namespace=namespace, classifier=name, model=trained.key)
    typer.echo(msgspec.json.encode(trained).decode())


def serve(
    classifier: ClassifierName,
    store: StoreUri = DEFAULT_STORE,
    namespace: Namespace = "default",
    listen: Listen = "127.0.0.1:8500",
) -> None:
    """Serve the newest model of a classifier over gRPC, until interrupted."""
    check_address(listen)
    opened = Store.open(store, to_write=False)
    prefix = newest_model(opened, namespace=namespace, classifier=classifier)
    from artgrab.model.classifier import Classifier  # loads torch: after all that is quick
    from artgrab.serving import ServingSettings
    from artgrab.serving import serve as serve_predictions

    settings = read_settings(ServingSettings, listen=listen)
    model = Classifier.load(opened, prefix, threads=settings.threads)
    asyncio.run(serve_predictions(settings, model, _announce))


def _announce(endpoint: str) -> None:
    typer.echo(f"ready on {endpoint}; Ctrl-C ends it")


_EXAMPLES: dict[Callable[..., None], str] = {
    scrape: "Example: artgrab scrape examples/commons.yaml --downloader 127.0.0.1:50051",
    download: "Example: artgrab download --store artgrab-store --listen 127.0.0.1:50051\n\n"
    "Its settings, as ARTGRAB_DOWNLOADER_HOST_SPACING_SECONDS=1, are read from the environment.",
    train: "Example: artgrab train examples/commons.yaml --store artgrab-store",
    serve: "Example: artgrab serve art-or-not --store artgrab-store --listen 127.0.0.1:8500\n\n"
    "Its settings, as ARTGRAB_SERVING_THREADS=2, are read from the environment.",
}
"""The commands, with what stands below their help."""
