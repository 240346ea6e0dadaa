"""Archives for TorchServe: the same bytes for the same model, and nothing but a model in them."""

import io
import json
import zipfile
from pathlib import Path

import msgspec
import pytest

from artgrab.common.errors import ObjectCorruptError, ObjectMissingError
from artgrab.common.store import Store
from artgrab.model.documents import read_info
from artgrab.serving.torchserve.archive import build_archive, check_archive
from tests.support.model_folders import write_model

PREFIX = "default/models/m"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store.open(str(tmp_path / "store"))
    write_model(store, PREFIX)
    return store


def archive_of(store: Store, prefix: str = PREFIX) -> bytes:
    return build_archive(lambda name: store.get(f"{prefix}/{name}"), where=prefix)


def changed(archive: bytes, **members: bytes) -> bytes:
    """Return an archive with further members."""
    target = io.BytesIO(archive)
    with zipfile.ZipFile(target, "a") as zipped:
        for name, data in members.items():
            zipped.writestr(name, data)
    return target.getvalue()


def test_one_model_has_one_archive_whatever_its_report_says(store: Store) -> None:
    info = read_info(store, PREFIX)
    other = msgspec.structs.replace(info, metrics={"accuracy": 0.5}, input_key="other")
    for name in ("config.json", "model.safetensors"):
        store.put(f"again/{name}", store.get(f"{PREFIX}/{name}"))
    store.put("again/model.json", msgspec.json.encode(other))
    assert archive_of(store) == archive_of(store, "again")


def test_an_archive_holds_no_code(store: Store) -> None:
    with zipfile.ZipFile(io.BytesIO(archive_of(store))) as archive:
        manifest = json.loads(archive.read("MAR-INF/MANIFEST.json"))
        assert sorted(archive.namelist()) == [
            "MAR-INF/MANIFEST.json",
            "config.json",
            "model-config.yaml",
            "model.safetensors",
        ]
    assert manifest["model"]["handler"] == "artgrab.serving.torchserve.handler"


def test_the_archive_of_a_model_passes_under_its_digest(store: Store) -> None:
    digest = read_info(store, PREFIX).content_sha256
    check_archive(archive_of(store), content_sha256=digest, where="m.mar")


def test_an_archive_of_another_model_is_refused(store: Store) -> None:
    with pytest.raises(ObjectCorruptError, match=r"^m\.mar: .* digest$"):
        check_archive(archive_of(store), content_sha256="0" * 64, where="m.mar")


@pytest.mark.parametrize("name", ["handler.py", "requirements.txt"])
def test_an_archive_with_anything_beside_the_model_is_refused(store: Store, name: str) -> None:
    digest = read_info(store, PREFIX).content_sha256
    data = changed(archive_of(store), **{name: b"import os"})
    with pytest.raises(ObjectCorruptError, match="make it anew"):
        check_archive(data, content_sha256=digest, where="m.mar")


@pytest.mark.parametrize("length", [0, 100, -100])
def test_a_cut_off_archive_is_refused(store: Store, length: int) -> None:
    digest = read_info(store, PREFIX).content_sha256
    with pytest.raises(ObjectCorruptError, match="no archive of a model"):
        check_archive(archive_of(store)[:length], content_sha256=digest, where="m.mar")


def test_an_archive_with_a_flipped_bit_is_refused(store: Store) -> None:
    digest = read_info(store, PREFIX).content_sha256
    data = bytearray(archive_of(store))
    data[len(data) // 2] ^= 1
    with pytest.raises(ObjectCorruptError):
        check_archive(bytes(data), content_sha256=digest, where="m.mar")


def test_no_archive_is_made_of_a_corrupt_model_or_of_none(store: Store) -> None:
    store.put(f"{PREFIX}/config.json", b"{}")
    with pytest.raises(ObjectCorruptError, match="digest"):
        archive_of(store)
    with pytest.raises(ObjectMissingError):
        archive_of(store, "nothing")
