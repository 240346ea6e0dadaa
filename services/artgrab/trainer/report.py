"""report.html: what the model can and cannot do, in one file that needs nothing else."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import simplejpeg
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from artgrab.common.manifest import SnapshotInfo
from artgrab.common.resources import ArtClassifier
from artgrab.common.store import Store
from artgrab.model.preprocess import read_pixels
from artgrab.trainer.metrics import Metrics, Mistake

_THUMBNAIL_SIDE = 144
"""Pixels of the longer side."""
_THUMBNAIL_QUALITY = 80


class CategoryFigures(NamedTuple):
    """Accuracies of one category, each none where there is none."""

    name: str
    pictures: int
    test: float | None
    left_out: float | None
    baseline: float | None
    omitted: str


class Thumbnail(NamedTuple):
    """A picture that got a wrong answer, as the report shows it."""

    source: str
    """data: URI."""
    answer: str
    probability: float
    category: str
    title: str
    link: str


def render_report(
    store: Store,
    classifier: ArtClassifier,
    snapshot: SnapshotInfo,
    metrics: Metrics,
    mistakes: Sequence[Mistake],
    *,
    model_sha256: str,
) -> str:
    """Return the report; equal input gives an equal one.

    Raises:
        ObjectMissingError, ObjectCorruptError: a picture is not there or not the recorded one.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2").render(
        name=classifier.metadata.name,
        backbone=classifier.spec.model.backbone,
        snapshot=snapshot,
        metrics=metrics,
        model_sha256=model_sha256,
        categories=list(_figures(metrics, snapshot.categories)),
        mistakes=[_thumbnail(store, mistake) for mistake in mistakes],
    )


def _figures(metrics: Metrics, pictures: Mapping[str, int]) -> Iterator[CategoryFigures]:
    test = metrics.test.per_category if metrics.test else {}
    for name in sorted({*metrics.left_out, *metrics.left_out_omitted}):
        yield CategoryFigures(
            name=name,
            pictures=pictures.get(name, 0),
            test=test.get(name),
            left_out=metrics.left_out.get(name),
            baseline=metrics.left_out_baseline.get(name),
            omitted=metrics.left_out_omitted.get(name, ""),
        )


def _thumbnail(store: Store, mistake: Mistake) -> Thumbnail:
    row = mistake.row
    stored = store.get_verified(row.object_key, row.object_sha256)
    return Thumbnail(
        source="data:image/jpeg;base64," + base64.b64encode(_shrunk(stored)).decode(),
        answer=mistake.answer,
        probability=mistake.probability,
        category=row.category,
        title=row.title,
        link=row.page_url if row.page_url.startswith(("https://", "http://")) else "",
    )


def _shrunk(stored: bytes) -> bytes:
    pixels = read_pixels(stored)
    scale = min(1, _THUMBNAIL_SIDE / max(pixels.shape[:2]))
    height, width = (max(1, round(side * scale)) for side in pixels.shape[:2])
    small = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    data: bytes = simplejpeg.encode_jpeg(small, quality=_THUMBNAIL_QUALITY)
    return data
