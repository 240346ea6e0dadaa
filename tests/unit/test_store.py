"""The store on a folder: atomic conditional puts, verified reads, errors that say what to do."""

import errno
import os
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from artgrab.common.digests import sha256_hex
from artgrab.common.errors import (
    BadInputError,
    ObjectCorruptError,
    ObjectMissingError,
    SurroundingsError,
)
from artgrab.common.store import Store
from artgrab.common.store.folders import create_at_once


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(str(tmp_path / "deep" / "store"))


def test_what_is_put_is_read_back(store: Store) -> None:
    assert store.put_if_absent("a/b.jpg", b"one")
    assert store.get("a/b.jpg") == b"one"
    assert store.exists("a/b.jpg")


def test_a_second_put_if_absent_changes_nothing(store: Store) -> None:
    assert store.put_if_absent("a", b"one")
    assert not store.put_if_absent("a", b"two")
    assert store.get("a") == b"one"


async def test_the_asynchronous_put_keeps_to_the_same_rule(store: Store) -> None:
    assert await store.put_if_absent_async("a", b"one")
    assert not await store.put_if_absent_async("a", b"two")
    assert store.get("a") == b"one"


def test_a_file_that_is_made_at_once_is_as_any_other(store: Store) -> None:
    assert store.folder is not None
    assert create_at_once(store.folder, "a/b.jpg", b"one") is None, "there is no such folder yet"
    assert store.put_if_absent("a/usual.jpg", b"one")
    assert create_at_once(store.folder, "a/b.jpg", b"one") is True
    assert create_at_once(store.folder, "a/b.jpg", b"two") is False
    assert store.get("a/b.jpg") == b"one"
    usual, quick = ((store.folder / "a" / name).stat() for name in ("usual.jpg", "b.jpg"))
    assert (quick.st_mode, quick.st_nlink) == (usual.st_mode, usual.st_nlink)
    assert sorted(os.listdir(store.folder / "a")) == ["b.jpg", "usual.jpg"]


@pytest.mark.parametrize("key", ["a/../../b", "/a", "a//b", "a~b", "a#1", "a b", ".lock", "é", ""])
def test_a_key_that_is_no_plain_path_is_left_to_the_usual_way(store: Store, key: str) -> None:
    assert store.folder is not None
    assert create_at_once(store.folder, key, b"one") is None


async def test_a_put_that_cannot_be_done_at_once_is_done_all_the_same(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.EOPNOTSUPP, "no files without names here")

    store.put("a/there", b"")
    monkeypatch.setattr(os, "open", refuse)
    assert await store.put_if_absent_async("a/b", b"one")
    assert not await store.put_if_absent_async("a/b", b"two")
    assert store.get("a/b") == b"one"


async def test_a_system_that_knows_no_files_without_names_takes_puts_all_the_same(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put("a/there", b"")
    monkeypatch.delattr(os, "O_TMPFILE")
    assert await store.put_if_absent_async("a/b", b"one")
    assert not await store.put_if_absent_async("a/b", b"two")
    assert store.get("a/b") == b"one"


async def test_half_a_file_is_never_seen(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.put("a/there", b"")
    monkeypatch.setattr(os, "write", lambda number, data: 1)
    assert await store.put_if_absent_async("a/b", b"one")
    assert store.get("a/b") == b"one"


def test_of_many_writers_at_once_exactly_one_wins(store: Store) -> None:
    start = threading.Barrier(8)
    won: list[int] = []

    def write(number: int) -> None:
        start.wait()
        if store.put_if_absent("race", b"%d" % number):
            won.append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert store.get("race") == b"%d" % won[0]


def test_put_replaces(store: Store) -> None:
    store.put("a", b"one")
    store.put("a", b"two")
    assert store.get("a") == b"two"


def test_a_missing_key_is_named_with_its_address(store: Store) -> None:
    with pytest.raises(ObjectMissingError, match="deep/store/a/none is not there"):
        store.get("a/none")
    assert not store.exists("a/none")


def test_verified_bytes_are_those_of_the_digest(store: Store) -> None:
    store.put("a", b"one")
    assert store.get_verified("a", sha256_hex(b"one")) == b"one"
    with pytest.raises(ObjectCorruptError, match="does not have the recorded digest"):
        store.get_verified("a", sha256_hex(b"two"))


def test_a_listing_is_ordered_and_stays_below_its_prefix(store: Store) -> None:
    for key in ("a/2", "a/10", "a/1/x", "ab/1", "b"):
        store.put(key, key.encode())
    found = [(info.key, info.size) for info in store.list("a")]
    assert found == [("a/1/x", 5), ("a/10", 4), ("a/2", 3)]
    assert not list(store.list("none"))


def test_a_put_cut_off_by_a_kill_is_no_object(store: Store) -> None:
    store.put("a/whole", b"1")
    Path(store.uri_of("a/half#1")).write_bytes(b"the temporary file of a killed writer")
    assert [one.key for one in store.list("a")] == ["a/whole"]


def test_deleting_what_is_gone_is_no_error(store: Store) -> None:
    store.put("a", b"one")
    store.delete(["a", "a", "none"])
    assert not store.exists("a")


@pytest.mark.parametrize("key", ["../out", "a/../../out", "a/..", "./../out"])
def test_no_key_leads_out_of_the_folder(store: Store, key: str) -> None:
    with pytest.raises(ValueError, match="path"):
        store.put(key, b"x")
    assert not (Path(store.uri).parent / "out").exists()


def test_a_path_and_its_file_uri_are_the_same_store(tmp_path: Path) -> None:
    Store.open(str(tmp_path / "s")).put("a", b"one")
    assert Store.open((tmp_path / "s").as_uri()).get("a") == b"one"


def test_an_unknown_kind_of_store_is_bad_input() -> None:
    with pytest.raises(BadInputError, match="ftp:// is not known"):
        Store.open("ftp://host/x")


def test_a_folder_that_cannot_be_made_is_the_surroundings_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SurroundingsError, match="a file is in the way"):
        Store.open(str(tmp_path / "file" / "store"))


def test_a_failing_store_names_itself_and_the_key(store: Store) -> None:
    store.put("a", b"one")
    with pytest.raises(SurroundingsError, match="deep/store, key a/b: "):
        store.get("a/b")


KEYS = st.lists(st.sampled_from(["a", "b", "c/d", "c/e", "f g", "ü"]), min_size=1, max_size=12)


@given(keys=KEYS, data=st.binary(max_size=64))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_the_first_of_equal_keys_stays_whatever_comes_after(
    tmp_path_factory: pytest.TempPathFactory, keys: list[str], data: bytes
) -> None:
    store = Store.open(str(tmp_path_factory.mktemp("store")))
    expected: dict[str, bytes] = {}
    for number, key in enumerate(keys):
        content = data + b"%d" % number
        assert store.put_if_absent(key, content) == (key not in expected)
        expected.setdefault(key, content)
    assert {one.key: store.get(one.key) for one in store.list("")} == expected
