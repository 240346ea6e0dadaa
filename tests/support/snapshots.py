"""A store with a snapshot of drawn pictures: flat shapes are `art`, soft patches are `not-art`."""

from collections import Counter
from collections.abc import Callable, Sequence

import msgspec
import numpy as np
from PIL import Image, ImageDraw

from artgrab.common.keys import dataset_prefix, image_key
from artgrab.common.manifest import (
    SPLITS,
    ManifestRow,
    SnapshotInfo,
    content_digest,
    encode_manifest,
)
from artgrab.common.resources import ArtClassifier
from artgrab.common.store import Store
from artgrab.images import process_picture
from tests.support.drawn import drawn, encoded

NAMESPACE = "default"
SNAPSHOT = dataset_prefix(NAMESPACE, "snapshot")
CATEGORIES = {"circles": "art", "bars": "art", "hills": "not-art", "clouds": "not-art"}
"""Category to label."""


def classifier(**model: object) -> ArtClassifier:
    """Return an art classifier; `model` are fields of its ModelSpec, small and quick by default."""
    classes = [
        {"label": label, "categorySelector": {"matchLabels": {"artgrab.dev/set": label}}}
        for label in ("art", "not-art")
    ]
    spec = {"classes": classes, "model": {"imageSize": 64, **model}}
    return ArtClassifier.model_validate(
        {
            "apiVersion": "artgrab.dev/v1alpha1",
            "kind": "ArtClassifier",
            "metadata": {"name": "art-or-not"},
            "spec": spec,
        }
    )


def picture(category: str, number: int) -> bytes:
    """Return a picture of a category, another one for each number."""
    random = np.random.default_rng(number)
    if CATEGORIES[category] == "not-art":
        width, height = (200, 150) if category == "hills" else (150, 200)
        return encoded(drawn(number, width=width, height=height))
    image = Image.new("RGB", (160, 160), "white")
    draw = ImageDraw.Draw(image)
    for _ in range(6):
        left, top = (int(n) for n in random.integers(20, 90, 2))
        colour = tuple(int(n) for n in random.integers(0, 256, 3))
        shape = draw.ellipse if category == "circles" else draw.rectangle
        shape((left, top, left + 40, top + 40), fill=colour, outline="black", width=3)
    return encoded(image, "PNG")


def put_snapshot(
    store: Store,
    *,
    each: int = 20,
    categories: Sequence[str] = tuple(CATEGORIES),
    paint: Callable[[str, int], bytes] = picture,
) -> list[ManifestRow]:
    """Store pictures and their snapshot; of ten pictures seven are to train, one to validate."""
    rows = [_put(store, name, n, paint(name, n)) for name in categories for n in range(each)]
    put_manifest(store, rows)
    return rows


def put_manifest(store: Store, rows: Sequence[ManifestRow]) -> None:
    """Store the snapshot of these pictures."""
    store.put(f"{SNAPSHOT}/manifest.parquet", encode_manifest(rows))
    info = SnapshotInfo(
        input_key="snapshot",
        inputs_sha256="",
        content_sha256=content_digest(rows),
        parent="",
        images=len(rows),
        splits={split: sum(row.split == split for row in rows) for split in SPLITS},
        labels=dict(Counter(row.label for row in rows)),
        categories=dict(Counter(row.category for row in rows)),
        dropped={},
    )
    store.put(f"{SNAPSHOT}/snapshot.json", msgspec.json.encode(info))


def _put(store: Store, category: str, number: int, raw: bytes) -> ManifestRow:
    kept = process_picture(raw)
    key = image_key(NAMESPACE, category, kept.source_sha256, kept.encoding)
    store.put_if_absent(key, kept.object_bytes)
    return ManifestRow(
        object_key=key,
        object_sha256=kept.object_sha256,
        source_sha256=kept.source_sha256,
        label=CATEGORIES[category],
        category=category,
        split="train" if number % 10 < 7 else "validation" if number % 10 == 7 else "test",
        group=f"{category}-{number}",
        perceptual_hash=kept.perceptual_hash,
        width=kept.width,
        height=kept.height,
        url=f"http://img.test/{category}/{number}",
        page_url=f"http://www.test/{category}/{number}",
        source="gallery",
        query=category,
        rank=number,
        title=f"{category} {number}",
        creator="",
        licence_code="",
        licence_url="",
        licence_evidence="",
        retrieved_at="2026-11-01T00:00:00Z",
    )
