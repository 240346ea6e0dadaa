"""report.html: what the model can and cannot do, in one file that needs nothing else."""

from collections.abc import Sequence
from importlib.metadata import version
from typing import NamedTuple

import cv2
import numpy as np
import simplejpeg
from markupsafe import Markup
from torch import Tensor

from artgrab.common.manifest import SPLITS, TEST, ManifestRow, SnapshotInfo
from artgrab.common.pages import Thumbnail, environment
from artgrab.common.resources import ArtClassifier
from artgrab.common.store import Store
from artgrab.common.version import VERSION
from artgrab.model.preprocess import read_pixels
from artgrab.trainer.examples import Examples, Judged, judge, pick_examples
from artgrab.trainer.limits import limits
from artgrab.trainer.metrics import Metrics
from artgrab.trainer.report_charts import (
    accuracy_chart,
    loss_chart,
    reliability_chart,
    roc_chart,
)
from artgrab.trainer.report_facts import category_figures, dataset_facts, summary

_THUMBNAIL_SIDE = 208
"""Pixels of the longer side: sharp on screens of two pixels a point, and about 8 kB each."""
_THUMBNAIL_QUALITY = 78


class Shown(NamedTuple):
    """A judged picture as the report shows it."""

    thumbnail: Thumbnail
    judged: Judged


class _Charts(NamedTuple):
    loss: Markup | None
    accuracy: Markup | None
    reliability: Markup | None
    roc: tuple[Markup, list[tuple[str, str]]] | None


def render_report(
    store: Store,
    classifier: ArtClassifier,
    snapshot: SnapshotInfo,
    metrics: Metrics,
    rows: Sequence[ManifestRow],
    probabilities: Tensor,
    *,
    model_sha256: str,
) -> str:
    """Return the report; equal input gives an equal one.

    Args:
        store: where the pictures lie.
        classifier: what was trained.
        snapshot: what it was trained on.
        metrics: all figures.
        rows: the pictures of the snapshot.
        probabilities: a row for each of them, a column for each label.
        model_sha256: content digest of the model.

    Raises:
        ObjectMissingError, ObjectCorruptError: a picture is not there or not the recorded one.
    """
    categories = category_figures(metrics, rows)
    examples = pick_examples(judge(probabilities, rows, metrics.labels), metrics.labels)
    return (
        environment("artgrab.trainer")
        .get_template("report.html.j2")
        .render(
            name=classifier.metadata.name,
            spec=classifier.spec,
            snapshot=snapshot,
            metrics=metrics,
            summary=summary(metrics, snapshot),
            mistakes=_mistakes(metrics),
            limits=limits(metrics, categories),
            categories=categories,
            charts=_charts(metrics, rows, probabilities),
            examples=_shown(store, examples),
            dataset=dataset_facts(rows, metrics.labels),
            splits=SPLITS,
            model_sha256=model_sha256,
            versions={"artgrab": VERSION, **{name: version(name) for name in ("torch", "timm")}},
        )
    )


def _mistakes(metrics: Metrics) -> int:
    rows = metrics.test.confusion if metrics.test else []
    return sum(sum(row) - row[truth] for truth, row in enumerate(rows))


def _charts(metrics: Metrics, rows: Sequence[ManifestRow], probabilities: Tensor) -> _Charts:
    history, details = metrics.history, metrics.details
    asked = np.array([row.split == TEST for row in rows], np.bool_)
    target = np.array([metrics.labels.index(row.label) for row in rows], np.int64)
    if details is None:
        reliability = roc = None
    else:
        reliability = reliability_chart(details.reliability, classes=len(metrics.labels))
        roc = roc_chart(probabilities.numpy()[asked], target[asked], metrics.labels)
    return _Charts(
        loss=loss_chart(history) if history else None,
        accuracy=accuracy_chart(history) if history else None,
        reliability=reliability,
        roc=roc,
    )


def _shown(store: Store, examples: Examples) -> dict[str, list[Shown]]:
    return {
        name: [Shown(_thumbnail(store, one.row), one) for one in judged]
        for name, judged in examples._asdict().items()
    }


def _thumbnail(store: Store, row: ManifestRow) -> Thumbnail:
    pixels = read_pixels(store.get_verified(row.object_key, row.object_sha256))
    scale = min(1, _THUMBNAIL_SIDE / max(pixels.shape[:2]))
    height, width = (max(1, round(side * scale)) for side in pixels.shape[:2])
    small = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    data: bytes = simplejpeg.encode_jpeg(small, quality=_THUMBNAIL_QUALITY)
    return Thumbnail(row.source_sha256, data, width, height)
