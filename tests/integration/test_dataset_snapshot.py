"""The dataset stage: what is built, when nothing is, and what a kill leaves."""

import contextlib
import csv
import io
from collections.abc import Callable, Mapping

import msgspec
import pyarrow.parquet as pq
import pytest
from PIL import Image

from artgrab.common.digests import sha256_hex
from artgrab.common.errors import ObjectCorruptError, ObjectMissingError, PartlyDoneError
from artgrab.common.manifest import read_manifest
from artgrab.common.progress import Progress, no_progress
from artgrab.common.records import Licence, Record, RecordOutcome, Sighting
from artgrab.common.resources import API_VERSION, ArtClassifier
from artgrab.common.store import Store
from artgrab.dataset import Snapshot, build_snapshot
from artgrab.dataset.assignments import encode_sides
from tests.support.stored import (
    NAMESPACE,
    candidate,
    drawing,
    not_stored,
    put_entries,
    put_picture,
)

LABELS = {"graffiti": "art", "murals": "art", "tools": "not-art"}
SITES = 12


def classifier(**curation: object) -> ArtClassifier:
    def one(label: str) -> dict[str, object]:
        return {"label": label, "categorySelector": {"matchLabels": {"set": label}}}

    document = {
        "apiVersion": API_VERSION,
        "kind": "ArtClassifier",
        "metadata": {"name": "art-or-not"},
        "spec": {"classes": [one("art"), one("not-art")], "curation": curation},
    }
    return ArtClassifier.model_validate(document)


def fill(store: Store) -> dict[str, Record]:
    """Store a picture on each of some sites for every category."""
    records = {}
    for category in LABELS:
        for site in range(SITES):
            url = f"http://img.{category}-{site}.test/1.jpg"
            records[url] = put_picture(store, category, url, title="A <b>title</b>")
    return records


def build(
    store: Store, *, parent: str | None = None, labels: Mapping[str, str] = LABELS
) -> Snapshot:
    return build_snapshot(
        store,
        namespace=NAMESPACE,
        classifier=classifier(),
        labels=labels,
        parent=parent,
        progress=no_progress,
    )


def contents(store: Store, prefix: str) -> dict[str, bytes]:
    return {one.key: store.get(one.key) for one in store.list(prefix)}


def test_a_snapshot_holds_every_picture_with_all_that_is_known_of_it(store: Store) -> None:
    records = fill(store)
    snapshot = build(store)
    rows = read_manifest(store, snapshot.prefix)
    assert snapshot.created
    assert {row.url for row in rows} == set(records)
    assert sum(snapshot.info.splits.values()) == snapshot.info.images == len(records)
    assert snapshot.info.labels == {"art": 2 * SITES, "not-art": SITES}
    for row in rows:
        record = records[row.url]
        assert (row.object_key, row.object_sha256) == (record.object_key, record.object_sha256)
        assert store.get_verified(row.object_key, row.object_sha256)
        assert row.label == LABELS[row.category]
        assert row.title == "A <b>title</b>"
        assert row.group == "site:" + row.url.removeprefix("http://img.").partition("/")[0]


def test_the_papers_of_a_snapshot_are_all_there(store: Store) -> None:
    fill(store)
    put_picture(
        store, "murals", "http://again.test/1", data=drawing("http://img.murals-0.test/1.jpg")
    )
    snapshot = build(store)
    found = contents(store, snapshot.prefix)
    names = {key.removeprefix(f"{snapshot.prefix}/") for key in found}
    assert names == {
        "manifest.parquet",
        "groups.parquet",
        "dropped.parquet",
        "attribution.csv",
        "card.md",
        "card.html",
        "snapshot.json",
        "sheets/dropped/murals.jpg",
        *(f"sheets/{category}.jpg" for category in LABELS),
    }
    for key, data in found.items():
        if key.endswith(".jpg"):
            Image.open(io.BytesIO(data)).verify()
    left_out = pq.read_table(io.BytesIO(found[f"{snapshot.prefix}/dropped.parquet"])).to_pylist()
    assert [one["reason"] for one in left_out] == ["exact-duplicate"]
    assert snapshot.info.dropped == {"exact-duplicate": 1}
    credits_ = csv.DictReader(io.StringIO(found[f"{snapshot.prefix}/attribution.csv"].decode()))
    assert len(list(credits_)) == snapshot.info.images


