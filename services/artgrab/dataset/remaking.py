"""The papers of a snapshot, made again of what takedowns have left of it."""

from collections import Counter
from collections.abc import Iterator, Mapping

import msgspec

from artgrab.common.manifest import SnapshotInfo, left_of, read_manifest, read_snapshot_info
from artgrab.common.progress import no_progress
from artgrab.common.record_parts import read_records
from artgrab.common.records import MergedRecord, RecordOutcome
from artgrab.common.store import Store
from artgrab.common.urls import candidate_id
from artgrab.dataset.fates import read_fates
from artgrab.dataset.papers import papers_of
from artgrab.dataset.pictures import Dropped, Picture, picture_of
from artgrab.dataset.snapshot import put_files
from artgrab.dataset.tables import DroppedRow, read_dropped

_TABLES = frozenset({"dropped.parquet", "attribution.csv"})
"""Text only: what they say stays said."""

_Records = Mapping[str, Mapping[str, MergedRecord]]


def remake_papers(store: Store, namespace: str, prefix: str) -> dict[str, str]:
    """Make card and contact sheets of a snapshot again; return their SHA-256 by path.

    None where no picture is left.

    Raises:
        ObjectMissingError, ObjectCorruptError: a picture that is left is not as it was recorded.
    """
    rows = read_manifest(store, prefix)
    if not rows:
        return {}
    info = read_snapshot_info(store, prefix)
    dropped = list(_dropped(store, namespace, prefix, info))
    counts = dict(sorted(Counter(one.reason for one in dropped).items()))
    left = msgspec.structs.replace(left_of(info, rows), dropped=counts)
    name = info.classifier or "pictures"
    fates = read_fates(store, namespace=namespace, categories=info.categories)
    papers = papers_of(store, name, left, rows, dropped, progress=no_progress, fates=fates)
    return put_files(store, prefix, (one for one in papers if one[0] not in _TABLES))


def _dropped(store: Store, namespace: str, prefix: str, info: SnapshotInfo) -> Iterator[Dropped]:
    """Yield the pictures that were left out and are stored as they were then."""
    left_out = read_dropped(store, prefix)
    names = sorted({*info.categories, *(one.category for one in left_out)})
    records = {name: read_records(store, namespace=namespace, category=name) for name in names}
    for one in left_out:
        picture = _picture(records, one.category, one.url)
        if picture is not None and picture.record.object_sha256 == one.object_sha256:
            original = _original(records, one) if one.original_url else None
            yield Dropped(picture=picture, reason=one.reason, original=original)


def _original(records: _Records, one: DroppedRow) -> Picture | None:
    nearest = sorted(records, key=lambda name: (name != one.category, name))
    found = (_picture(records, name, one.original_url) for name in nearest)
    return next((picture for picture in found if picture is not None), None)


def _picture(records: _Records, category: str, url: str) -> Picture | None:
    merged = records[category].get(candidate_id(url).hex())
    if merged is None or merged.record.outcome is not RecordOutcome.STORED:
        return None
    return picture_of(merged, category=category, label="")
