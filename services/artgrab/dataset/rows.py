"""Rows of the manifest and what is counted over them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from artgrab.common.errors import PartlyDoneError
from artgrab.common.manifest import (
    SPLITS,
    TEST,
    TRAIN,
    ManifestRow,
    SnapshotInfo,
    content_digest,
)
from artgrab.dataset.pictures import Dropped
from artgrab.dataset.splits import Placed


def row_of(placed: Placed) -> ManifestRow:
    """Return a placed picture as a row of the manifest."""
    picture, record = placed.picture, placed.picture.record
    return ManifestRow(
        object_key=record.object_key,
        object_sha256=record.object_sha256,
        source_sha256=record.source_sha256,
        label=picture.label,
        category=picture.category,
        split=placed.split,
        group=placed.group,
        perceptual_hash=record.perceptual_hash,
        width=record.width,
        height=record.height,
        url=picture.candidate.url,
        page_url=picture.candidate.page_url,
        source=picture.candidate.source,
        query=picture.candidate.query,
        rank=picture.candidate.rank,
        title=picture.candidate.title,
        creator=picture.creator,
        licence_code=picture.licence.code,
        licence_url=picture.licence.url,
        licence_evidence=picture.licence.evidence,
        retrieved_at=record.retrieved_at,
    )


def info_of(
    rows: Sequence[ManifestRow],
    dropped: Sequence[Dropped],
    *,
    input_key: str,
    inputs_sha256: str,
    parent: str | None,
) -> SnapshotInfo:
    """Return the document that completes a snapshot of these rows."""
    return SnapshotInfo(
        input_key=input_key,
        inputs_sha256=inputs_sha256,
        content_sha256=content_digest(rows),
        parent=parent or "",
        images=len(rows),
        splits={split: sum(row.split == split for row in rows) for split in SPLITS},
        labels=_counts(row.label for row in rows),
        categories=_counts(row.category for row in rows),
        dropped=_counts(one.reason for one in dropped),
    )


def require_train_and_test(rows: Sequence[ManifestRow], labels: Mapping[str, str]) -> None:
    """Check that each class can be learned and judged.

    Raises:
        PartlyDoneError: a class has no picture in train or in test; says what to add.
    """
    missing = [
        f"class {label} has no picture in {split}: its pictures come from "
        f"{len({row.group for row in rows if row.label == label})} sites or creators; add sources "
        f"or queries to {', '.join(sorted(c for c, one in labels.items() if one == label))}"
        for label in sorted(set(labels.values()))
        for split in (TRAIN, TEST)
        if not any(row.label == label and row.split == split for row in rows)
    ]
    if missing:
        raise PartlyDoneError("; ".join(missing))


def _counts(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))
