"""One training from start to end."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import msgspec
import numpy as np
from torch import nn

from artgrab.common.digests import sha256_hex
from artgrab.common.errors import BadInputError, ObjectMissingError
from artgrab.common.keys import model_prefix
from artgrab.common.manifest import TEST, TRAIN, VALIDATION, ManifestRow, SnapshotInfo
from artgrab.common.progress import Progress, ProgressSink
from artgrab.common.resources import ArtClassifier
from artgrab.common.store import Store
from artgrab.model.backbone import BackboneInput, backbone_input, pretrained_backbone, use_threads
from artgrab.model.documents import (
    CONFIG,
    MARKER,
    MODEL_VERSION,
    WEIGHTS,
    ModelConfig,
    ModelInfo,
    content_digest,
    encode_config,
    read_info,
)
from artgrab.model.folder import encode_tensors
from artgrab.model.weights import WeightsChoice
from artgrab.trainer.curves import AnswerDetails, details_of
from artgrab.trainer.evaluate import (
    GroundFlips,
    Table,
    count_flips,
    leave_each_category_out,
    score,
)
from artgrab.trainer.extractors import BASELINE_VERSION, backbone_features, simple_features
from artgrab.trainer.features import (
    Compute,
    Features,
    Share,
    StoredPicture,
    cached_features,
    features_prefix,
    fill_cache,
)
from artgrab.trainer.grounds import (
    GROUNDS_VERSION,
    PROBE,
    RANDOMISED,
    Change,
    stands_on_white,
)
from artgrab.trainer.head import Head
from artgrab.trainer.history import Recorder, Step
from artgrab.trainer.metrics import Metrics
from artgrab.trainer.report import render_report

METRICS, REPORT = "metrics.json", "report.html"


@dataclass(frozen=True, kw_only=True)
class Job:
    """What one training is asked to do."""

    store: Store
    namespace: str
    classifier: ArtClassifier
    snapshot: SnapshotInfo
    rows: Sequence[ManifestRow]
    weights: WeightsChoice
    key: str
    progress: ProgressSink
    threads: int
    check: Callable[[], None] = lambda: None
    """Called before anything of the model is stored; raises where it may not be any more."""

    @property
    def name(self) -> str:
        return self.classifier.metadata.name


class _Backbone(NamedTuple):
    """The frozen part, and what it wants to see."""

    model: nn.Module
    vision: BackboneInput


class _Asked(NamedTuple):
    """Features that a training asks for."""

    rows: Sequence[ManifestRow]
    compute: Compute
    made_of: Mapping[str, object]
    """All that decides what comes out, but the pictures."""
    item: str

    @property
    def pictures(self) -> list[StoredPicture]:
        return [StoredPicture(row.object_key, row.object_sha256) for row in self.rows]


def run_job(job: Job) -> ModelInfo:
    """Train, evaluate and store; the model's own document is written last.

    Raises:
        BadInputError: an unknown backbone, or a class without pictures.
        ObjectMissingError, ObjectCorruptError: the snapshot is not what its document says.
    """
    use_threads(1)  # of each of job.threads threads
    rows, labels = _read_rows(job)
    backbone = _backbone(job)
    table = _table(rows, labels, _features(job, _deep(job, rows, backbone)))._replace(
        counterfactuals=_features(job, _deep(job, rows, backbone, change=RANDOMISED))
    )
    plain = _table(rows, labels, _features(job, _plain(rows)))
    validation = _chosen(table, rows, VALIDATION)
    recorder = Recorder(validation, progress=job.progress, item=job.name)
    head = _chosen(table, rows, TRAIN).fit(watch=recorder)
    recorder.finish()
    flips = _ground_flips(job, head, table, rows, backbone)
    metrics = _evaluate(job, head, table, plain, rows, flips, recorder.steps)
    content = {
        WEIGHTS: _encode_weights(backbone.model, head),
        CONFIG: encode_config(_config(job, backbone.vision)),
    }
    report = render_report(
        job.store,
        job.classifier,
        job.snapshot,
        metrics,
        rows,
        head.probabilities(table.features),
        model_sha256=content_digest(_digests(content)),
    )
    job.check()
    return _save(job, metrics, {**content, REPORT: report.encode()})


def share_job(job: Job, share: Share) -> None:
    """Put a share of the features that run_job asks for into the cache, and do nothing else.

    Raises:
        BadInputError, ObjectMissingError, ObjectCorruptError: as run_job.
    """
    use_threads(1)
    rows, _ = _read_rows(job)
    for asked in _all_asked(job, rows):
        fill_cache(
            job.store,
            asked.pictures,
            asked.compute,
            prefix=_cache(job, asked),
            threads=job.threads,
            progress=job.progress,
            item=f"{job.name}, {asked.item}",
            share=share,
        )


def _all_asked(job: Job, rows: Sequence[ManifestRow]) -> Iterator[_Asked]:
    backbone = _backbone(job)
    yield _deep(job, rows, backbone)
    yield _deep(job, rows, backbone, change=RANDOMISED)
    yield _plain(rows)
    yield _deep(job, [row for row in rows if row.split == TEST], backbone, change=PROBE)


def _read_rows(job: Job) -> tuple[list[ManifestRow], tuple[str, ...]]:
    """Return the pictures in an order that hangs on nothing but them, and the labels."""
    labels = tuple(one.label for one in job.classifier.spec.classes)
    learned = {row.label for row in job.rows if row.split == TRAIN}
    for label in labels:
        if label not in learned:
            raise BadInputError(f"{job.name}: no picture to learn {label} from; add categories")
    known = [row for row in job.rows if row.label in labels]
    return sorted(known, key=lambda row: (row.object_sha256, row.source_sha256)), labels


def _backbone(job: Job) -> _Backbone:
    model = job.classifier.spec.model
    vision = backbone_input(model.backbone, image_size=model.image_size)
    frozen = pretrained_backbone(
        model.backbone,
        image_size=vision.image_size,
        weights=job.weights,
        seed=job.classifier.spec.training.seed,
    )
    return _Backbone(frozen, vision)


def _deep(
    job: Job, rows: Sequence[ManifestRow], backbone: _Backbone, *, change: Change | None = None
) -> _Asked:
    """Ask for features of pictures as they are, or on other grounds."""
    made_of: dict[str, object] = {
        "backbone": job.classifier.spec.model.backbone,
        "image_size": backbone.vision.image_size,
        "weights": job.weights.sha256
        or f"{job.weights.source} {job.classifier.spec.training.seed}",
        "version": MODEL_VERSION,
    }
    if change:
        made_of |= {"grounds": change.name, "grounds_version": GROUNDS_VERSION}
    compute = backbone_features(backbone.model, backbone.vision, change=change)
    return _Asked(rows, compute, made_of, f"{change.name} grounds" if change else "backbone")


def _plain(rows: Sequence[ManifestRow]) -> _Asked:
    made_of = {"baseline": BASELINE_VERSION, "version": MODEL_VERSION}
    return _Asked(rows, simple_features, made_of, "baseline")


def _features(job: Job, asked: _Asked) -> Features:
    return cached_features(
        job.store,
        asked.pictures,
        asked.compute,
        prefix=_cache(job, asked),
        threads=job.threads,
        progress=job.progress,
        item=f"{job.name}, {asked.item}",
    )


def _cache(job: Job, asked: _Asked) -> str:
    return features_prefix(job.namespace, asked.made_of)


def _table(rows: Sequence[ManifestRow], labels: tuple[str, ...], features: Features) -> Table:
    classes = np.array([labels.index(row.label) for row in rows], np.int64)
    return Table(features, classes, [row.category for row in rows], labels)


def _chosen(table: Table, rows: Sequence[ManifestRow], split: str) -> Table:
    return table.where(np.array([row.split == split for row in rows]))


def _ground_flips(
    job: Job, head: Head, table: Table, rows: Sequence[ManifestRow], backbone: _Backbone
) -> GroundFlips | None:
    asked = [row for row in rows if row.split == TEST]
    if not asked:
        return None
    stored = (job.store.get_verified(row.object_key, row.object_sha256) for row in asked)
    return count_flips(
        head,
        _chosen(table, rows, TEST).features,
        _features(job, _deep(job, asked, backbone, change=PROBE)),
        np.array([stands_on_white(one) for one in stored]),
    )


def _evaluate(
    job: Job,
    head: Head,
    table: Table,
    plain: Table,
    rows: Sequence[ManifestRow],
    flips: GroundFlips | None,
    history: Sequence[Step],
) -> Metrics:
    left_out, left_out_plain = (
        leave_each_category_out(one, told=partial(_tell, job, name))
        for one, name in ((table, "backbone"), (plain, "baseline"))
    )
    test, plain_head = _chosen(table, rows, TEST), _chosen(plain, rows, TRAIN).fit()
    judged = len(test.classes) > 0
    return Metrics.of(
        test=score(head, test) if judged else None,
        details=_details(head, test) if judged else None,
        baseline=score(plain_head, _chosen(plain, rows, TEST)) if judged else None,
        left_out=left_out,
        left_out_baseline=left_out_plain,
        ground_flips=flips,
        labels=table.labels,
        weights=job.weights,
        history=history,
    )


def _details(head: Head, test: Table) -> AnswerDetails:
    return details_of(head.probabilities(test.features).numpy(), test.classes, test.labels)


def _tell(job: Job, name: str, done: int, total: int) -> None:
    job.progress(
        Progress(
            stage="evaluate",
            item=f"{job.name}, {name}",
            done=done,
            total=total,
            unit="categories left out",
            finished=done == total,
        )
    )


def _encode_weights(backbone: nn.Module, head: Head) -> bytes:
    tensors = {f"backbone.{name}": tensor for name, tensor in backbone.state_dict().items()}
    tensors |= {"head.weight": head.weight.float(), "head.bias": head.bias.float()}
    return encode_tensors(tensors)


def _save(job: Job, metrics: Metrics, files: Mapping[str, bytes]) -> ModelInfo:
    prefix = model_prefix(job.namespace, job.key)
    with suppress(ObjectMissingError):
        # Completed meanwhile, perhaps for a classifier of another name, which its report tells.
        return read_info(job.store, prefix)
    figures = msgspec.json.format(msgspec.json.encode(metrics), indent=2)
    files = {**files, METRICS: figures}
    for name, data in files.items():
        # Replaced where a killed run left it: without the document below it belongs to no model.
        job.store.put(f"{prefix}/{name}", data)
    digests = _digests(files)
    info = ModelInfo(
        input_key=job.key,
        content_sha256=content_digest(digests),
        files=digests,
        backbone=job.classifier.spec.model.backbone,
        labels=metrics.labels,
        dataset_sha256=job.snapshot.content_sha256,
        metrics=msgspec.json.decode(figures),
    )
    job.store.put_if_absent(f"{prefix}/{MARKER}", msgspec.json.encode(info))
    return info


def _digests(files: Mapping[str, bytes]) -> dict[str, str]:
    return {name: sha256_hex(data) for name, data in files.items()}


def _config(job: Job, vision: BackboneInput) -> ModelConfig:
    return ModelConfig(
        backbone=job.classifier.spec.model.backbone,
        labels=tuple(one.label for one in job.classifier.spec.classes),
        image_size=vision.image_size,
        mean=vision.mean,
        std=vision.std,
        weights=job.weights.source,
    )
