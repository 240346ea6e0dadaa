"""What one machine remembers where a cluster has a resource's status."""

from collections import Counter
from typing import TypeVar

import msgspec

from artgrab.common.digests import short_digest
from artgrab.common.errors import ObjectMissingError, SurroundingsError
from artgrab.common.keys import SCHEMA_VERSION, check_schema_version, classifier_key, run_key
from artgrab.common.record_parts import read_records
from artgrab.common.records import RecordOutcome
from artgrab.common.resources import ArtCategory
from artgrab.common.store import Store


class CategoryCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Candidates of a category by what became of them."""

    candidates: int
    stored: int
    rejected: int
    failed: int


class RunSummary(msgspec.Struct, frozen=True, kw_only=True):
    """Says that a run has ended, and how; a category with one starts no new run of that id."""

    run_id: str
    reason: str
    """TargetReached or SourcesExhausted."""
    counts: CategoryCounts
    problems: list[str] = []
    """Of sources that could not be gone through to their end."""
    schema_version: int = SCHEMA_VERSION


class ClassifierState(msgspec.Struct, frozen=True, kw_only=True):
    """The newest snapshot and model of a classifier, by input key."""

    dataset: str = ""
    model: str = ""
    schema_version: int = SCHEMA_VERSION


T = TypeVar("T", RunSummary, ClassifierState)


def run_id_of(category: ArtCategory) -> str:
    """Return the digest of what a run depends on: the same after a restart."""
    spec = category.spec.model_dump(mode="json")
    return short_digest({"spec": spec, "queries": category.queries})


def count_records(store: Store, category: ArtCategory) -> CategoryCounts:
    """Count a category's candidates from its merged records."""
    name, namespace = category.metadata.name, category.metadata.namespace
    merged = read_records(store, namespace=namespace, category=name)
    outcomes = Counter(one.record.outcome for one in merged.values())
    return CategoryCounts(
        candidates=len(merged),
        stored=outcomes[RecordOutcome.STORED],
        rejected=outcomes[RecordOutcome.REJECTED],
        failed=outcomes[RecordOutcome.FAILED],
    )


def read_run_summary(store: Store, category: ArtCategory) -> RunSummary | None:
    """Return the summary of the category's current run, None while it has not ended."""
    key = run_key(category.metadata.namespace, category.metadata.name, run_id_of(category))
    return _read(store, key, RunSummary)


def write_run_summary(store: Store, category: ArtCategory, summary: RunSummary) -> None:
    """Mark the category's run as ended."""
    key = run_key(category.metadata.namespace, category.metadata.name, summary.run_id)
    store.put(key, msgspec.json.encode(summary))


def read_classifier_state(store: Store, *, namespace: str, classifier: str) -> ClassifierState:
    """Return a classifier's state; an empty one where it has none yet."""
    return _read(store, classifier_key(namespace, classifier), ClassifierState) or ClassifierState()


def update_classifier_state(
    store: Store, *, namespace: str, classifier: str, **newest: str
) -> None:
    """Remember a classifier's newest `dataset`, `model` or both; what is not named stays."""
    before = read_classifier_state(store, namespace=namespace, classifier=classifier)
    after = msgspec.structs.replace(before, **newest)
    if after != before:
        store.put(classifier_key(namespace, classifier), msgspec.json.encode(after))


def _read(store: Store, key: str, kind: type[T]) -> T | None:
    try:
        document = msgspec.json.decode(store.get(key), type=kind)
    except ObjectMissingError:
        return None
    except msgspec.MsgspecError as error:
        raise SurroundingsError(f"{store.uri_of(key)} cannot be read: {error}") from error
    check_schema_version(document.schema_version, where=store.uri_of(key))
    return document
