"""A takedown removes a picture and all that was made of it, and keeps it away; once lifted, the
picture comes back."""

import asyncio
import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from artgrab.common.digests import sha256_hex
from artgrab.common.errors import ObjectMissingError
from artgrab.common.manifest import read_manifest, read_whole_manifest, read_withdrawal
from artgrab.common.record_parts import compact
from artgrab.common.records import RecordOutcome
from artgrab.common.store import Store
from artgrab.common.takedowns import Takedown, read_takedowns
from artgrab.dataset import Snapshot
from artgrab.dataset.remaking import remake_papers
from artgrab.downloader.sweep import sweep
from artgrab.takedowns.applying import Applied, apply_takedowns
from artgrab.takedowns.pending import is_pending
from artgrab.takedowns.survey import survey
from artgrab.takedowns.targets import recognise
from artgrab.takedowns.tombstones import find_tombstone, put_tombstone, remove_tombstone
from tests.support.drawn import encoded
from tests.support.failing_store import DyingStore, KilledError
from tests.support.playing_hosts import PlayingHosts
from tests.support.withdrawing import (
    COPY,
    MODEL,
    ORIGINAL,
    PAGE,
    URL,
    build,
    collect,
    magenta,
    put_hosts,
    put_model,
    record_of,
    showing_magenta,
)


async def fill(store: Store, hosts: PlayingHosts, *, copy: bool = False) -> Snapshot:
    """Make a snapshot and a model of fetched pictures; with a near-duplicate of one, if wanted."""
    urls = put_hosts(hosts)
    if not copy:
        urls["graffiti"].remove(COPY)
    await collect(store, hosts, urls)
    snapshot = build(store)
    put_model(store, snapshot)
    assert len(showing_magenta(store)) >= 4, "object, sheet, card and report"
    return snapshot


async def take_down(store: Store, text: str) -> Takedown:
    takedown = await asyncio.to_thread(recognise, text)  # it runs a loop of its own
    put_tombstone(store, takedown)
    return takedown


def applied(store: Store) -> Applied:
    done = apply_takedowns(store, remake=remake_papers)
    assert not done.problems
    return done


def contents(store: Store) -> dict[str, bytes]:
    return {info.key: store.get(info.key) for info in store.list("default")}


TARGETS: dict[str, Callable[[Store, Path], str]] = {
    "url": lambda store, folder: URL,
    "url by https": lambda store, folder: URL.replace("http:", "https:").replace("img", "IMG"),
    "page": lambda store, folder: PAGE,
    "host": lambda store, folder: "img.graffiti-0.test",
    "domain": lambda store, folder: "graffiti-0.test",
    "source": lambda store, folder: sha256_hex(ORIGINAL).upper(),
    "object": lambda store, folder: record_of(store, URL).object_sha256,
    "file": lambda store, folder: written(folder / "a.jpg", ORIGINAL),
    "smaller file": lambda store, folder: written(
        folder / "b.png", encoded(magenta(side=150), "PNG")
    ),
}