def test_the_card_tells_what_became_of_all_that_was_found_and_changes_no_digest(
    store: Store,
) -> None:
    fill(store)
    quiet = build(store)
    store.delete([one.key for one in store.list(quiet.prefix)])
    small = [
        not_stored(candidate(f"http://small.test/{n}"), RecordOutcome.REJECTED, "too-small")
        for n in range(5)
    ]
    put_entries(store, "tools", small)
    snapshot = build(store)
    assert snapshot.created
    assert (snapshot.key, snapshot.info.content_sha256) == (quiet.key, quiet.info.content_sha256)
    card = store.get(f"{snapshot.prefix}/card.html").decode()
    assert "small.test/0" in card
    assert f"kept of {len(LABELS) * SITES + 5}" in card


def test_a_second_build_does_no_work(store: Store) -> None:
    fill(store)
    first = build(store)
    second = build(store)
    assert (second.key, second.info, second.created) == (first.key, first.info, False)
    third = build(store, parent=first.key)
    assert (third.key, third.created) == (first.key, False)


def test_times_and_runs_make_no_other_snapshot(store: Store) -> None:
    records = fill(store)
    first = build(store)
    url, record = next(iter(records.items()))
    again = msgspec.structs.replace(
        record, retrieved_at="2026-12-24T00:00:00Z", run_id="run-2", headers={"age": "1"}
    )
    put_entries(store, "graffiti", [again], run_id="run-2")
    put_entries(
        store,
        "graffiti",
        [not_stored(candidate("http://x.test/"), RecordOutcome.FAILED, "timeout")],
    )
    assert url.startswith("http://img.graffiti")
    assert build(store).key == first.key


def test_a_licence_that_another_sighting_tells_is_taken_and_makes_another_snapshot(
    store: Store,
) -> None:
    records = fill(store)
    first = build(store)
    url = next(iter(records))
    seen = candidate(url, rank=7, source="mediawiki", licence=Licence("CC0-1.0", "", "api"))
    put_entries(store, "graffiti", [Sighting(candidate=seen)])
    second = build(store)
    assert second.key != first.key
    row = next(row for row in read_manifest(store, second.prefix) if row.url == url)
    assert (row.licence_code, row.licence_evidence, row.source) == ("CC0-1.0", "api", "gallery")


def test_a_grown_dataset_keeps_every_side_of_its_parent(store: Store) -> None:
    fill(store)
    first = build(store)
    for category in LABELS:
        for site in range(0, 2 * SITES, 2):
            put_picture(store, category, f"http://img.{category}-{site}.test/2.jpg")
    second = build(store, parent=first.key)
    assert second.info.parent == first.key
    sides = {row.url: row.split for row in read_manifest(store, second.prefix)}
    for row in read_manifest(store, first.prefix):
        assert sides[row.url] == row.split
        sibling = row.url.replace("1.jpg", "2.jpg")
        assert sides.get(sibling, row.split) == row.split
    assert second.info.images > first.info.images


class KilledError(Exception):
    pass


class MortalStore(Store):
    """Dies before its n-th put."""

    puts_left = 0

    def put(self, key: str, data: bytes) -> None:
        self._live()
        super().put(key, data)

    def put_if_absent(self, key: str, data: bytes) -> bool:
        self._live()
        return super().put_if_absent(key, data)

    def _live(self) -> None:
        if self.puts_left == 0:
            raise KilledError
        self.puts_left -= 1


def test_a_build_killed_before_any_put_ends_in_the_same_snapshot(
    store_uris: Callable[[str], str],
) -> None:
    whole = Store.open(store_uris("whole"))
    fill(whole)
    expected = contents(whole, build(whole).prefix)
    for puts in range(len(expected)):
        store = MortalStore.open(store_uris(f"killed-{puts}"))
        store.puts_left = 1000
        fill(store)
        store.puts_left = puts
        with pytest.raises(KilledError):
            build(store)
        assert not any(one.key.endswith("snapshot.json") for one in store.list(NAMESPACE))
        store.puts_left = 1000
        snapshot = build(store)
        assert snapshot.created
        assert contents(store, snapshot.prefix) == expected


