"""What `artgrab run` would do, found out without touching anything: `--dry-run`."""

import os
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from artgrab.cli.costs import ASSUMPTIONS, Cost, collecting_cost, learning_cost
from artgrab.common.classifier_states import read_classifier_state
from artgrab.common.documents import Documents, select
from artgrab.common.errors import ObjectMissingError, PartlyDoneError
from artgrab.common.keys import dataset_prefix
from artgrab.common.manifest import read_snapshot_info
from artgrab.common.network import NetworkSettings
from artgrab.common.politeness.contact import contact_advice
from artgrab.common.resources import ArtCategory, ArtClassifier, Source
from artgrab.common.runs import NO_CANDIDATES, count_records, read_run_summary
from artgrab.common.store import Store
from artgrab.common.store.folders import folder_of
from artgrab.downloader.settings import DownloaderSettings


class Action(StrEnum):
    """What a run would do with a part of the job."""

    DO = "do"
    GO_ON = "go on"
    SKIP = "skip"


class SourcePlan(msgspec.Struct, frozen=True, kw_only=True):
    """A source of a category, and how it is asked."""

    kind: str
    access: str
    """API, or page: a page is scraped with a browser."""
    host: str
    url: str
    queries: list[str]
    rate: str
    """How fast it is asked, in words."""


class CategoryPlan(msgspec.Struct, frozen=True, kw_only=True):
    action: Action
    why: str
    target: int
    stored: int
    recorded: int
    sources: list[SourcePlan]
    cost: Cost


