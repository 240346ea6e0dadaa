"""Archives for TorchServe: the same bytes for the same model, and nothing but a model in them."""

import io
import json
import zipfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from artgrab.common.digests import sha256_hex
from artgrab.common.errors import ObjectCorruptError, ObjectMissingError
from artgrab.common.store import Store
from artgrab.model.documents import ModelInfo, content_digest, read_info
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


def packed(archive: bytes) -> bytes:
    """Return an archive with the same files, compressed."""
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(archive)) as plain,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as zipped,
    ):
        for name in plain.namelist():
            zipped.writestr(name, plain.read(name))
    return target.getvalue()


def test_nothing_compressed_is_unpacked_which_may_be_of_any_size(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = read_info(store, PREFIX).content_sha256
    data = packed(archive_of(store))
    monkeypatch.delattr("zlib.decompressobj")
    with pytest.raises(ObjectCorruptError, match=r"^m\.mar is no archive of a model"):
        check_archive(data, content_sha256=digest, where="m.mar")


@given(change=st.data())
def test_whatever_bytes_are_damaged_an_archive_is_refused_in_one_way(change: st.DataObject) -> None:
    content = {"config.json": b"{}" * 20, "model.safetensors": bytes(40)}
    digest = content_digest({name: sha256_hex(data) for name, data in content.items()})
    document = msgspec.json.encode(
        ModelInfo(
            input_key="k",
            content_sha256=digest,
            files={},
            backbone="b",
            labels=(),
            dataset_sha256="",
            metrics={},
        )
    )
    whole = build_archive({**content, "model.json": document}.__getitem__, where="m")
    check_archive(whole, content_sha256=digest, where="m.mar")
    places = st.integers(0, len(whole) - 1)
    wrong = st.dictionaries(places, st.integers(1, 255), min_size=1, max_size=4)
    data = bytearray(whole)
    for place, flips in change.draw(wrong).items():
        data[place] ^= flips
    with pytest.raises(ObjectCorruptError):
        check_archive(bytes(data), content_sha256=digest, where="m.mar")


@pytest.mark.parametrize(("field", "value"), [(8, 0x01), (8, 0x20), (20, 0xFF), (24, 0xFF)])
def test_an_archive_whose_directory_is_damaged_is_refused(
    store: Store, field: int, value: int
) -> None:
    digest = read_info(store, PREFIX).content_sha256
    data = bytearray(archive_of(store))
    data[data.rindex(b"config.json") - 46 + field] |= value  # APPNOTE.TXT 4.3.12
    with pytest.raises(ObjectCorruptError):
        check_archive(bytes(data), content_sha256=digest, where="m.mar")


def test_no_archive_is_made_of_a_corrupt_model_or_of_none(store: Store) -> None:
    store.put(f"{PREFIX}/config.json", b"{}")
    with pytest.raises(ObjectCorruptError, match="digest"):
        archive_of(store)
    with pytest.raises(ObjectMissingError):
        archive_of(store, "nothing")
