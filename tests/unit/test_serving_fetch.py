"""A model fetched into a folder: whole and the right one, or an exit code and one line."""

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from artgrab.common.digests import sha256_hex
from artgrab.common.errors import ObjectCorruptError, ObjectMissingError, SurroundingsError
from artgrab.common.store import Store
from artgrab.model.documents import CONTENT, MARKER, read_info
from artgrab.serving.fetch import fetch, main
from artgrab.serving.sources import Source, in_folder, in_store
from artgrab.serving.torchserve.archive import build_archive, check_archive
from artgrab.serving.torchserve.config import ARCHIVE
from tests.support.model_folders import write_model

PREFIX = "default/models/m"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(str(tmp_path / "store"))


@pytest.fixture
def digest(store: Store) -> str:
    return write_model(store, PREFIX)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "models"


def fetched(store: Store, folder: Path, digest: str, *options: str) -> int:
    """Call the command in this process; return its exit code."""
    words = ("--model", PREFIX, "--content-sha256", digest, "--to", str(folder), *options)
    return called(*words, "--store", store.uri)


def called(*words: str) -> int:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "argv", ["fetch", *words])
        return main()


def damaged(source: Source, damaged_name: str) -> Source:
    def read(name: str) -> bytes:
        data = source.read(name)
        return data[:-1] + bytes([data[-1] ^ 1]) if name == damaged_name else data

    return Source(read, source.where)


def test_a_fetched_folder_holds_the_model_and_its_archive(
    store: Store, digest: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fetched(store, folder, digest, "--archive") == 0
    assert {file.name for file in folder.iterdir()} == {*CONTENT, MARKER, ARCHIVE}
    for name in (*CONTENT, MARKER):
        assert (folder / name).read_bytes() == store.get(f"{PREFIX}/{name}")
    check_archive((folder / ARCHIVE).read_bytes(), content_sha256=digest, where=str(folder))
    assert in_folder(folder).describe() == in_store(store.uri, PREFIX).describe()
    said = json.loads(capsys.readouterr().out)
    assert said == {"folder": str(folder), "content_sha256": digest}


def test_the_archive_is_written_where_it_is_wanted_alone(
    store: Store, digest: str, folder: Path
) -> None:
    assert fetched(store, folder, digest) == 0
    assert {file.name for file in folder.iterdir()} == {*CONTENT, MARKER}


def test_a_folder_is_fetched_into_again_and_again(store: Store, digest: str, folder: Path) -> None:
    folder.mkdir()
    (folder / f".{CONTENT[0]}.part").write_bytes(b"of a killed one")
    for _ in range(2):
        assert fetched(store, folder, digest, "--archive") == 0
    assert {file.name for file in folder.iterdir()} == {*CONTENT, MARKER, ARCHIVE}


@pytest.mark.parametrize("name", CONTENT)
def test_a_damaged_file_leaves_no_model_not_even_the_one_before(
    store: Store, digest: str, folder: Path, name: str
) -> None:
    assert fetched(store, folder, digest) == 0
    source = damaged(in_store(store.uri, PREFIX), name)
    with pytest.raises(ObjectCorruptError, match=rf"{name} does not have the digest"):
        fetch(source, folder, content_sha256=digest, archive=True)
    with pytest.raises(ObjectMissingError, match="is not there"):
        in_folder(folder).describe()


def test_another_model_is_told_before_anything_is_written(
    store: Store, digest: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert digest != "0" * 64
    assert fetched(store, folder, "0" * 64) == 4
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert "another model than the one with digest 000000000000" in line
    assert not folder.exists()


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/b", ".hidden", MARKER, ARCHIVE, ""])
def test_a_foreign_name_in_the_document_is_never_written(
    store: Store, digest: str, folder: Path, name: str
) -> None:
    info = read_info(store, PREFIX)
    foreign = msgspec.structs.replace(info, files={**info.files, name: sha256_hex(b"x")})
    store.put(f"{PREFIX}/{MARKER}", msgspec.json.encode(foreign))
    with pytest.raises(ObjectCorruptError, match="files that are not those of a model"):
        fetch(in_store(store.uri, PREFIX), folder, content_sha256=digest, archive=False)
    assert not folder.exists()


def test_what_is_not_there_and_what_cannot_be_written_are_told_in_one_line(
    store: Store, digest: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert fetched(store, tmp_path / "file", digest) == 4
    assert (
        called(
            "--store",
            store.uri,
            "--model",
            "default/models/none",
            "--content-sha256",
            digest,
            "--to",
            str(tmp_path / "to"),
        )
        == 4
    )
    assert fetched(store, tmp_path / "to", "digest") == 2
    assert (
        called(
            "--store",
            str(tmp_path / "none"),
            "--model",
            PREFIX,
            "--content-sha256",
            digest,
            "--to",
            str(tmp_path / "to"),
        )
        == 2
    )
    assert len(capsys.readouterr().err.splitlines()) == 4


@pytest.mark.parametrize("prefix", ["", "../outside", "/etc", "a//b", "a/", "a/..", "a\nb", "ü"])
def test_a_prefix_that_is_none_is_told_in_one_line(
    store: Store, digest: str, folder: Path, prefix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--content-sha256", digest, "--to", str(folder), "--model", prefix)
    assert called("--store", store.uri, *words) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not folder.exists()


def test_a_changed_folder_is_noticed_when_it_is_read(
    store: Store, digest: str, folder: Path
) -> None:
    fetch(in_store(store.uri, PREFIX), folder, content_sha256=digest, archive=False)
    file = folder / CONTENT[1]
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(ObjectCorruptError):
        build_archive(in_folder(folder).read, where=str(folder))


def test_a_folder_that_is_a_file_is_told_as_that(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SurroundingsError, match="Not a directory"):
        in_folder(tmp_path / "file").describe()


_WAITING = """
import os, runpy, signal, time
from artgrab.serving import sources

def in_store(*_, **__):
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(60)  # a store that does not answer: SIGTERM has to end it

sources.in_store = in_store
runpy.run_module("artgrab.serving.fetch", run_name="__main__")
"""


def test_a_signal_ends_it_at_once_by_a_handler_as_a_container_needs_one(folder: Path) -> None:
    words = ("--model", PREFIX, "--content-sha256", "0" * 64, "--to", str(folder), "--store", "s")
    ran = subprocess.run(
        [sys.executable, "-c", _WAITING, *words], capture_output=True, text=True, timeout=60
    )
    said = "artgrab: ended by a signal before the model was there\n"
    assert (ran.returncode, ran.stderr) == (4, said)


def test_fetching_loads_no_torch() -> None:
    code = "import sys, artgrab.serving.fetch; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "False\n"