class StagePlan(msgspec.Struct, frozen=True, kw_only=True):
    action: Action
    why: str
    cost: Cost = Cost()


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The document of `--dry-run --output json`."""

    store: str
    store_exists: bool
    categories: dict[str, CategoryPlan]
    dataset: StagePlan | None
    model: StagePlan | None
    cost: Cost
    """Of all together, an estimate."""
    assumptions: list[str]
    pictures_at_once: int
    """From one site (registrable domain)."""
    pictures_spacing_seconds: float
    user_agent: str
    advice: list[str]


@dataclass(frozen=True, kw_only=True)
class Planner:
    """Looks at documents and store; asks no other server and changes nothing."""

    store: Store | None
    """None where there is none yet."""
    uri: str
    network: NetworkSettings
    fetching: DownloaderSettings

    def plan(self, documents: Documents) -> Plan:
        """Return what a run of these documents would do.

        Raises:
            ArtgrabError: bad documents, or the store cannot be read.
        """
        categories = {one.metadata.name: self._category(one) for one in documents.categories}
        classifier = next(iter(documents.classifiers), None)
        dataset, model = None, None
        if classifier and not classifier.spec.suspend:
            labels = select(classifier, documents)
            chosen = {name: categories[name] for name in labels}
            dataset = self._dataset(classifier, labels, chosen)
            model = self._model(classifier, dataset, _expected(chosen))
        costs = [part.cost for part in categories.values()]
        costs += [part.cost for part in (dataset, model) if part]
        return Plan(
            store=self.uri,
            store_exists=self.store is not None,
            categories=categories,
            dataset=dataset,
            model=model,
            cost=sum(costs, Cost()),
            assumptions=list(ASSUMPTIONS),
            pictures_at_once=self.fetching.host_concurrency,
            pictures_spacing_seconds=self.fetching.host_spacing_seconds,
            user_agent=self.network.user_agent,
            advice=self._advice(documents, categories),
        )

    def _category(self, category: ArtCategory) -> CategoryPlan:
        summary = read_run_summary(self.store, category) if self.store else None
        counts = count_records(self.store, category) if self.store else NO_CANDIDATES
        action, why = Action.DO, "not collected yet"
        if summary is not None:
            action, why = Action.SKIP, _END_REASONS.get(summary.reason, summary.reason)
        elif category.spec.suspend:
            action, why = Action.SKIP, SUSPENDED
        elif counts.candidates:
            action, why = Action.GO_ON, f"{counts.candidates} candidates are recorded"
        target = category.spec.target_images
        missing = 0 if action is Action.SKIP else max(0, target - counts.stored)
        sources = [self._source(source, category) for source in category.spec.sources]
        return CategoryPlan(
            action=action,
            why=why,
            target=target,
            stored=counts.stored,
            recorded=counts.candidates,
            sources=sources,
            cost=collecting_cost(
                missing,
                kinds=[source.kind for source in sources],
                questions=sum(max(1, len(source.queries)) for source in sources),
                at_once=self.fetching.host_concurrency,
                spacing=self.fetching.host_spacing_seconds,
            ),
        )

    def _source(self, source: Source, category: ArtCategory) -> SourcePlan:
        page = source.gallery is not None
        return SourcePlan(
            kind=source.kind,
            access="page" if page else "API",
            host=self._host(source.host),
            url=source.url,
            queries=category.queries if source.takes_queries else [],
            rate=_PAGE_RATE if page else _API_RATE,
        )

    def _host(self, host: str) -> str:
        resolved = self.network.resolved(host)
        set_to = f" (set to {resolved[0]}:{resolved[1]})" if resolved else ""
        return f"{host}{set_to}"

    def _dataset(
        self,
        classifier: ArtClassifier,
        labels: dict[str, str],
        categories: dict[str, CategoryPlan],
    ) -> StagePlan:
        cost = learning_cost(_expected(categories), dataset=True, train=False)
        if any(one.action is not Action.SKIP for one in categories.values()):
            return StagePlan(action=Action.DO, why="pictures are still to be collected", cost=cost)
        if self.store and _is_current(self.store, classifier, labels):
            return StagePlan(action=Action.SKIP, why="the newest snapshot holds all there is")
        return StagePlan(action=Action.DO, why="no snapshot holds what is stored", cost=cost)

    def _model(self, classifier: ArtClassifier, dataset: StagePlan, pictures: int) -> StagePlan:
        cost = learning_cost(pictures, dataset=False, train=True)
        if dataset.action is not Action.SKIP:
            return StagePlan(action=Action.DO, why="the dataset will be a new one", cost=cost)
        assert self.store is not None
        if _is_trained(self.store, classifier):
            return StagePlan(action=Action.SKIP, why="it is trained on the newest snapshot")
        return StagePlan(action=Action.DO, why="not trained on the newest snapshot", cost=cost)

    def _advice(self, documents: Documents, categories: dict[str, CategoryPlan]) -> list[str]:
        busy = {n: one for n, one in categories.items() if one.action is not Action.SKIP}
        asked = [one for one in documents.categories if one.metadata.name in busy]
        advice = list(filter(None, [contact_advice(self.network, asked)]))
        pages = [n for n, one in busy.items() if any(s.access == "page" for s in one.sources)]
        if pages:
            advice.append(
                f"pages are scraped for {', '.join(pages)}: their robots.txt is obeyed, their "
                "terms are for you to read; an API is the friendlier way where there is one"
            )
        return advice


SUSPENDED = "its spec.suspend is true"
_END_REASONS = {
    "TargetReached": "its target is reached",
    "SourcesExhausted": "its sources are exhausted",
    "SourcesFailed": "its sources failed, and it is asked no more until its spec changes",
}
_PAGE_RATE = "one page at a time, as far apart as its robots.txt asks"
_API_RATE = "one request at a time, backing off when it is busy"


def open_to_look(uri: str) -> Store | None:
    """Open a store without making it; None where there is none.

    Raises:
        ArtgrabError: it cannot be read, or names nothing that artgrab knows.
    """
    if uri.startswith("file:") or not ("://" in uri or uri.startswith("s3:")):
        try:
            os.stat(folder_of(uri))
        except FileNotFoundError:
            return None
        except OSError:
            pass  # told when it is opened
    return Store.open(uri, to_write=False)


def _expected(categories: dict[str, CategoryPlan]) -> int:
    """Return how many pictures there will be, if the sources hold what is wanted."""
    return sum(
        one.stored if one.action is Action.SKIP else max(one.target, one.stored)
        for one in categories.values()
    )


def _is_current(store: Store, classifier: ArtClassifier, labels: dict[str, str]) -> bool:
    """Tell whether building the next snapshot would only return the newest one."""
    from artgrab.dataset.inputs import inputs_digest, read_pictures  # loads faiss

    name, namespace = classifier.metadata.name, classifier.metadata.namespace
    newest = read_classifier_state(store, namespace=namespace, classifier=name).dataset
    try:
        info = read_snapshot_info(store, dataset_prefix(namespace, newest)) if newest else None
        pictures = read_pictures(store, namespace=namespace, labels=labels)
    except (ObjectMissingError, PartlyDoneError):
        return False
    digest = inputs_digest(pictures, labels=labels, curation=classifier.spec.curation)
    return info is not None and info.inputs_sha256 == digest


def _is_trained(store: Store, classifier: ArtClassifier) -> bool:
    from artgrab.trainer.train import is_trained

    name, namespace = classifier.metadata.name, classifier.metadata.namespace
    newest = read_classifier_state(store, namespace=namespace, classifier=name).dataset
    prefix = dataset_prefix(namespace, newest)
    return is_trained(store, namespace=namespace, classifier=classifier, snapshot_prefix=prefix)
