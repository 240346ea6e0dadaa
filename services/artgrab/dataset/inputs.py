"""What goes into a snapshot: the stored pictures of all categories, and their digest."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from artgrab.common.digests import digest_of
from artgrab.common.errors import PartlyDoneError
from artgrab.common.record_parts import read_records
from artgrab.common.records import MergedRecord, RecordOutcome
from artgrab.common.resources import Curation
from artgrab.common.store import Store
from artgrab.common.takedowns import read_takedowns
from artgrab.dataset.pictures import Picture, picture_of

STAGE_VERSION = 1
"""Raised whenever equal inputs may give another snapshot."""


def read_pictures(store: Store, *, namespace: str, labels: Mapping[str, str]) -> list[Picture]:
    """Return the stored pictures of all categories, ordered by category and candidate.

    What is taken down is not among them, applied or not yet.

    Raises:
        PartlyDoneError: categories hold no stored picture; says what became of their candidates.
    """
    takedowns = read_takedowns(store)
    pictures: list[Picture] = []
    empty: list[str] = []
    for category, label in sorted(labels.items()):
        records = read_records(store, namespace=namespace, category=category)
        found = [
            picture_of(one, category=category, label=label)
            for one in records.values()
            if one.record.outcome is RecordOutcome.STORED and not takedowns.of_record(one)
        ]
        pictures += found
        if not found:
            empty.append(f"category {category} has no stored picture: {_told(records.values())}")
    if empty:
        raise PartlyDoneError("; ".join(empty))
    return pictures


def inputs_digest(
    pictures: Sequence[Picture], *, labels: Mapping[str, str], curation: Curation
) -> str:
    """Return the digest of all that decides about a snapshot except its parent."""
    return digest_of(
        {
            "stage": STAGE_VERSION,
            "labels": dict(labels),
            "curation": curation.model_dump(mode="json"),
            "pictures": [_lasting(one) for one in pictures],
        }
    )


def _lasting(picture: Picture) -> dict[str, Any]:
    record = picture.record
    return {
        "category": picture.category,
        "candidate": picture.candidate,
        "licence": picture.licence,
        "creator": picture.creator,
        "object": (record.object_key, record.object_sha256),
        "source": (record.source_sha256, record.source_width, record.source_height),
        "size": (record.width, record.height),
        "perceptual_hash": record.perceptual_hash,
    }


def _told(records: Iterable[MergedRecord]) -> str:
    counts = Counter(f"{one.record.outcome.lower()} {one.record.reason}".strip() for one in records)
    if not counts:
        return "its sources gave no candidate; check their url, selectors and queries"
    told = ", ".join(f"{number} {what}" for what, number in counts.most_common(5))
    return f"{told}; change its sources, queries or filters"
