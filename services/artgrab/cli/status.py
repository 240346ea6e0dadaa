"""What a store holds, gathered without changing anything."""

import contextlib
from collections.abc import Iterator
from typing import Any

import msgspec

from artgrab.common.classifier_states import ClassifierState, read_classifier_state
from artgrab.common.errors import SurroundingsError
from artgrab.common.keys import category_prefix, dataset_prefix, images_prefix, model_prefix
from artgrab.common.manifest import read_snapshot_info, read_withdrawal
from artgrab.common.runs import (
    NO_CANDIDATES,
    CategoryCounts,
    RunSummary,
    counts_of,
    read_run_summaries,
)
from artgrab.common.store import Store
from artgrab.common.store.lock import holder_of
from artgrab.common.takedowns import read_takedowns
from artgrab.model.documents import read_info


class RunStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The last ended run of a category."""

    run_id: str
    reason: str
    ended_at: str
    problems: list[str]


class CategoryStatus(msgspec.Struct, frozen=True, kw_only=True):
    counts: CategoryCounts = NO_CANDIDATES
    pictures: int = 0
    """Objects; two candidates with one picture share one."""
    bytes: int = 0
    """Of pictures, records and summaries."""
    last_run: RunStatus | None = None


class SnapshotStatus(msgspec.Struct, frozen=True, kw_only=True):
    uri: str
    images: int
    withdrawn: int
    """Of the images, by takedowns."""
    splits: dict[str, int]
    labels: dict[str, int]
    dropped: dict[str, int]
    content_sha256: str


class ModelStatus(msgspec.Struct, frozen=True, kw_only=True):
    uri: str
    backbone: str
    labels: list[str]
    content_sha256: str
    metrics: dict[str, Any]
    """accuracy, left_out_accuracy and their baselines."""


class NamespaceStatus(msgspec.Struct, frozen=True, kw_only=True):
    categories: dict[str, CategoryStatus]
    classifiers: dict[str, ClassifierState]
    """Input keys of the newest snapshot and model."""
    datasets: dict[str, SnapshotStatus]
    models: dict[str, ModelStatus]


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The document of `artgrab status --output json`."""

    store: str
    held_by: str
    """Who is at work in it, empty where nobody is."""
    takedowns: int
    namespaces: dict[str, NamespaceStatus]
    problems: list[str]
    """What could not be read."""
    next: str = ""
    """A command to go on with."""


_FIGURES = (
    "accuracy",
    "baseline_accuracy",
    "left_out_accuracy",
    "left_out_baseline_accuracy",
    "left_out",
)


def read_status(store: Store) -> Status:
    """Gather what a store holds; what cannot be read is named among the problems.

    Raises:
        BadInputError: a newer artgrab wrote it.
    """
    return _Reader(store).status()


class _Reader:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._problems: list[str] = []

    def status(self) -> Status:
        held_by, takedowns = "", 0
        with self._noted():
            held_by = holder_of(self._store)
        with self._noted():
            takedowns = len(list(read_takedowns(self._store)))
        folders = self._store.folders()
        namespaces = {name: self._namespace(name) for name in folders if self._is_one(name)}
        return Status(
            store=self._store.uri,
            held_by=held_by,
            takedowns=takedowns,
            namespaces=namespaces,
            problems=self._problems,
        )

    @contextlib.contextmanager
    def _noted(self) -> Iterator[None]:
        """Go on after what cannot be read, and say so."""
        try:
            yield
        except SurroundingsError as error:
            self._problems.append(str(error))

    def _is_one(self, folder: str) -> bool:
        """Tell a namespace from what lies at the root of the store for all of them."""
        return bool({"categories", "classifiers"} & set(self._store.folders(folder)))

    def _namespace(self, namespace: str) -> NamespaceStatus:
        names = self._store.folders(f"{namespace}/categories")
        return NamespaceStatus(
            categories={name: self._category(namespace, name) for name in names},
            classifiers=self._classifiers(namespace),
            datasets=self._datasets(namespace),
            models=self._models(namespace),
        )

    def _category(self, namespace: str, name: str) -> CategoryStatus:
        counts, runs = NO_CANDIDATES, list[RunSummary]()
        with self._noted():
            counts = counts_of(self._store, namespace=namespace, category=name)
        with self._noted():
            runs = read_run_summaries(self._store, namespace=namespace, category=name)
        images = images_prefix(namespace, name)
        sizes = {one.key: one.size for one in self._store.list(category_prefix(namespace, name))}
        return CategoryStatus(
            counts=counts,
            pictures=sum(key.startswith(f"{images}/") for key in sizes),
            bytes=sum(sizes.values()),
            last_run=_last(runs),
        )

    def _classifiers(self, namespace: str) -> dict[str, ClassifierState]:
        found = {}
        for one in self._store.list(f"{namespace}/classifiers"):
            name = one.key.rpartition("/")[2].removesuffix(".json")
            with self._noted():
                found[name] = read_classifier_state(
                    self._store, namespace=namespace, classifier=name
                )
        return found

    def _datasets(self, namespace: str) -> dict[str, SnapshotStatus]:
        found = {}
        for key in self._store.folders(f"{namespace}/datasets"):
            prefix = dataset_prefix(namespace, key)
            if self._store.exists(f"{prefix}/snapshot.json"):
                with self._noted():
                    found[key] = self._snapshot(prefix)
        return found

    def _snapshot(self, prefix: str) -> SnapshotStatus:
        info = read_snapshot_info(self._store, prefix)
        return SnapshotStatus(
            uri=self._store.uri_of(prefix),
            images=info.images,
            withdrawn=len(read_withdrawal(self._store, prefix).rows),
            splits=info.splits,
            labels=info.labels,
            dropped=info.dropped,
            content_sha256=info.content_sha256,
        )

    def _models(self, namespace: str) -> dict[str, ModelStatus]:
        found = {}
        for key in self._store.folders(f"{namespace}/models"):
            prefix = model_prefix(namespace, key)
            if self._store.exists(f"{prefix}/model.json"):
                with self._noted():
                    found[key] = self._model(prefix)
        return found

    def _model(self, prefix: str) -> ModelStatus:
        info = read_info(self._store, prefix)
        return ModelStatus(
            uri=self._store.uri_of(prefix),
            backbone=info.backbone,
            labels=list(info.labels),
            content_sha256=info.content_sha256,
            metrics={name: info.metrics.get(name) for name in _FIGURES},
        )


def _last(runs: list[RunSummary]) -> RunStatus | None:
    if not runs:
        return None
    last = runs[-1]
    return RunStatus(
        run_id=last.run_id, reason=last.reason, ended_at=last.ended_at, problems=last.problems
    )
