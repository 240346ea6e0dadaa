"""`artgrab run`: every stage in turn on this machine, skipping what is done."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import msgspec

from artgrab.cli.picture_files import Pictures, find_pictures, pictures_of
from artgrab.cli.predictions import pictures_of_test_split, predict_pictures
from artgrab.cli.preflight import check_browser, check_model
from artgrab.cli.result import DatasetResult, ModelResult, PredictionResult, RunResult, Work
from artgrab.cli.snapshots import build
from artgrab.cli.supervision import Server, answer_of, running
from artgrab.cli.withdrawals import apply_pending
from artgrab.common.documents import Documents, select
from artgrab.common.errors import BadInputError, SurroundingsError
from artgrab.common.keys import model_prefix
from artgrab.common.network import NetworkSettings
from artgrab.common.politeness.contact import contact_advice
from artgrab.common.progress import Progress, ProgressSink, warn
from artgrab.common.resources import ArtCategory, ArtClassifier
from artgrab.common.runs import count_records, due, read_run_summary, unfinished
from artgrab.common.store import Store
from artgrab.common.store.leftovers import clear_leftovers
from artgrab.common.store.lock import exclusive_async

_SUSPENDED = "not collected, as spec.suspend is true; what is stored of it is used"
_NOT_LEARNED = "nothing is learned, as spec.suspend is true"


@dataclass(frozen=True, kw_only=True)
class Job:
    """What one call of `artgrab run` is asked to do."""

    files: Sequence[Path]
    documents: Documents
    store: Store
    network: NetworkSettings
    predict: Sequence[Path]
    """Pictures and folders to ask the model about; some of the test split where empty."""
    progress: ProgressSink
    work: Work = field(default_factory=Work)

    @property
    def classifier(self) -> ArtClassifier | None:
        """The one classifier of the documents, if there is one."""
        if len(self.documents.classifiers) > 1:
            raise BadInputError("more than one ArtClassifier is given; artgrab run takes one")
        return next(iter(self.documents.classifiers), None)

    @property
    def learner(self) -> ArtClassifier | None:
        """The classifier, unless it is suspended."""
        return self.classifier if self.classifier and not self.classifier.spec.suspend else None


async def run_job(job: Job) -> RunResult:
    """Do what is not done yet and say what there is.

    Raises:
        ArtgrabError: bad documents, failed surroundings, or categories that gave nothing.
    """
    labels = select(job.classifier, job.documents) if job.classifier else {}
    find_pictures(job.predict)  # a wrong path is told before the work, not after it
    await asyncio.to_thread(apply_pending, job.store, progress=job.progress)
    await _collect(job)
    categories = job.documents.categories
    result = RunResult(
        categories={c.metadata.name: count_records(job.store, c) for c in categories},
        work=job.work,
        problems=[problem for c in categories for problem in _problems(job.store, c)],
    )
    if job.learner:
        await _learn(job, job.learner, labels, result)
    elif job.classifier:
        told = f"{job.classifier.metadata.name}: {_NOT_LEARNED}"
        result.problems = [*result.problems, told]
        warn(job.progress, told)
    # What was killed in the middle of a put: by this run's end nothing is left of it.
    await asyncio.to_thread(clear_leftovers, job.store)
    return result


async def _collect(job: Job) -> None:
    # Selenium and gRPC take a second to load: not where everything is there already.
    categories = job.documents.categories
    for suspended in (one for one in unfinished(job.store, categories) if one.spec.suspend):
        warn(job.progress, f"{suspended.metadata.name}: {_SUSPENDED}")
    pending = due(job.store, categories)
    if not pending:
        return
    await _preflight(job, pending)
    from artgrab.cli.collect import Collector

    collector = Collector(
        store=job.store, network=job.network, progress=job.progress, work=job.work
    )
    async with exclusive_async(job.store):
        await collector.collect(pending)


async def _preflight(job: Job, pending: Sequence[ArtCategory]) -> None:
    """Tell before hours of scraping what would be told after them."""
    if advice := contact_advice(job.network, pending):
        warn(job.progress, advice)
    await check_browser(pending)
    if job.learner:
        await check_model(job.learner, job.documents, progress=job.progress)


def _problems(store: Store, category: ArtCategory) -> list[str]:
    summary = read_run_summary(store, category)
    texts = summary.problems if summary else [_SUSPENDED] if category.spec.suspend else []
    return [f"{category.metadata.name}: {text}" for text in texts]


async def _learn(
    job: Job, classifier: ArtClassifier, labels: dict[str, str], result: RunResult
) -> None:
    snapshot = await asyncio.to_thread(
        build, job.store, classifier, labels=labels, progress=job.progress
    )
    result.dataset = DatasetResult(
        uri=job.store.uri_of(snapshot.prefix),
        content_sha256=snapshot.info.content_sha256,
        images=snapshot.info.images,
        splits=snapshot.info.splits,
    )
    told = partial(Progress, stage="train", item=classifier.metadata.name, unit="steps")
    job.progress(told())  # its process takes seconds before it tells anything
    trained = await answer_of(
        *("artgrab.cli", "train", *map(str, job.files), "--store", job.store.uri),
        *("--snapshot", snapshot.key),
        progress=job.progress,
    )
    job.work.trained += bool(trained["trained"])
    if not trained["trained"]:
        job.progress(told(finished=True))
    result.model = msgspec.convert(trained, ModelResult)
    result.metrics = msgspec.convert(trained["metrics"], dict[str, object])
    pictures = pictures_of(find_pictures(job.predict)) or pictures_of_test_split(
        job.store, snapshot.prefix
    )
    model = model_prefix(classifier.metadata.namespace, str(trained["key"]))
    result.endpoint, result.predictions = await _predict(job, model, pictures)


async def _predict(job: Job, model: str, pictures: Pictures) -> tuple[str, list[PredictionResult]]:
    arguments = ("--store", job.store.uri, "--model", model)
    told = partial(Progress, stage="serve", total=1, unit="servers")
    job.progress(told())
    async with running("artgrab.serving", *arguments, progress=job.progress) as server:
        job.progress(told(done=1, finished=True))
        return server.endpoint, await _ask(server, pictures)


async def _ask(server: Server, pictures: Pictures) -> list[PredictionResult]:
    """Ask about all pictures; once more for each time that the server dies of it."""
    while True:
        deaths = server.deaths
        try:
            return await asyncio.to_thread(predict_pictures, pictures, endpoint=server.endpoint)
        except SurroundingsError:
            if server.deaths == deaths:
                raise
            await server.ready()
