"""What finds the traces of kills finds them: each kind is planted here."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from artgrab.common.digests import sha256_hex
from artgrab.common.records import Candidate, Record, RecordOutcome, encode_entries
from artgrab.common.store import Store
from artgrab.common.store.lock import exclusive
from tests.chaos.inventories import compare, lock_of, take
from tests.chaos.plans import Phase, plan_life

IMAGES = "default/categories/art/images"
RECORDS = "default/categories/art/records"


def record(number: int, outcome: RecordOutcome = RecordOutcome.STORED) -> Record:
    candidate = Candidate(
        candidate_id=f"{number:064x}", url=f"http://a.test/{number}", source="gallery"
    )
    return Record(
        candidate=candidate,
        outcome=outcome,
        run_id="1",
        retrieved_at="2026-01-01T00:00:00.000+00:00",
        source_sha256=f"{number:064x}",
        object_key=f"{IMAGES}/{number:064x}-e.jpg",
    )


def write(store: Store, *records: Record) -> None:
    data = encode_entries(records)
    store.put(f"{RECORDS}/1/{sha256_hex(data)}.jsonl", data)
    for one in records:
        store.put(one.object_key, b"pixels")


def filled(folder: Path) -> Store:
    store = Store.open(str(folder))
    write(store, record(1), record(2))
    store.put("default/classifiers/art.json", b"{}")
    return store


def test_two_jobs_that_nobody_disturbed_do_not_differ(tmp_path: Path) -> None:
    expected = take(filled(tmp_path / "one"))
    found = compare(take(filled(tmp_path / "two")), expected)
    assert (found.lost, found.duplicates, found.leftovers) == ([], [], [])


def test_the_file_that_locks_a_folder_is_no_difference_to_a_bucket(tmp_path: Path) -> None:
    expected = take(filled(tmp_path / "one"))
    store = filled(tmp_path / "two")
    with exclusive(store):
        pass
    assert compare(take(store), expected) == compare(expected, expected)
    assert lock_of(store) == []


def second_object(store: Store) -> None:
    store.put(f"{IMAGES}/{1:064x}-f.jpg", b"encoded otherwise")


def unknown_candidate(store: Store) -> None:
    write(store, record(3))


def staging_file(store: Store) -> None:
    Path(store.uri, "default/models").mkdir()
    Path(store.uri, "default/models/model.safetensors#1").write_bytes(b"half")


def half_a_snapshot(store: Store) -> None:
    store.put("default/datasets/1/manifest.parquet", b"")


def odd_features(store: Store) -> None:
    store.put("default/features/1/tmp", b"")


def lost_object(store: Store) -> None:
    store.delete([f"{IMAGES}/{1:064x}-e.jpg"])


@pytest.mark.parametrize(
    ("plant", "lost", "duplicates", "leftovers"),
    [
        (second_object, 0, 1, 1),
        (unknown_candidate, 0, 1, 1),
        (staging_file, 0, 0, 1),
        (half_a_snapshot, 0, 0, 1),
        (odd_features, 0, 0, 1),
        (lost_object, 1, 0, 0),
    ],
)
def test_each_trace_of_a_kill_is_found(
    tmp_path: Path, plant: Callable[[Store], None], lost: int, duplicates: int, leftovers: int
) -> None:
    expected = take(filled(tmp_path / "one"))
    store = filled(tmp_path / "two")
    plant(store)
    found = compare(take(store), expected)
    counts = (len(found.lost), len(found.duplicates), len(found.leftovers))
    assert counts == (lost, duplicates, leftovers), found


def test_records_that_are_gone_or_others_are_lost(tmp_path: Path) -> None:
    expected = take(filled(tmp_path / "one"))
    store = Store.open(str(tmp_path / "two"))
    write(store, record(1, RecordOutcome.FAILED))
    store.put("default/classifiers/art.json", b"{}")
    assert len([one for one in compare(take(store), expected).lost if "art" in one]) == 3


def test_a_seed_repeats_its_points_in_the_order_of_the_job() -> None:
    points = plan_life(random.Random(5), kills=30)
    assert points == plan_life(random.Random(5), kills=30)
    assert points != plan_life(random.Random(6), kills=30)
    assert [one.phase for one in points] == sorted(one.phase for one in points)
    assert {one.phase for one in points} == set(Phase)
