"""`artgrab run`: every stage in turn on this machine, skipping what is done."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from artgrab.cli.children import answer_of, running
from artgrab.cli.predictions import (
    find_pictures,
    pictures_of_test_split,
    predict_pictures,
    read_pictures,
)
from artgrab.cli.result import DatasetResult, ModelResult, PredictionResult, RunResult, Work
from artgrab.cli.state import (
    ClassifierState,
    RunSummary,
    count_records,
    read_classifier_state,
    read_run_summary,
    run_id_of,
    write_classifier_state,
    write_run_summary,
)
from artgrab.common.documents import Documents, select
from artgrab.common.errors import ArtgrabError, BadInputError, PartlyDoneError
from artgrab.common.keys import model_prefix
from artgrab.common.network import NetworkSettings
from artgrab.common.progress import ProgressSink
from artgrab.common.record_parts import compact
from artgrab.common.resources import ArtCategory, ArtClassifier
from artgrab.common.store import Store

if TYPE_CHECKING:
    from artgrab.dataset import Snapshot

LOOPBACK = "127.0.0.1:0"


@dataclass(frozen=True, kw_only=True)
class Job:
    """What one call of `artgrab run` is asked to do."""

    files: Sequence[Path]
    documents: Documents
    store: Store
    network: NetworkSettings
    predict: Sequence[Path]
    """Pictures and folders to ask the model about; some of the test split where empty."""
    scrapes_at_once: int = 2
    """More browsers at once than cores only slow each other down."""
    progress: ProgressSink
    work: Work = field(default_factory=Work)

    @property
    def classifier(self) -> ArtClassifier | None:
        """The one classifier of the documents, if there is one."""
        if len(self.documents.classifiers) > 1:
            raise BadInputError("more than one ArtClassifier is given; artgrab run takes one")
        return next(iter(self.documents.classifiers), None)


async def run_job(job: Job) -> RunResult:
    """Do what is not done yet and say what there is.

    Raises:
        ArtgrabError: bad documents, failed surroundings, or categories that gave nothing.
    """
    labels = select(job.classifier, job.documents.categories) if job.classifier else {}
    find_pictures(job.predict)  # a wrong path is told before the work, not after it
    problems = await _collect(job)
    result = RunResult(
        categories={c.metadata.name: count_records(job.store, c) for c in job.documents.categories},
        work=job.work,
    )
    if job.classifier:
        await _learn(job, job.classifier, labels, result)
    if problems:
        raise PartlyDoneError("; ".join(problems))
    return result


async def _collect(job: Job) -> list[str]:
    pending = [c for c in job.documents.categories if read_run_summary(job.store, c) is None]
    if not pending:
        return []
    gate = asyncio.Semaphore(job.scrapes_at_once)
    async with running(
        "artgrab.downloader", "--store", job.store.uri, "--listen", LOOPBACK, progress=job.progress
    ) as endpoint:
        problems = await asyncio.gather(*(_scrape(job, c, endpoint, gate) for c in pending))
    return [problem for problem in problems if problem]


async def _scrape(job: Job, category: ArtCategory, endpoint: str, gate: asyncio.Semaphore) -> str:
    """Scrape one category to its end; return what went wrong, empty where nothing did."""
    from artgrab.downloader.sweep import sweep
    from artgrab.scraper.scrape import scrape

    name, namespace = category.metadata.name, category.metadata.namespace
    run_id = run_id_of(category)
    before = count_records(job.store, category)
    async with gate:
        try:
            outcome = await scrape(
                category,
                run_id=run_id,
                endpoints=[endpoint],
                network=job.network,
                progress=job.progress,
            )
        except ArtgrabError as error:
            return f"{name}: {error}"
    job.work.fetched += outcome.fetched
    await asyncio.to_thread(compact, job.store, namespace=namespace, category=name)
    await asyncio.to_thread(sweep, job.store, namespace=namespace, category=name)
    counts = count_records(job.store, category)
    job.work.stored += counts.stored - before.stored
    problems = [
        f"{one.source} {one.partition}: {one.problem}" for one in outcome.sources if one.problem
    ]
    summary = RunSummary(run_id=run_id, reason=outcome.reason, counts=counts, problems=problems)
    write_run_summary(job.store, category, summary)
    return ""


async def _learn(
    job: Job, classifier: ArtClassifier, labels: dict[str, str], result: RunResult
) -> None:
    snapshot = await asyncio.to_thread(_build, job, classifier, labels)
    result.dataset = DatasetResult(
        uri=job.store.uri_of(snapshot.prefix),
        content_sha256=snapshot.info.content_sha256,
        images=snapshot.info.images,
        splits=snapshot.info.splits,
    )
    trained = await answer_of(
        *("artgrab.cli", "train", *map(str, job.files), "--store", job.store.uri),
        *("--snapshot", snapshot.key),
        progress=job.progress,
    )
    job.work.trained += bool(trained["trained"])
    result.model = msgspec.convert(trained, ModelResult)
    result.metrics = msgspec.convert(trained["metrics"], dict[str, object])
    key = str(trained["key"])
    _remember(job.store, classifier, ClassifierState(dataset=snapshot.key, model=key))
    pictures = read_pictures(find_pictures(job.predict)) or pictures_of_test_split(
        job.store, snapshot.prefix
    )
    model = model_prefix(classifier.metadata.namespace, key)
    result.endpoint, result.predictions = await _predict(job, model, pictures)


def _build(job: Job, classifier: ArtClassifier, labels: dict[str, str]) -> "Snapshot":
    from artgrab.dataset import build_snapshot

    name, namespace = classifier.metadata.name, classifier.metadata.namespace
    state = read_classifier_state(job.store, namespace=namespace, classifier=name)
    return build_snapshot(
        job.store,
        namespace=namespace,
        classifier=classifier,
        labels=labels,
        parent=state.dataset or None,
        progress=job.progress,
    )


def _remember(store: Store, classifier: ArtClassifier, state: ClassifierState) -> None:
    name, namespace = classifier.metadata.name, classifier.metadata.namespace
    write_classifier_state(store, state, namespace=namespace, classifier=name)


async def _predict(
    job: Job, model: str, pictures: Mapping[str, bytes]
) -> tuple[str, list[PredictionResult]]:
    arguments = ("--store", job.store.uri, "--model", model, "--listen", LOOPBACK)
    async with running("artgrab.serving", *arguments, progress=job.progress) as endpoint:
        return endpoint, await asyncio.to_thread(predict_pictures, pictures, endpoint=endpoint)
