"""Verification finds every flipped bit, everything missing and everything foreign; mending and the
next run make it whole."""

import json
from collections.abc import Callable

import pytest

from artgrab.common.digests import sha256_hex
from artgrab.common.errors import BadInputError
from artgrab.common.manifest import read_manifest
from artgrab.common.progress import Progress, no_progress
from artgrab.common.records import RecordOutcome, encode_entries
from artgrab.common.store import Store
from artgrab.dataset import Snapshot
from artgrab.dataset.mending import OBJECT_LOST, Mended, mend
from artgrab.dataset.remaking import remake_papers
from artgrab.dataset.verification.types import Flaw, Kind, Problem, VerifyReport
from artgrab.dataset.verify import verify_snapshot, verify_store
from artgrab.takedowns.applying import apply_takedowns
from artgrab.takedowns.targets import recognise
from artgrab.takedowns.tombstones import put_tombstone
from tests.support.playing_hosts import PlayingHosts
from tests.support.withdrawing import (
    COPY,
    MODEL,
    URL,
    build,
    collect,
    put_hosts,
    put_model,
    record_of,
)


async def fill(store: Store, hosts: PlayingHosts) -> tuple[Snapshot, dict[str, list[str]]]:
    urls = put_hosts(hosts)
    await collect(store, hosts, urls)
    snapshot = build(store)
    put_model(store, snapshot)
    store.put("default/categories/graffiti/runs/r.json", b'{"run_id": "r"}')
    store.put("default/classifiers/art-or-not.json", json.dumps({"dataset": snapshot.key}).encode())
    return snapshot, urls


def verified(store: Store) -> VerifyReport:
    return verify_store(store, progress=no_progress)


def problems(store: Store) -> list[tuple[str, Kind, Flaw]]:
    return [(one.key, one.kind, one.flaw) for one in verified(store).problems]


def mended(store: Store) -> Mended:
    def forget(namespace: str, key: str, *, parent: str) -> None:
        state = json.dumps({"dataset": parent}).encode()
        store.put(f"{namespace}/classifiers/art-or-not.json", state)

    return mend(store, verified(store), forget=forget)


