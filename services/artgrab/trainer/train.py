"""The stage: a snapshot and a classifier's spec in, a complete model folder out."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from artgrab.common.digests import digest_of
from artgrab.common.errors import ObjectMissingError, SurroundingsError
from artgrab.common.keys import model_prefix
from artgrab.common.manifest import ManifestRow, SnapshotInfo, left_of, read_snapshot_info
from artgrab.common.progress import ProgressSink
from artgrab.common.resources import ArtClassifier
from artgrab.common.store import Store
from artgrab.model.documents import MARKER, MODEL_VERSION, ModelInfo, read_info
from artgrab.model.weights import WeightsChoice, choose_weights
from artgrab.trainer.lasting import lasting_rows

if TYPE_CHECKING:
    from artgrab.trainer.features import Share
    from artgrab.trainer.job import Job

STAGE_VERSION = 2
"""To be raised with any change that alters what is learned from the same snapshot and spec."""

_MOST_THREADS = 2
"""Of the default; a machine with more cores has other work for them."""


@dataclass(frozen=True, kw_only=True)
class TrainedModel:
    """A complete model of the store."""

    key: str
    """input_key: names what went in."""
    prefix: str
    uri: str
    content_sha256: str
    """Names what came out."""
    backbone: str
    metrics: Mapping[str, object]
    """accuracy, left_out_accuracy, left_out_baseline_accuracy, left_out and more (metrics.json)."""
    trained: bool
    """Whether this call did it; else it was there already."""


def train(
    store: Store,
    *,
    namespace: str,
    classifier: ArtClassifier,
    snapshot_prefix: str,
    progress: ProgressSink,
    threads: int | None = None,
) -> TrainedModel:
    """Train a classifier on a snapshot, unless that was done before.

    A call that was killed at any moment is simply made again: what it computed of single pictures
    is kept, and the result is the same. What is taken down is not learned from; where that is
    decided in the middle, the call begins anew.

    Args:
        store: where snapshot, cache and model lie.
        namespace: of the classifier.
        classifier: what to train.
        snapshot_prefix: where the snapshot lies, such as `default/datasets/<key>`.
        progress: told about the stages features, train and evaluate.
        threads: to compute with, of no effect on the result; at most 2 where not given.

    Raises:
        BadInputError: an unknown backbone, or a class without pictures.
        ObjectMissingError, ObjectCorruptError: the snapshot is not what its document says.
        SurroundingsError: the store failed.
    """
    read = partial(_read_inputs, store, namespace, classifier, snapshot_prefix)
    while True:
        inputs = read()
        prefix = model_prefix(namespace, inputs.key)
        try:
            return _result(store, prefix, read_info(store, prefix), trained=False)
        except ObjectMissingError:
            pass
        # Loads torch, which takes seconds: only where it is needed.
        from artgrab.trainer.job import run_job

        job = _job(store, namespace, classifier, inputs, progress, threads)
        job = replace(job, check=partial(_check_unchanged, read, inputs.key))
        try:
            return _result(store, prefix, run_job(job), trained=True)
        except _InputsChangedError:
            continue


def share_training(
    store: Store,
    *,
    namespace: str,
    classifier: ArtClassifier,
    snapshot_prefix: str,
    progress: ProgressSink,
    share: "Share",
    threads: int | None = None,
) -> None:
    """Compute a share of what train() would compute of single pictures, and keep it for it.

    Arguments and errors are those of train; does nothing where the model is there already.
    """
    inputs = _read_inputs(store, namespace, classifier, snapshot_prefix)
    if store.exists(f"{model_prefix(namespace, inputs.key)}/{MARKER}"):
        return
    from artgrab.trainer.job import share_job

    share_job(_job(store, namespace, classifier, inputs, progress, threads), share)


def is_trained(
    store: Store, *, namespace: str, classifier: ArtClassifier, snapshot_prefix: str
) -> bool:
    """Tell whether train() would find the model there already; changes nothing.

    Raises:
        ObjectMissingError, ObjectCorruptError: the snapshot is not what its document says.
    """
    key = _read_inputs(store, namespace, classifier, snapshot_prefix).key
    return store.exists(f"{model_prefix(namespace, key)}/{MARKER}")


class _InputsChangedError(SurroundingsError):
    """A takedown came: something else is to be learned."""


class _Inputs(NamedTuple):
    snapshot: SnapshotInfo
    rows: Sequence[ManifestRow]
    weights: WeightsChoice
    key: str


def _read_inputs(
    store: Store, namespace: str, classifier: ArtClassifier, snapshot_prefix: str
) -> _Inputs:
    snapshot = read_snapshot_info(store, snapshot_prefix)
    model = classifier.spec.model
    weights = choose_weights(model.backbone, wanted=model.weights)
    rows = lasting_rows(store, namespace=namespace, snapshot_prefix=snapshot_prefix)
    snapshot = left_of(snapshot, rows)
    return _Inputs(snapshot, rows, weights, input_key(snapshot, rows, classifier, weights))


def threads_of(wanted: int | None) -> int:
    """Return how many threads to compute with: as many as wanted, or as seem right here."""
    return wanted or min(_MOST_THREADS, os.cpu_count() or 1)


def _check_unchanged(read: Callable[[], _Inputs], key: str) -> None:
    if read().key != key:
        raise _InputsChangedError("pictures were taken down meanwhile; train again")


def _job(
    store: Store,
    namespace: str,
    classifier: ArtClassifier,
    inputs: _Inputs,
    progress: ProgressSink,
    threads: int | None,
) -> "Job":
    from artgrab.trainer.job import Job

    return Job(
        store=store,
        namespace=namespace,
        classifier=classifier,
        snapshot=inputs.snapshot,
        rows=inputs.rows,
        weights=inputs.weights,
        key=inputs.key,
        progress=progress,
        threads=threads_of(threads),
    )


def input_key(
    snapshot: SnapshotInfo,
    rows: Sequence[ManifestRow],
    classifier: ArtClassifier,
    weights: WeightsChoice,
) -> str:
    """Return the digest of all that decides what is learned."""
    categories = sorted((row.source_sha256, row.category) for row in rows)
    return digest_of(
        {
            "snapshot": snapshot.content_sha256,
            "categories": digest_of(categories),  # they weigh in and are no part of the content
            "model": classifier.spec.model.model_dump(mode="json"),
            "training": classifier.spec.training.inputs(),
            "weights": weights.sha256,
            "model_version": MODEL_VERSION,
            "stage_version": STAGE_VERSION,
        }
    )


def _result(store: Store, prefix: str, info: ModelInfo, *, trained: bool) -> TrainedModel:
    return TrainedModel(
        key=info.input_key,
        prefix=prefix,
        uri=store.uri_of(prefix),
        content_sha256=info.content_sha256,
        backbone=info.backbone,
        metrics=info.metrics,
        trained=trained,
    )
