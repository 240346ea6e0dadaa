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


def require_train_and_test(
    rows: Sequence[ManifestRow], dropped: Sequence[Dropped], labels: Mapping[str, str]
) -> None:
    """Check that each class can be learned and judged.

    Raises:
        PartlyDoneError: a class has no picture in train or in test; says why and what to add.
    """
    missing = [
        _shortage(label, splits, rows, dropped, labels)
        for label in sorted(set(labels.values()))
        if (splits := _empty_splits(label, rows))
    ]
    if missing:
        raise PartlyDoneError("; ".join(missing))


def _empty_splits(label: str, rows: Sequence[ManifestRow]) -> list[str]:
    filled = {row.split for row in rows if row.label == label}
    return [split for split in (TRAIN, TEST) if split not in filled]


def _shortage(
    label: str,
    splits: Sequence[str],
    rows: Sequence[ManifestRow],
    dropped: Sequence[Dropped],
    labels: Mapping[str, str],
) -> str:
    kept = [row for row in rows if row.label == label]
    origins = len({row.group for row in kept})
    reasons = _counts(one.reason for one in dropped if one.picture.label == label)
    lost = "".join(f", {number} are dropped as {reason}" for reason, number in reasons.items())
    categories = ", ".join(sorted(name for name, one in labels.items() if one == label))
    return (
        f"class {label} has no picture in {' and none in '.join(splits)}: {len(kept)} are kept, "
        f"from {origins} sites or creators that are not split{lost}; add sources or queries to "
        f"{categories}"
    )


def _counts(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))
