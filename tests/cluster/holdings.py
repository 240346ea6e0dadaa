"""What a store holds of a category, looked at picture by picture."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from artgrab.common.digests import sha256_hex
from artgrab.common.keys import category_prefix, images_prefix, records_prefix, runs_prefix
from artgrab.common.record_parts import read_records
from artgrab.common.records import MergedRecord, RecordOutcome
from artgrab.common.store import Store


@dataclass(frozen=True)
class Holding:
    """All that a store has of one category."""

    records: Mapping[str, MergedRecord]
    """By candidate_id; one for each, however many lines there were."""
    pictures: Mapping[str, str]
    """Digest of each object below images/ by its key."""
    parts: list[str]
    """Keys below records/."""
    runs: list[str]
    """Keys of the summaries of ended runs."""

    @property
    def sources(self) -> dict[str, str]:
        """Digest of the bytes that a site sent, by candidate, of what is stored."""
        return {
            key: merged.record.source_sha256
            for key, merged in self.records.items()
            if merged.record.outcome is RecordOutcome.STORED
        }

    @property
    def outcomes(self) -> dict[str, int]:
        return dict(Counter(str(merged.record.outcome) for merged in self.records.values()))


def look(store: Store, *, namespace: str, category: str) -> Holding:
    """Read all records and pictures of a category."""
    images = [info.key for info in store.list(images_prefix(namespace, category))]
    return Holding(
        records=read_records(store, namespace=namespace, category=category),
        pictures={key: sha256_hex(store.get(key)) for key in images},
        parts=[info.key for info in store.list(records_prefix(namespace, category))],
        runs=[info.key for info in store.list(runs_prefix(namespace, category))],
    )


def recorded(store: Store, *, namespace: str, category: str) -> int:
    """Count the candidates with a final record so far."""
    return len(read_records(store, namespace=namespace, category=category))


def keys_of(store: Store, *, namespace: str, category: str) -> list[str]:
    """Return every key of a category."""
    return [info.key for info in store.list(category_prefix(namespace, category))]


def faults(held: Holding, published: Mapping[str, str]) -> list[str]:
    """Say in what a finished category is not what its sites publish; empty where all is well.

    Args:
        held: what the store has.
        published: digest of each picture's bytes by the id of its URL.
    """
    return [
        *_unlike(held.sources, published),
        *(f"{key}: no site publishes it" for key in held.records.keys() - published.keys()),
        *_pictures_unlike_records(held),
        *_leftovers(held),
    ]


def _unlike(sources: Mapping[str, str], published: Mapping[str, str]) -> list[str]:
    return [
        f"{key}: {sources.get(key, 'nothing')} is stored, {digest} published"
        for key, digest in published.items()
        if sources.get(key) != digest
    ]


def _pictures_unlike_records(held: Holding) -> list[str]:
    named = {
        merged.record.object_key: merged.record.object_sha256
        for merged in held.records.values()
        if merged.record.outcome is RecordOutcome.STORED
    }
    wrong = [key for key, digest in named.items() if held.pictures.get(key) != digest]
    orphans = [key for key in held.pictures if key not in named]
    sources = Counter(key.rpartition("-")[0] for key in held.pictures)
    return [
        *(f"{key}: missing, or not what its record says" for key in wrong),
        *(f"{key}: no record names it" for key in orphans),
        *(f"{name}: stored {count} times" for name, count in sources.items() if count > 1),
    ]


def _leftovers(held: Holding) -> list[str]:
    """An ended run has one summary, and one index in place of all parts."""
    whole = len(held.parts) == 1
    return [] if whole else [f"records are in {len(held.parts)} objects: {sorted(held.parts)[:4]}"]
