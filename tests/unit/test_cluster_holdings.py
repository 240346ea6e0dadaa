"""What compares a store with what its sites publish finds each fault: one is planted at a time."""

from collections.abc import Callable
from pathlib import Path

import pytest

from artgrab.common.record_parts import compact
from artgrab.common.records import Record, RecordOutcome
from artgrab.common.store import Store
from tests.cluster.holdings import faults, keys_of, look, recorded
from tests.support.stored import candidate, not_stored, put_entries, put_picture

CATEGORY = "art"
URLS = ("http://a.test/1.png", "http://b.test/2.png")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(str(tmp_path))


@pytest.fixture
def records(store: Store) -> list[Record]:
    """Two pictures and their records, compacted as at the end of a run."""
    found = [put_picture(store, CATEGORY, url) for url in URLS]
    assert compact(store, namespace="default", category=CATEGORY)
    return found


def _faults(store: Store, records: list[Record]) -> list[str]:
    published = {one.candidate.candidate_id: one.source_sha256 for one in records}
    return faults(look(store, namespace="default", category=CATEGORY), published)


def test_a_store_that_is_as_it_should_be_has_no_fault(store: Store, records: list[Record]) -> None:
    assert _faults(store, records) == []
    assert recorded(store, namespace="default", category=CATEGORY) == 2
    assert len(keys_of(store, namespace="default", category=CATEGORY)) == 3


def _lose_a_picture(store: Store, record: Record) -> None:
    store.delete([record.object_key])


def _change_a_picture(store: Store, record: Record) -> None:
    store.put(record.object_key, b"other pixels")


def _leave_a_picture_without_record(store: Store, record: Record) -> None:
    store.put(record.object_key.replace(record.source_sha256, "0" * 64), b"pixels")


def _store_a_picture_twice(store: Store, record: Record) -> None:
    store.put(record.object_key.replace("-", "-other"), b"pixels")


def _record_what_no_site_has(store: Store, record: Record) -> None:
    foreign = candidate("http://c.test/3.png")
    put_entries(store, CATEGORY, [not_stored(foreign, RecordOutcome.FAILED, "time-out")])


def _leave_a_part(store: Store, record: Record) -> None:
    put_entries(store, CATEGORY, [record])


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (_lose_a_picture, "missing, or not what its record says"),
        (_change_a_picture, "missing, or not what its record says"),
        (_leave_a_picture_without_record, "no record names it"),
        (_store_a_picture_twice, "stored 2 times"),
        (_record_what_no_site_has, "no site publishes it"),
        (_leave_a_part, "records are in 2 objects"),
    ],
)
def test_each_fault_is_told(
    store: Store, records: list[Record], harm: Callable[[Store, Record], None], told: str
) -> None:
    harm(store, records[0])
    assert any(told in line for line in _faults(store, records))


def test_a_picture_that_was_not_stored_is_told(store: Store, records: list[Record]) -> None:
    held = look(store, namespace="default", category=CATEGORY)
    published = dict(held.sources) | {"f" * 64: "0" * 64}
    assert faults(held, published) == [f"{'f' * 64}: nothing is stored, {'0' * 64} published"]
    assert held.outcomes == {"STORED": 2}
