"""Records in the store: durable before acknowledged, and never lost to a kill or a race."""

import asyncio
import contextlib
import io
from collections.abc import Callable
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from artgrab.common.digests import sha256_hex
from artgrab.common.errors import BadInputError, ObjectCorruptError, SurroundingsError
from artgrab.common.keys import SCHEMA_VERSION, records_prefix
from artgrab.common.outcomes import count_outcomes
from artgrab.common.record_parts import (
    RecordWriter,
    check_records_object,
    compact,
    read_records,
    rewrite,
)
from artgrab.common.records import (
    Candidate,
    Entry,
    MergedRecord,
    Record,
    RecordOutcome,
    Sighting,
    encode_entries,
)
from artgrab.common.store import Store
from artgrab.downloader.recollections import recall
from tests.support.failing_store import DyingStore, GatedStore, KilledError

PREFIX = records_prefix("default", "cats")


def record(number: int, *, outcome: RecordOutcome = RecordOutcome.STORED) -> Record:
    candidate = Candidate(
        candidate_id=f"{number:064x}", url=f"http://a.test/{number}", source="gallery"
    )
    return Record(candidate=candidate, outcome=outcome, run_id="run-1", retrieved_at="2026-01-01")


def sighting(number: int, query: str) -> Sighting:
    candidate = record(number).candidate
    return Sighting(candidate=Candidate(candidate_id=candidate.candidate_id, url=candidate.url,
                                        source="gallery", query=query))  # fmt: skip


def writer(store: Store, **options: float) -> RecordWriter:
    return RecordWriter(store, namespace="default", category="cats", run_id="run-1", **options)  # type: ignore[arg-type]  # any options of a writer


def read(store: Store) -> dict[str, object]:
    return dict(read_records(store, namespace="default", category="cats"))


def compacted(store: Store) -> bool:
    return compact(store, namespace="default", category="cats")


async def write(store: Store, entries: list[Entry], *, group: int = 2) -> None:
    """Write entries as several parts."""
    writing = writer(store, max_entries=group)
    await asyncio.gather(*map(writing.append, entries), return_exceptions=False)
    await writing.close()


def keys(store: Store) -> list[str]:
    return [info.key for info in store.list(PREFIX)]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(str(tmp_path))


ENTRIES: list[Entry] = [*map(record, range(5)), sighting(2, "dogs"), sighting(3, "birds")]


async def test_an_entry_is_there_when_append_returns(store: Store) -> None:
    await writer(store, max_delay=0.01).append(record(1))
    assert list(read(store)) == [record(1).candidate.candidate_id]


async def test_append_does_not_return_before_the_store_has_the_entry(tmp_path: Path) -> None:
    store = GatedStore.open(str(tmp_path))
    appending = asyncio.create_task(writer(store, max_entries=1).append(record(1)))
    await store.asked.wait()
    assert not appending.done()
    assert not read(store)
    store.gate.set()
    await appending
    assert read(store)


async def test_entries_that_come_together_become_one_part(store: Store) -> None:
    writing = writer(store, max_entries=100, max_delay=0.01)
    await asyncio.gather(*(writing.append(record(number)) for number in range(50)))
    assert len(keys(store)) == 1
    assert len(read(store)) == 50


async def test_a_full_group_does_not_wait_for_its_time(store: Store) -> None:
    writing = writer(store, max_entries=3, max_delay=3600)
    await asyncio.gather(*(writing.append(record(number)) for number in range(3)))
    assert len(keys(store)) == 1


async def test_close_writes_what_waits(store: Store) -> None:
    writing = writer(store, max_delay=3600)
    appending = asyncio.create_task(writing.append(record(1)))
    await asyncio.sleep(0)
    await writing.close()
    await appending
    assert len(read(store)) == 1


async def test_who_is_cancelled_while_closing_leaves_no_entry_in_doubt(tmp_path: Path) -> None:
    store = GatedStore.open(str(tmp_path))
    writing = writer(store, max_delay=3600)
    appending = asyncio.create_task(writing.append(record(1)))
    await asyncio.sleep(0)
    closing = asyncio.create_task(writing.close())
    await store.asked.wait()
    closing.cancel()
    await asyncio.wait([closing])
    store.gate.set()
    async with asyncio.timeout(30):
        await appending
    assert len(read(store)) == 1


