"""Container images as OCI archives, written here: one layer, no engine needed."""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@dataclass(frozen=True)
class ImageConfig:
    """What a container of the image starts with where the pod says nothing else."""

    entrypoint: Sequence[str] = ()
    command: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str = ""

    def document(self, layer_digest: str) -> dict[str, Any]:
        settings = {
            "Entrypoint": list(self.entrypoint),
            "Cmd": list(self.command),
            "Env": [f"{name}={value}" for name, value in self.environment.items()],
            "User": self.user,
        }
        return {
            "architecture": "amd64",
            "os": "linux",
            "config": {key: value for key, value in settings.items() if value},
            "rootfs": {"type": "layers", "diff_ids": [layer_digest]},
            "history": [{"created_by": "tests/cluster/archives.py"}],  # buildah counts the layers
        }


def write_image(archive: Path, *, name: str, layer: Path, config: ImageConfig) -> None:
    """Write an OCI archive of one image whose only layer is an uncompressed tar."""
    layer_digest = f"sha256:{_digest_of_file(layer)}"
    documents = _Blobs()
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": documents.add(_CONFIG, config.document(layer_digest)),
        "layers": [{"mediaType": _LAYER, "digest": layer_digest, "size": layer.stat().st_size}],
    }
    described = documents.add(_MANIFEST, manifest)
    # The second name is the one that containerd reads, the first what all others read.
    described["annotations"] = {
        "org.opencontainers.image.ref.name": name,
        "io.containerd.image.name": name,
    }
    with tarfile.open(archive, "w") as tar:
        _add(tar, "oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
        _add(tar, "index.json", _json({"schemaVersion": 2, "manifests": [described]}))
        for digest, content in documents.contents.items():
            _add(tar, _blob(digest), content)
        tar.add(layer, _blob(layer_digest), filter=_plain)


class _Blobs:
    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}

    def add(self, media_type: str, document: object) -> dict[str, Any]:
        content = _json(document)
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self.contents[digest] = content
        return {"mediaType": media_type, "digest": digest, "size": len(content)}


def write_program_layer(layer: Path, program: Path) -> None:
    """Write a layer that holds one static program, at the root under its own name, and /tmp."""
    with tarfile.open(layer, "w") as tar:
        temporary = tarfile.TarInfo("tmp")
        temporary.type, temporary.mode = tarfile.DIRTYPE, 0o1777
        tar.addfile(temporary)
        tar.add(program, program.name, filter=_plain)


def write_program_image(archive: Path, *, name: str, program: Path) -> None:
    """Write an image that runs one static program as nobody."""
    layer = archive.with_suffix(".layer")
    write_program_layer(layer, program)
    config = ImageConfig(entrypoint=[f"/{program.name}"], user="65534:65534")
    write_image(archive, name=name, layer=layer, config=config)
    layer.unlink()


def _plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = info.mtime = 0
    info.uname = info.gname = ""
    return info


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))


def _blob(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _json(document: object) -> bytes:
    return json.dumps(document, sort_keys=True).encode()


def _digest_of_file(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