def written(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return str(path)


async def test_what_is_taken_down_goes_from_everywhere_and_stays_away(
    store: Store, hosts: PlayingHosts, tmp_path: Path
) -> None:
    snapshot = await fill(store, hosts)
    record, before = record_of(store, URL), contents(store)
    for target in TARGETS.values():
        text = target(store, tmp_path)
        takedown = await take_down(store, text)
        done = applied(store)
        counts = (done.records, done.objects, done.features, done.snapshots, done.reports)
        assert counts == (1, 1, 1, [snapshot.prefix], [MODEL]), text
        assert showing_magenta(store) == [], text
        assert not any(record.object_key in key for key in contents(store))
        assert bytes.fromhex(record.object_sha256) not in b"".join(
            data for key, data in contents(store).items() if "/features/" in key
        )
        withdrawn = record_of(store, URL)
        assert (withdrawn.outcome, withdrawn.takedown) == (RecordOutcome.WITHDRAWN, takedown.id)
        assert withdrawn.candidate == record.candidate
        assert {row.url for row in read_whole_manifest(store, snapshot.prefix)} - {
            row.url for row in read_manifest(store, snapshot.prefix)
        } == {URL}
        assert applied(store).nothing
        assert not is_pending(store)
        # The next kind finds the store as it was.
        remove_tombstone(store, takedown)
        store.delete(list(contents(store)))
        for key, data in before.items():
            store.put(key, data)


async def test_no_later_run_brings_it_back_whatever_address_size_or_format_it_has(
    store: Store, hosts: PlayingHosts, tmp_path: Path
) -> None:
    await fill(store, hosts)
    await take_down(store, written(tmp_path / "small.png", encoded(magenta(side=150), "PNG")))
    applied(store)
    asked = hosts.asked(URL)
    again = hosts.put("http://img.elsewhere.test/1.jpg", ORIGINAL)
    await collect(store, hosts, {"graffiti": [URL, COPY, again], "tools": [again]})
    assert showing_magenta(store) == []
    assert hosts.asked(URL) == asked
    assert record_of(store, URL).outcome is RecordOutcome.WITHDRAWN
    for url in (COPY, again):
        assert record_of(store, url).outcome is RecordOutcome.REJECTED
        assert record_of(store, url).reason == "taken-down"
    assert record_of(store, again, category="tools").outcome is RecordOutcome.REJECTED


async def test_a_takedown_of_an_address_leaves_the_same_picture_of_another_one(
    store: Store, hosts: PlayingHosts
) -> None:
    urls = put_hosts(hosts)
    urls["graffiti"][-1] = hosts.put("http://img.elsewhere.test/1.jpg", ORIGINAL)
    await collect(store, hosts, urls)
    first, second = (record_of(store, url) for url in (URL, "http://img.elsewhere.test/1.jpg"))
    assert first.object_key == second.object_key
    await take_down(store, URL)
    assert applied(store).objects == 0
    assert store.get_verified(second.object_key, second.object_sha256)
    assert record_of(store, URL).outcome is RecordOutcome.WITHDRAWN
    await take_down(store, sha256_hex(ORIGINAL))
    assert applied(store).objects == 1


async def test_pictures_that_were_left_out_of_a_snapshot_go_from_its_sheets_too(
    store: Store, hosts: PlayingHosts
) -> None:
    snapshot = await fill(store, hosts, copy=True)
    assert snapshot.info.dropped == {"near-duplicate": 1}
    await take_down(store, COPY)
    applied(store)
    assert read_manifest(store, snapshot.prefix) == read_whole_manifest(store, snapshot.prefix)
    assert len(read_withdrawal(store, snapshot.prefix).dropped) == 1
    assert not [key for key in showing_magenta(store) if "dropped" in key]
    assert [key for key in showing_magenta(store) if "sheets/graffiti" in key]
    await take_down(store, URL)
    applied(store)
    assert showing_magenta(store) == []


async def test_it_is_told_what_a_takedown_matches(store: Store, hosts: PlayingHosts) -> None:
    snapshot = await fill(store, hosts)
    takedown, nothing = (
        await take_down(store, "graffiti-0.test"),
        await take_down(store, "nowhere.test"),
    )
    for _ in range(2):
        found = survey(store, read_takedowns(store))
        assert found[takedown.id].categories == {"graffiti": 1}
        assert found[takedown.id].snapshots == [snapshot.prefix]
        assert found[takedown.id].models == [MODEL]
        assert not found[nothing.id].pictures
        applied(store)


async def test_a_takedown_that_touches_nothing_of_a_snapshot_makes_no_other(
    store: Store, hosts: PlayingHosts
) -> None:
    first = await fill(store, hosts, copy=True)
    await take_down(store, "nowhere.test")
    assert applied(store).nothing
    assert build(store, parent=first.key).key == first.key
    await take_down(store, COPY)  # it was left out of the snapshot
    applied(store)
    second = build(store, parent=first.key)
    assert second.info.content_sha256 == first.info.content_sha256, "so nothing is trained again"
    await take_down(store, URL)
    applied(store)
    third = build(store, parent=second.key)
    assert third.info.images == first.info.images - 1
    assert third.info.content_sha256 != first.info.content_sha256


async def test_what_is_taken_down_enters_no_dataset_before_it_is_applied_either(
    store: Store, hosts: PlayingHosts
) -> None:
    first = await fill(store, hosts)
    await take_down(store, URL)
    assert is_pending(store)
    assert build(store, parent=first.key).info.images == first.info.images - 1


async def test_a_lifted_takedown_lets_the_next_run_bring_the_picture_back(
    store: Store, hosts: PlayingHosts
) -> None:
    snapshot = await fill(store, hosts)
    rows = read_manifest(store, snapshot.prefix)
    store.put("default/categories/graffiti/runs/r.json", b"{}")
    store.put("default/categories/tools/runs/r.json", b"{}")
    takedown = await take_down(store, URL)
    applied(store)
    touched = remove_tombstone(store, find_tombstone(read_takedowns(store), takedown.id[:5]))
    assert {one.name: count for one, count in touched.items()} == {"graffiti": 1}
    assert not store.exists("default/categories/graffiti/runs/r.json")
    assert store.exists("default/categories/tools/runs/r.json")
    applied(store)
    assert record_of(store, URL).outcome is RecordOutcome.WITHDRAWN, "until it is fetched"
    assert len(read_manifest(store, snapshot.prefix)) == len(rows) - 1
    await collect(store, hosts, {"graffiti": [URL]})
    assert record_of(store, URL).outcome is RecordOutcome.STORED
    applied(store)
    assert read_manifest(store, snapshot.prefix) == rows


async def test_of_two_takedowns_the_one_that_is_left_still_holds(
    store: Store, hosts: PlayingHosts
) -> None:
    await fill(store, hosts)
    first = await take_down(store, URL)
    applied(store)
    second = await take_down(store, "graffiti-0.test")
    assert applied(store).nothing
    assert record_of(store, URL).takedown == first.id
    remove_tombstone(store, first)
    applied(store)
    assert record_of(store, URL).takedown == second.id
    asked = hosts.asked(URL)
    await collect(store, hosts, {"graffiti": [URL]})
    assert hosts.asked(URL) == asked
    assert showing_magenta(store) == []


async def test_no_stray_object_of_a_withdrawn_record_outlives_a_sweep(
    store: Store, hosts: PlayingHosts
) -> None:
    await fill(store, hosts)
    record = record_of(store, URL)
    data = store.get(record.object_key)
    await take_down(store, URL)
    applied(store)
    store.put(record.object_key, data)
    assert sweep(store, namespace="default", category="graffiti") == 1
    with pytest.raises(ObjectMissingError):
        store.get(record.object_key)


async def test_a_store_without_takedowns_is_left_alone(store: Store, hosts: PlayingHosts) -> None:
    await fill(store, hosts)
    before = contents(store)
    assert not is_pending(store)
    assert applied(store).nothing
    assert contents(store) == before


async def test_what_cannot_be_read_is_told_and_stops_nothing_else(
    store: Store, hosts: PlayingHosts
) -> None:
    snapshot = await fill(store, hosts)
    whole = store.get(f"{snapshot.prefix}/manifest.parquet")
    store.put(f"{snapshot.prefix}/manifest.parquet", whole[:-9])
    await take_down(store, URL)
    done = apply_takedowns(store, remake=remake_papers)
    assert [one for one in done.problems if snapshot.prefix in one]
    assert (done.records, done.objects, done.features, done.reports) == (1, 1, 1, [MODEL])
    assert is_pending(store)
    store.put(f"{snapshot.prefix}/manifest.parquet", whole)
    applied(store)
    assert showing_magenta(store) == []


async def test_papers_of_a_build_that_was_killed_go_where_they_may_show_it(
    store: Store, hosts: PlayingHosts
) -> None:
    snapshot = await fill(store, hosts)
    store.delete([f"{snapshot.prefix}/snapshot.json"])
    await take_down(store, "img.tools-3.test")
    applied(store)
    assert not [key for key in contents(store) if "/sheets/" in key]


async def test_takedowns_killed_before_any_change_and_repeated_end_the_same(
    tmp_path: Path, hosts: PlayingHosts
) -> None:
    """On a folder: it is copied for each kill."""
    full = Store.open(str(tmp_path / "full"))
    await fill(full, hosts, copy=True)
    compact(full, namespace="default", category="tools", min_parts=0)
    for text in (URL, COPY, "img.tools-3.test"):
        await take_down(full, text)
    expected = _applied_copy(tmp_path, calls=None)
    assert showing_magenta(expected) == []
    for calls in range(100):
        found = _applied_copy(tmp_path, calls=calls)
        assert contents(found) == contents(expected), f"killed before change {calls}"
        if not (tmp_path / "killed").exists():
            break
        (tmp_path / "killed").unlink()
    assert calls >= 15


def _applied_copy(folder: Path, *, calls: int | None) -> Store:
    target = folder / "copy" if calls is not None else folder / "expected"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(folder / "full", target)
    if calls is not None:
        with contextlib.suppress(KilledError):
            apply_takedowns(DyingStore(target, calls=calls), remake=remake_papers)
            return Store.open(str(target))
        (folder / "killed").touch()
    store = Store.open(str(target))
    applied(store)
    assert not is_pending(store)
    return store
