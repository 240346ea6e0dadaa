"""A category's end: all of it goes, nothing else does, and one of that name starts from nothing."""

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from obstore.store import MemoryStore

from artgrab.common.errors import BadInputError, SurroundingsError
from artgrab.common.keys import category_prefix
from artgrab.common.store import Store
from artgrab.common.terminations import Termination, decode
from artgrab.downloader.cleanup import clean_up
from artgrab.v1 import ingest_service_pb2 as pb
from tests.support.downloads import pictures_kept, put_pictures, recorded
from tests.support.failing_store import DyingStore, KilledError
from tests.support.ingest_client import batch, downloader, end_run, ingest, open_stream, outcomes
from tests.support.playing_hosts import PlayingHosts
from tests.support.waiting import WAIT_SECONDS

CATS = category_prefix("default", "cats")
OTHERS = [
    "default/categories/cats-and-dogs/images/a.jpg",
    "default/categories/cat/images/a.jpg",
    "default/categories/dogs/records/index-1.parquet",
    "default/datasets/0123/snapshot.json",
    "others/categories/cats/images/a.jpg",
    "cats/categories/default/images/a.jpg",
    "takedowns/0123.json",
]


def keys(store: Store) -> list[str]:
    return [
        info.key for part in ("default", "others", "cats", "takedowns") for info in store.list(part)
    ]


def cleanup(store_uri: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "artgrab.downloader.cleanup", "--store", store_uri, *options]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=WAIT_SECONDS, check=False
    )


def test_all_of_a_category_goes_and_nothing_else(store: Store) -> None:
    for key in [*OTHERS, *(f"{CATS}/images/{n}.jpg" for n in range(50)), f"{CATS}/runs/r.json"]:
        store.put(key, b"x")
    assert clean_up(store, namespace="default", category="cats") == 51
    assert sorted(keys(store)) == sorted(OTHERS)
    assert store.folder is None or not (store.folder / CATS).exists()
    assert clean_up(store, namespace="default", category="cats") == 0


def test_the_process_says_what_it_did_and_may_be_repeated(
    store: Store, store_uri: str, tmp_path: Path
) -> None:
    for key in (*OTHERS, f"{CATS}/images/a.jpg"):
        store.put(key, b"x")
    place = tmp_path / "termination-log"
    names = ("--namespace", "default", "--category", "cats", "--termination-message", str(place))
    for removed in (1, 0):
        done = cleanup(store_uri, *names)
        assert (done.returncode, done.stdout) == (0, f"{removed} objects removed\n"), done.stderr
        assert decode(place.read_bytes()) == Termination(reason="CleanedUp")
    assert sorted(keys(store)) == sorted(OTHERS)


@pytest.mark.parametrize(
    ("namespace", "category"),
    [
        ("default", ".."),
        ("..", "cats"),
        ("default", ""),
        ("", "cats"),
        ("default", "cats/images"),
        ("default", "/"),
        ("default/categories/dogs", "x"),
        ("default", "CATS"),
        ("default", "cats\n"),
    ],
)
@pytest.mark.folder_only("nothing gets as far as the store")
def test_a_name_that_is_none_removes_nothing(
    namespace: str, category: str, store: Store, store_uri: str, tmp_path: Path
) -> None:
    for key in (*OTHERS, f"{CATS}/images/a.jpg"):
        store.put(key, b"x")
    place = tmp_path / "termination-log"
    options = (f"--namespace={namespace}", f"--category={category}")
    done = cleanup(store_uri, *options, "--termination-message", str(place))
    assert done.returncode == 2
    assert "is no DNS label" in done.stderr
    message = decode(place.read_bytes())
    assert message is not None
    assert "is no DNS label" in message.error
    assert len(keys(store)) == len(OTHERS) + 1


names = st.text(max_size=70) | st.sampled_from(["default", "cats", "cat", "..", ".", "dogs/..", ""])


@given(names, names)
def test_whatever_the_names_only_keys_of_that_category_can_go(
    namespace: str, category: str
) -> None:
    store = Store(MemoryStore(), uri="memory")
    for key in OTHERS:
        store.put(key, b"x")
    with contextlib.suppress(BadInputError):
        clean_up(store, namespace=namespace, category=category)
    gone = set(OTHERS) - {
        info.key for part in ("default", "others", "cats", "takedowns") for info in store.list(part)
    }
    assert all(key.startswith(f"{namespace}/categories/{category}/") for key in gone)


def test_a_store_that_cannot_be_had_is_told_with_exit_code_4() -> None:
    done = cleanup("/proc/none", "--namespace", "default", "--category", "cats")
    assert done.returncode == 4
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("calls", range(7))
def test_a_kill_leaves_no_run_that_looks_ended_without_its_records(
    calls: int, tmp_path: Path
) -> None:
    store = Store.open(str(tmp_path))
    for name in (
        "images/a.jpg",
        "images/b.jpg",
        "records/r/p.jsonl",
        "records/index-1.parquet",
        "runs/r.json",
    ):
        store.put(f"{CATS}/{name}", b"x")
    dying = DyingStore(tmp_path, calls=calls)
    try:
        clean_up(dying, namespace="default", category="cats")
    except KilledError:
        left = keys(store)
        assert f"{CATS}/runs/r.json" not in left or len(left) == 5
        clean_up(store, namespace="default", category="cats")
    assert not keys(store)


def test_what_a_kill_left_of_writing_goes_with_it(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path))
    store.put(f"{CATS}/images/a.jpg", b"x")
    (tmp_path / CATS / "images" / "b.jpg#1").write_bytes(b"half")
    clean_up(store, namespace="default", category="cats")
    assert not (tmp_path / CATS).exists()
    assert (tmp_path / "default" / "categories").is_dir()


def test_somebody_who_goes_on_writing_is_told_of() -> None:
    class Busy(Store):
        def delete(self, keys: object) -> None:
            self.put(f"{CATS}/images/new.jpg", b"x")

    store = Busy(MemoryStore(), uri="memory")
    store.put(f"{CATS}/images/a.jpg", b"x")
    with pytest.raises(SurroundingsError, match="goes on writing"):
        clean_up(store, namespace="default", category="cats")


async def test_a_category_made_anew_is_fetched_anew_although_a_stream_remembers_the_former(
    hosts: PlayingHosts, store: Store
) -> None:
    wanted = put_pictures(hosts, 3)
    async with downloader(store, hosts.network) as endpoint, open_stream(endpoint) as former:
        await former.send(batch(wanted))
        assert len(await former.receive_acks(3)) == 3
        await end_run(endpoint)
        clean_up(store, namespace="default", category="cats")
        acks = await ingest(endpoint, wanted)
        again = await ingest(endpoint, wanted)
    assert {ack.outcome for ack in acks} == {pb.OUTCOME_STORED}
    assert {ack.outcome for ack in again} == {pb.OUTCOME_ALREADY_RECORDED}
    assert len(outcomes(acks)) == len(recorded(store)) == pictures_kept(store) == 3
    assert all(hosts.asked(one.url) == 2 for one in wanted)


def test_what_a_downloader_was_still_writing_goes_too(store: Store) -> None:
    late = iter([f"{CATS}/records/index-2.parquet", f"{CATS}/runs/r.json"])

    def pause() -> None:
        if key := next(late, None):
            store.put(key, b"x")

    store.put(f"{CATS}/images/a.jpg", b"x")
    assert clean_up(store, namespace="default", category="cats", pause=pause) == 3
    assert not keys(store)
