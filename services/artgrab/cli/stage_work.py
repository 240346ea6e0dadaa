"""The stages one by one: each called with what its options say."""

import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
import typer

from artgrab.cli.failures import raise_together
from artgrab.cli.interrupts import interrupts
from artgrab.cli.options import Runtime
from artgrab.cli.preflight import (
    check_browser,
    check_scrape,
    check_snapshot,
    existing_store,
    newest_model,
    only_classifier,
)
from artgrab.cli.render import progress_sink
from artgrab.cli.withdrawals import apply_pending
from artgrab.common.classifier_states import read_classifier_state, update_classifier_state
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


def scrape_all(files: Sequence[Path], *, downloaders: list[str]) -> None:
    """Scrape one category after the other; those that fail are told together at the end."""
    categories = check_scrape(load_documents(files))
    network = read_settings(NetworkSettings)
    from artgrab.scraper.channels import Channels, TlsSettings
    from artgrab.scraper.job import scrape_to_the_end
    from artgrab.scraper.reachable import check_downloaders
    from artgrab.scraper.wariness import Wariness

    interrupts.run(check_browser(categories))
    channels = Channels(downloaders, read_settings(TlsSettings))
    interrupts.run(check_downloaders(downloaders, channels=channels))
    failed: dict[str, ArtgrabError] = {}
    wariness = Wariness()
    with progress_sink(sys.stderr) as progress:
        if advice := contact_advice(network, categories):
            warn(progress, advice)
        for category in categories:
            work = scrape_to_the_end(
                category,
                run_id=run_id_of(category),
                endpoints=downloaders,
                network=network,
                progress=progress,
                wariness=wariness,
                channels=channels,
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


def serve_scrapers(uri: str, *, listen: str) -> None:
    """Run a downloader until it is interrupted."""
    from artgrab.downloader.server import listen_host
    from artgrab.downloader.server import run as run_server
    from artgrab.downloader.settings import DownloaderSettings

    settings = read_settings(DownloaderSettings, listen=listen)
    listen_host(settings)
    run_server(settings, read_settings(NetworkSettings), Store.open(uri), _announce)


def train_newest(files: Sequence[Path], *, uri: str, snapshot: str, parent: int) -> None:
    """Train on the snapshot of this key, or on the newest; end with the parent, if there is one."""
    if parent:
        die_with_parent(parent)
    classifier = only_classifier(load_documents(files).classifiers)
    name, namespace = classifier.metadata.name, classifier.metadata.namespace
    opened = existing_store(uri)
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


def serve_newest(
    classifier: str, *, uri: str, namespace: str, listen: str, runtime: Runtime
) -> None:
    """Serve the newest model of a classifier until interrupted."""
    check_address(listen)
    opened = Store.open(uri, to_write=False)
    prefix = newest_model(opened, namespace=namespace, classifier=classifier)
    from artgrab.serving.runtimes import RUNTIMES
    from artgrab.serving.sources import in_store

    RUNTIMES[runtime](in_store(uri, prefix), listen=listen, on_ready=_announce, archive=None)


def _announce(endpoint: str) -> None:
    typer.echo(f"ready on {endpoint}; Ctrl-C ends it")