def flipped(store: Store, key: str) -> str:
    data = bytearray(store.get(key))
    data[len(data) // 2] ^= 1
    store.put(key, bytes(data))
    return key


def only(store: Store, prefix: str, end: str = "") -> str:
    return next(info.key for info in store.list(prefix) if info.key.endswith(end))


CORRUPTIONS: dict[str, tuple[Kind, Callable[[Store, Snapshot], str]]] = {
    "picture": (Kind.PICTURE, lambda store, _: record_of(store, URL).object_key),
    "index": (Kind.RECORDS, lambda store, _: only(store, "default/categories/tools/records")),
    "manifest": (Kind.DATASET, lambda _, snapshot: f"{snapshot.prefix}/manifest.parquet"),
    "groups": (Kind.DATASET, lambda _, snapshot: f"{snapshot.prefix}/groups.parquet"),
    "left out": (Kind.DATASET, lambda _, snapshot: f"{snapshot.prefix}/dropped.parquet"),
    "credits": (Kind.DATASET, lambda _, snapshot: f"{snapshot.prefix}/attribution.csv"),
    "sheet": (Kind.DATASET, lambda _, snapshot: f"{snapshot.prefix}/sheets/tools.jpg"),
    "card": (Kind.DATASET, lambda _, snapshot: f"{snapshot.prefix}/card.html"),
    "report": (Kind.MODEL, lambda *_: f"{MODEL}/report.html"),
    "config": (Kind.MODEL, lambda *_: f"{MODEL}/config.json"),
    "features": (Kind.FEATURES, lambda store, _: only(store, "default/features")),
}


async def test_a_whole_store_has_no_problem_and_everything_is_read(
    store: Store, hosts: PlayingHosts
) -> None:
    await fill(store, hosts)
    told: list[Progress] = []

    def tell(progress: Progress) -> None:
        told.append(progress)

    report = verify_store(store, progress=tell)
    assert report.problems == []
    assert report.unfinished == []
    keys = [info.key for info in store.list("default")]
    assert report.counts[Kind.PICTURE].objects == sum("/images/" in key for key in keys)
    assert sum(one.objects for one in report.counts.values()) == len(keys)
    assert told[-1].finished
    assert told[-1].done == told[-1].total == told[0].total == len(keys)


async def test_a_flipped_bit_is_found_wherever_it_is_and_mended(
    store: Store, hosts: PlayingHosts
) -> None:
    snapshot, urls = await fill(store, hosts)
    before = {info.key: store.get(info.key) for info in store.list("default")}
    rows = read_manifest(store, snapshot.prefix)
    for name, (kind, where) in CORRUPTIONS.items():
        key = flipped(store, where(store, snapshot))
        found = problems(store)
        assert (key, kind, Flaw.CORRUPT) in found, name
        assert {one[0] for one in found} <= {key, f"{snapshot.prefix}/snapshot.json"}, name
        assert mended(store).left == [], name
        await collect(store, hosts, urls)
        if not store.exists(f"{MODEL}/model.json"):
            put_model(store, snapshot)
        assert build(store).key == snapshot.key
        assert read_manifest(store, snapshot.prefix) == rows or kind is Kind.RECORDS
        assert problems(store) == [], name
        store.delete([info.key for info in store.list("default")])
        for old, data in before.items():
            store.put(old, data)


async def test_what_is_missing_is_found_and_fetched_again(
    store: Store, hosts: PlayingHosts
) -> None:
    snapshot, urls = await fill(store, hosts)
    record = record_of(store, URL)
    store.delete([record.object_key, f"{snapshot.prefix}/card.md"])
    assert problems(store) == [
        (record.object_key, Kind.PICTURE, Flaw.MISSING),
        (f"{snapshot.prefix}/card.md", Kind.DATASET, Flaw.MISSING),
    ]
    left = mended(store).left
    assert [one.key for one in left] == [f"{snapshot.prefix}/card.md"], "a picture of it is missing"
    assert record_of(store, URL).reason == OBJECT_LOST
    assert not store.exists("default/categories/graffiti/runs/r.json")
    assert (record.object_key, Kind.PICTURE, Flaw.MISSING) in problems(store), "until it is fetched"
    await collect(store, hosts, urls)
    assert record_of(store, URL).outcome is RecordOutcome.STORED
    assert mended(store).left == []
    assert problems(store) == []


async def test_a_picture_that_nobody_offers_any_more_is_taken_out_of_old_snapshots(
    store: Store, hosts: PlayingHosts
) -> None:
    snapshot, urls = await fill(store, hosts)
    store.delete([record_of(store, URL).object_key])
    mended(store)
    hosts.put(URL, status=404)
    await collect(store, hosts, urls)
    assert record_of(store, URL).reason == "http-404"
    assert mended(store).left == []
    assert URL not in {row.url for row in read_manifest(store, snapshot.prefix)}
    assert problems(store) == []


async def test_what_no_document_names_is_found_and_left_alone(
    store: Store, hosts: PlayingHosts
) -> None:
    snapshot, _ = await fill(store, hosts)
    planted = {
        "default/categories/graffiti/images/holiday.jpg",
        "default/categories/graffiti/notes/a.txt",
        "default/categories/graffiti/records/a.txt",
        f"{snapshot.prefix}/sheets/other.jpg",
        f"{MODEL}/pickle.bin",
        "default/features/some/a.bin",
        "default/odd/a.txt",
        "elsewhere/a.txt",
        "takedowns/a.txt",
    }
    for key in planted:
        store.put(key, b"planted")
    assert {key for key, _, flaw in problems(store) if flaw is Flaw.FOREIGN} == planted
    assert {one.key for one in mended(store).left} == planted
    assert all(map(store.exists, planted))


async def test_what_is_withdrawn_is_known_and_told_where_it_is_still_there(
    store: Store, hosts: PlayingHosts
) -> None:
    await fill(store, hosts)
    record = record_of(store, URL)
    data = store.get(record.object_key)
    put_tombstone(store, recognise(URL))
    assert problems(store) == [(record.object_key, Kind.PICTURE, Flaw.PRESENT)]
    apply_takedowns(store, remake=remake_papers)
    report = verified(store)
    assert report.problems == []
    assert report.counts[Kind.PICTURE].withdrawn == report.counts[Kind.DATASET].withdrawn == 1
    store.put(record.object_key, data)
    assert problems(store) == [(record.object_key, Kind.PICTURE, Flaw.PRESENT)]
    apply_takedowns(store, remake=remake_papers)
    assert problems(store) == []


async def test_a_half_applied_takedown_is_told(store: Store, hosts: PlayingHosts) -> None:
    snapshot, _ = await fill(store, hosts)
    put_tombstone(store, recognise(COPY))

    def never(store: Store, namespace: str, prefix: str) -> dict[str, str]:
        raise KeyError

    with pytest.raises(KeyError):
        apply_takedowns(store, remake=never)
    assert (f"{snapshot.prefix}/withdrawn.json", Kind.DATASET, Flaw.PRESENT) in problems(store)
    apply_takedowns(store, remake=remake_papers)
    assert problems(store) == []


async def test_what_a_killed_build_left_is_no_problem(store: Store, hosts: PlayingHosts) -> None:
    snapshot, _ = await fill(store, hosts)
    store.delete([f"{snapshot.prefix}/snapshot.json", f"{MODEL}/model.json"])
    report = verified(store)
    assert report.problems == []
    assert report.unfinished == [snapshot.prefix, MODEL]


async def test_pictures_of_forgotten_records_wait_for_the_next_run_and_are_not_called_foreign(
    store: Store, hosts: PlayingHosts
) -> None:
    await fill(store, hosts)
    flipped(store, only(store, "default/categories/graffiti/records", ".parquet"))
    assert mended(store).left == []
    report = verified(store)
    assert [one for one in report.problems if one.flaw is Flaw.FOREIGN] == []
    assert report.unfinished == ["default/categories/graffiti"]


async def test_a_damaged_part_of_records_is_told_by_its_key(
    store: Store, hosts: PlayingHosts
) -> None:
    await fill(store, hosts)
    part = encode_entries([record_of(store, URL)])
    key = f"default/categories/graffiti/records/run-2/{sha256_hex(part)}.jsonl"
    store.put(key, part)
    assert problems(store) == []
    flipped(store, key)
    assert problems(store) == [(key, Kind.RECORDS, Flaw.CORRUPT)]
    assert [one.key for one in mended(store).mended] == [key]
    assert problems(store) == []


async def test_one_dataset_is_verified_by_its_key(store: Store, hosts: PlayingHosts) -> None:
    snapshot, _ = await fill(store, hosts)
    flipped(store, f"{MODEL}/report.html")
    report = verify_snapshot(store, snapshot.key[:8], progress=no_progress)
    assert report.problems == []
    assert report.counts[Kind.PICTURE].objects == snapshot.info.images
    row = read_manifest(store, snapshot.prefix)[0]
    flipped(store, row.object_key)
    (problem,) = verify_snapshot(store, snapshot.key, progress=no_progress).problems
    assert problem == Problem(
        key=row.object_key,
        kind=Kind.PICTURE,
        flaw=Flaw.CORRUPT,
        detail="not the recorded digest",
        place=snapshot.prefix,
    )
    for wanted in ("feedbeef", "", "../x", "Z"):
        with pytest.raises(BadInputError, match="no dataset"):
            verify_snapshot(store, wanted, progress=no_progress)