def test_an_empty_category_is_named_with_what_became_of_its_candidates(store: Store) -> None:
    fill(store)
    failed = [
        not_stored(candidate(f"http://x.test/{n}"), RecordOutcome.REJECTED, "too-small")
        for n in range(3)
    ]
    put_entries(store, "stamps", failed)
    labels = {**LABELS, "stamps": "art", "nothing": "art"}
    with pytest.raises(PartlyDoneError) as caught:
        build(store, labels=labels)
    assert "category nothing has no stored picture: its sources gave no cand" in str(caught.value)
    assert "category stamps has no stored picture: 3 rejected too-small" in str(caught.value)
    assert not list(store.list(f"{NAMESPACE}/datasets"))


def test_a_class_that_cannot_be_judged_is_told_before_anything_is_written(store: Store) -> None:
    for category in LABELS:
        put_picture(store, category, f"http://{category}.test/1")
    with pytest.raises(PartlyDoneError, match=r"class not-art has no picture in \w+: .* to tools"):
        build(store)
    assert not list(store.list(f"{NAMESPACE}/datasets"))


def test_a_lost_object_leaves_no_snapshot(store: Store) -> None:
    records = fill(store)
    store.delete([next(iter(records.values())).object_key])
    with pytest.raises(ObjectMissingError):
        build(store)
    assert not any(one.key.endswith("snapshot.json") for one in store.list(NAMESPACE))


def test_a_changed_object_leaves_no_snapshot(store: Store) -> None:
    records = fill(store)
    store.put(next(iter(records.values())).object_key, drawing("another"))
    with pytest.raises(ObjectCorruptError):
        build(store)


@pytest.mark.folder_only("the bytes of an object are the same in either kind of store")
@pytest.mark.parametrize("name", ["groups.parquet", "manifest.parquet", "snapshot.json"])
def test_no_damage_to_a_parent_goes_unnoticed_or_looks_like_a_bug(store: Store, name: str) -> None:
    fill(store)
    first = build(store)
    put_picture(store, "tools", "http://img.new.test/1.jpg")
    undamaged = build(store, parent=first.key)
    key = f"{first.prefix}/{name}"
    whole = store.get(key)
    for place in range(0, len(whole), max(1, len(whole) // 40)):
        damaged = bytearray(whole)
        damaged[place] ^= 0x55
        store.put(key, bytes(damaged))
        store.delete([f"{undamaged.prefix}/snapshot.json"])
        with contextlib.suppress(ObjectCorruptError):
            assert build(store, parent=first.key).info == undamaged.info
    store.put(key, whole[: len(whole) // 2])
    store.delete([f"{undamaged.prefix}/snapshot.json"])
    with pytest.raises(ObjectCorruptError):
        build(store, parent=first.key)


def test_a_parent_that_contradicts_itself_is_refused(store: Store) -> None:
    fill(store)
    first = build(store)
    put_picture(store, "tools", "http://img.new.test/1.jpg")
    key = f"{first.prefix}/groups.parquet"
    sides = {row["key"]: "train" for row in pq.read_table(io.BytesIO(store.get(key))).to_pylist()}
    store.put(key, encode_sides(sides))
    with pytest.raises(ObjectCorruptError, match="do not agree"):
        build(store, parent=first.key)


def test_an_object_that_is_no_picture_is_told_by_its_address(store: Store) -> None:
    records = fill(store)
    record = next(iter(records.values()))
    store.put(record.object_key, b"no picture")
    digest = sha256_hex(b"no picture")
    changed = msgspec.structs.replace(record, object_sha256=digest)
    store.delete([one.key for one in store.list("default/categories/graffiti/records")])
    put_entries(store, "graffiti", [changed])
    with pytest.raises(ObjectCorruptError, match="is no JPEG"):
        build(store, labels={"graffiti": "art", "murals": "art", "tools": "not-art"})


def test_a_parent_that_is_not_there_is_named(store: Store) -> None:
    fill(store)
    with pytest.raises(ObjectMissingError, match="feedbeef"):
        build(store, parent="feedbeef")


def test_progress_ends_finished_with_every_picture(store: Store) -> None:
    fill(store)
    told: list[Progress] = []

    def tell(progress: Progress) -> None:
        told.append(progress)

    build_snapshot(
        store,
        namespace=NAMESPACE,
        classifier=classifier(),
        labels=LABELS,
        parent=None,
        progress=tell,
    )
    assert told[-1].finished
    assert told[-1].done == told[-1].total == len(LABELS) * SITES
    assert {one.stage for one in told} == {"dataset"}
