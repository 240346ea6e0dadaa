"""A folder that cannot be used, or fills up: said in one line, and nothing is half-written."""

import os
import resource
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from artgrab.common.errors import BadInputError, SurroundingsError
from artgrab.common.record_parts import RecordWriter, read_records
from artgrab.common.store import Store
from artgrab.common.store.lock import exclusive
from artgrab.trainer import train
from tests.support.cli_calls import artgrab
from tests.support.disks import FULL, filled, mounted, one_megabyte
from tests.support.snapshots import SNAPSHOT, classifier, put_snapshot
from tests.support.stored import candidate, stored


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte."""
    with one_megabyte(tmp_path / "small") as folder:
        yield folder


def files(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_a_read_only_file_system(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "store"
    Store.open(str(folder)).put("takedowns/none", b"")
    with mounted(folder, "-o", "bind,ro", str(folder)):
        said = artgrab(capsys, "takedown", "add", "http://a.test/1", "--store", folder)
        assert artgrab(capsys, "takedown", "list", "--store", folder).code == 0
    assert said.code == 4
    assert said.err.splitlines() == [
        f"artgrab: store {folder}: the file system is read-only; choose another with --store"
    ]


def test_a_file_in_the_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "store"):
        said = artgrab(capsys, "takedown", "add", "http://a.test/1", "--store", folder)
        assert (said.code, said.err.count("\n")) == (4, 1)
        assert "a file is in the way" in said.err


@contextmanager
def nobody() -> Iterator[None]:
    """Act as a user without rights, where we are root."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


@pytest.mark.parametrize("mode", [0o000, 0o555])
def test_a_folder_without_the_right_to_use_it(mode: int, tmp_path: Path) -> None:
    folder = tmp_path / "store"
    folder.mkdir()
    folder.chmod(mode)
    with nobody(), pytest.raises(SurroundingsError, match="change the folder's owner or mode"):
        Store.open(str(folder))


def test_a_folder_that_is_only_to_be_read_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="there is none; check --store"):
        Store.open(str(tmp_path / "none"), to_write=False)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    "put",
    [
        lambda store: store.put("default/models/m/model.safetensors", b"1" * 7_000_000),
        lambda store: store.put("default/classifiers/a.json", b"{}"),
        lambda store: store.put_if_absent("default/categories/c/images/a.jpg", b"1" * 50_000),
    ],
    ids=["a large object", "a small one", "a picture"],
)
def test_no_half_of_an_object_is_left_on_a_full_disk(
    put: Callable[[Store], object], small: Path
) -> None:
    store = Store.open(str(small))
    with filled(small):
        with pytest.raises(SurroundingsError, match=FULL) as caught:
            put(store)
        assert caught.value.exit_code == 4
        assert files(small) == ["ballast"]
    store.put("default/classifiers/a.json", b"{}")
    assert files(small) == ["default/classifiers/a.json"]


async def test_records_that_find_no_room_are_not_called_durable(small: Path) -> None:
    store = Store.open(str(small))
    one = stored(candidate("http://a.test/1"), category="c", source_sha256="a" * 64)

    async def write() -> None:
        writer = RecordWriter(store, namespace="default", category="c", run_id="r", max_delay=0)
        try:
            await writer.append(one)
        finally:
            await writer.close()

    with filled(small):
        with pytest.raises(SurroundingsError, match=FULL):
            await write()
        assert not read_records(store, namespace="default", category="c")
    await write()
    assert len(read_records(store, namespace="default", category="c")) == 1


def test_a_training_that_finds_no_room_goes_on_once_there_is(tmp_path: Path) -> None:
    """Room for pictures and features and not for the weights; then more."""
    folder = tmp_path / "disk"
    with mounted(folder, "-t", "tmpfs", "-o", "size=8m", "tmpfs"):
        store = Store.open(str(folder))
        put_snapshot(store)

        def run() -> bool:
            told: list[object] = []
            return train(
                store,
                namespace="default",
                classifier=classifier(weights="none"),
                snapshot_prefix=SNAPSHOT,
                progress=told.append,
            ).trained

        with pytest.raises(SurroundingsError, match=FULL):
            run()
        before = files(folder)
        assert not [name for name in before if "#" in name or name.endswith("model.json")]
        assert [name for name in before if "/features/" in name], "what was computed is kept"
        subprocess.run(["mount", "-o", "remount,size=64m", str(folder)], check=True)
        assert run()
        assert not run()


def test_a_limit_on_the_size_of_files_is_told(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        with pytest.raises(SurroundingsError, match=r"raise the limit \(ulimit -f\)"):
            store.put("default/models/m/model.safetensors", b"1" * 2_000_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert files(tmp_path) == []


def test_a_full_disk_is_told_when_the_store_is_taken(small: Path) -> None:
    with (
        filled(small),
        pytest.raises(SurroundingsError),
        exclusive(Store.open(str(small))),
    ):
        Store.open(str(small)).put("default/classifiers/a.json", b"{}")