async def test_a_failing_store_fails_every_append_of_the_group_and_no_later_one(
    tmp_path: Path,
) -> None:
    store = GatedStore.open(str(tmp_path))
    store.gate.set()
    store.failing = True
    writing = writer(store, max_entries=2)
    results = await asyncio.gather(
        writing.append(record(1)), writing.append(record(2)), return_exceptions=True
    )
    assert all(isinstance(result, SurroundingsError) for result in results)
    store.failing = False
    await asyncio.gather(writing.append(record(1)), writing.append(record(2)))
    assert len(read(store)) == 2


async def test_an_entry_that_is_no_text_keeps_nobody_waiting_for_ever(store: Store) -> None:
    odd = msgspec.structs.replace(record(2), final_url="\ud800")
    writing = writer(store, max_entries=2)
    async with asyncio.timeout(30):
        results = await asyncio.gather(
            writing.append(record(1)), writing.append(odd), return_exceptions=True
        )
    assert all(isinstance(result, UnicodeEncodeError) for result in results)


async def test_an_append_given_up_takes_no_other_with_it(store: Store) -> None:
    writing = writer(store, max_entries=2, max_delay=3600)
    given_up = asyncio.create_task(writing.append(record(1)))
    await asyncio.sleep(0)
    given_up.cancel()
    await asyncio.sleep(0)
    await writing.append(record(2))
    assert len(read(store)) == 2


async def test_compaction_changes_nothing_for_readers(store: Store) -> None:
    await write(store, ENTRIES)
    before = read(store)
    assert compacted(store)
    assert read(store) == before
    assert [key.rpartition("/")[2] for key in keys(store)] == ["index-1.parquet"]


async def test_a_later_compaction_takes_the_index_and_new_parts(store: Store) -> None:
    await write(store, ENTRIES)
    compacted(store)
    await write(store, [record(7), sighting(1, "late"), record(8)], group=1)
    before = read(store)
    assert compacted(store)
    assert read(store) == before
    assert len(before) == 7
    assert [key.rpartition("/")[2] for key in keys(store)] == ["index-2.parquet"]


async def test_nothing_to_compact_writes_no_index(store: Store) -> None:
    assert not compacted(store)
    await write(store, ENTRIES[:1])
    assert not compacted(store)


@pytest.mark.parametrize("calls", range(12))
async def test_a_compaction_killed_anywhere_loses_nothing(tmp_path: Path, calls: int) -> None:
    store = Store.open(str(tmp_path))
    await write(store, ENTRIES)
    compacted(store)
    await write(store, [record(7), record(8), sighting(0, "late")], group=1)
    before = read(store)
    try:
        compacted(DyingStore(tmp_path, calls=calls))
    except KilledError:
        assert read(store) == before
    await write(store, [record(9), record(10)], group=1)
    assert compacted(store)
    after = read(store)
    assert after.keys() - before.keys() == {f"{9:064x}", f"{10:064x}"}
    assert {key: after[key] for key in before} == before


@pytest.mark.parametrize("calls", range(12))
async def test_what_a_killed_compaction_leaves_goes_with_the_next_although_nothing_is_new(
    tmp_path: Path, calls: int
) -> None:
    store = Store.open(str(tmp_path))
    await write(store, ENTRIES)
    compacted(store)
    await write(store, [record(7), record(8)], group=1)
    before = read(store)
    with contextlib.suppress(KilledError):
        compacted(DyingStore(tmp_path, calls=calls))
    compacted(store)
    assert [key.rpartition("/")[2] for key in keys(store)] == ["index-2.parquet"]
    assert read(store) == before


class InterruptedStore(Store):
    """Runs something once, between a listing and the reading of what was listed."""

    def __init__(self, store: Store, interruption: Callable[[], object]) -> None:
        super().__init__(store._backend, uri=store.uri)
        self._interruption: Callable[[], object] | None = interruption

    def get(self, key: str) -> bytes:
        if self._interruption is not None:
            interruption, self._interruption = self._interruption, None
            interruption()
        return super().get(key)


async def test_a_reader_that_races_a_compaction_sees_all_records(store: Store) -> None:
    await write(store, ENTRIES)
    before = read(store)
    assert read(InterruptedStore(store, lambda: compacted(store))) == before


async def test_two_compactions_at_once_lose_nothing(store: Store) -> None:
    await write(store, ENTRIES)
    before = read(store)
    compacted(InterruptedStore(store, lambda: compacted(store)))
    assert read(store) == before


