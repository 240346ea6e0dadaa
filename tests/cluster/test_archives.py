"""Images written by hand are what the OCI says that they are."""

import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.archives import write_program_image


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    program = tmp_path / "hello"
    program.write_bytes(b"\x7fELF and so on")
    program.chmod(0o755)
    write_program_image(tmp_path / "hello.tar", name="localhost/hello:1", program=program)
    return tmp_path / "hello.tar"


def _contents(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as tar:
        return {one.name: tar.extractfile(one).read() for one in tar.getmembers()}  # type: ignore[union-attr]  # no folders in it


def _follow(contents: dict[str, bytes], descriptor: dict[str, Any]) -> bytes:
    content = contents[f"blobs/{descriptor['digest'].replace(':', '/')}"]
    assert len(content) == descriptor["size"]
    return content


def test_every_blob_lies_under_its_own_digest(archive: Path) -> None:
    blobs = {name: c for name, c in _contents(archive).items() if name.startswith("blobs/")}
    assert len(blobs) == 3
    assert {name: hashlib.sha256(c).hexdigest() for name, c in blobs.items()} == {
        name: name.rpartition("/")[2] for name in blobs
    }


def test_the_index_leads_to_a_layer_with_the_program(archive: Path) -> None:
    contents = _contents(archive)
    (entry,) = json.loads(contents["index.json"])["manifests"]
    assert entry["annotations"]["io.containerd.image.name"] == "localhost/hello:1"
    manifest = json.loads(_follow(contents, entry))
    config = json.loads(_follow(contents, manifest["config"]))
    (layer,) = manifest["layers"]
    assert config["rootfs"]["diff_ids"] == [layer["digest"]]
    assert config["config"] == {"Entrypoint": ["/hello"], "User": "65534:65534"}


def test_the_same_program_makes_the_same_bytes(archive: Path, tmp_path: Path) -> None:
    write_program_image(
        tmp_path / "again.tar", name="localhost/hello:1", program=tmp_path / "hello"
    )
    assert (tmp_path / "again.tar").read_bytes() == archive.read_bytes()