async def test_a_part_that_was_changed_is_told_by_its_name(store: Store) -> None:
    await write(store, ENTRIES[:1])
    (key,) = keys(store)
    store.put(key, encode_entries([record(2)]))
    with pytest.raises(ObjectCorruptError, match="digest"):
        read(store)


@pytest.mark.parametrize("line", [b"no JSON", b"[" * 100_000, b'{"type": "\xff"}'])
@pytest.mark.parametrize("reader", [read_records, recall, count_outcomes])
def test_a_part_that_holds_no_records_is_told_whoever_reads_it(
    store: Store, reader: Callable[..., object], line: bytes
) -> None:
    store.put(f"{PREFIX}/run-1/{sha256_hex(line)}.jsonl", line)
    with pytest.raises(ObjectCorruptError):
        reader(store, namespace="default", category="cats")


def _parquet_of_others() -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table({"entries": pa.array([b""], pa.binary())}), sink)
    return sink.getvalue()


@pytest.mark.parametrize("data", [b"PAR1 not parquet", _parquet_of_others()])
async def test_an_index_that_is_damaged_is_told_by_its_name(store: Store, data: bytes) -> None:
    await write(store, ENTRIES)
    compacted(store)
    store.put(f"{PREFIX}/index-1.parquet", data)
    with pytest.raises(ObjectCorruptError, match=r"index-1\.parquet"):
        read(store)


async def test_records_of_a_newer_artgrab_are_refused_and_left_alone(store: Store) -> None:
    await write(store, [msgspec.structs.replace(record(1), schema_version=SCHEMA_VERSION + 1)])
    await write(store, [record(2)])
    before = keys(store)
    with pytest.raises(BadInputError, match="newer artgrab"):
        compacted(store)
    assert keys(store) == before


def rejected(merged: MergedRecord) -> Record:
    """Reject the pictures 1 and 3, whatever they were."""
    if merged.record.candidate.candidate_id not in (f"{1:064x}", f"{3:064x}"):
        return merged.record
    return msgspec.structs.replace(merged.record, outcome=RecordOutcome.REJECTED)


def rewritten(store: Store) -> int:
    return rewrite(store, namespace="default", category="cats", change=rejected)


async def test_what_is_rewritten_stays_so_whatever_is_compacted_later(store: Store) -> None:
    await write(store, ENTRIES)
    before = read_records(store, namespace="default", category="cats")
    assert rewritten(store) == 2
    expected = {key: MergedRecord(rejected(one), one.sightings) for key, one in before.items()}
    assert read(store) == expected
    assert rewritten(store) == 0
    await write(store, [record(7), record(8)], group=1)
    compacted(store)
    after = read(store)
    assert {key: after[key] for key in expected} == expected
    assert len(after) == len(expected) + 2
    assert len(keys(store)) == 1


@pytest.mark.parametrize("calls", range(8))
async def test_a_rewriting_killed_anywhere_and_repeated_ends_the_same(
    tmp_path: Path, calls: int
) -> None:
    store = Store.open(str(tmp_path))
    await write(store, ENTRIES)
    compacted(store)
    await write(store, [record(7), record(8), sighting(0, "late")], group=1)
    before = read_records(store, namespace="default", category="cats")
    with contextlib.suppress(KilledError):
        rewritten(DyingStore(tmp_path, calls=calls))
    rewritten(store)
    assert read(store) == {
        key: MergedRecord(rejected(one), one.sightings) for key, one in before.items()
    }
    assert [key.rpartition("/")[2] for key in keys(store)] == ["index-2.parquet"]


async def test_a_rewriting_that_races_a_compaction_takes_all_records(store: Store) -> None:
    await write(store, ENTRIES)
    assert rewritten(InterruptedStore(store, lambda: compacted(store))) == 2
    assert len(read(store)) == 5


async def test_no_bit_of_an_index_flips_unnoticed_where_it_changes_what_is_read(
    store: Store,
) -> None:
    await write(store, ENTRIES)
    compacted(store)
    key = f"{PREFIX}/index-1.parquet"
    whole, before = store.get(key), read(store)
    noticed = 0
    for place in range(4, len(whole), max(1, len(whole) // 150)):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 8
        store.put(key, bytes(damaged))
        try:
            assert read(store) == before, f"byte {place} of {len(whole)}"
        except ObjectCorruptError:
            noticed += 1
        with pytest.raises(ObjectCorruptError):
            check_records_object(store, key)
    assert noticed > 50
    store.put(key, whole)
    check_records_object(store, key)
