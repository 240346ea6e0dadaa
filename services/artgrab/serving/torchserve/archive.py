"""A model folder as the archive that TorchServe loads: the same bytes for the same model.

An archive of ours holds no code: its manifest names the handler of the installed artgrab.
"""

import io
import struct
import zipfile

from artgrab.common.digests import canonical_json
from artgrab.common.errors import ObjectCorruptError
from artgrab.model.documents import CONTENT, Read, check_content, read_content
from artgrab.serving.torchserve.config import MODEL_VERSION, model_yaml
from artgrab.serving.torchserve.replies import MODEL_NAME

HANDLER = "artgrab.serving.torchserve.handler"
_MANIFEST, _YAML = "MAR-INF/MANIFEST.json", "model-config.yaml"
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The first moment that a zip can name."""
_NO_ARCHIVE = (
    *(zipfile.BadZipFile, struct.error, KeyError, EOFError, OSError, ValueError),
    *(RuntimeError, OverflowError),  # said to be encrypted, or to lie nowhere
)


def build_archive(read: Read, *, where: str) -> bytes:
    """Return the archive of a model folder.

    Args:
        read: returns a file of the folder by name.
        where: address of the folder, for messages.

    Raises:
        ObjectMissingError: there is no complete model.
        ObjectCorruptError: the bytes are not those of its digests.
        BadInputError: it was written by a newer artgrab.
    """
    info, content = read_content(read, where=where)
    return _zipped(content, content_sha256=info.content_sha256)


def check_archive(data: bytes, *, content_sha256: str, where: str) -> None:
    """Refuse what is not, byte for byte, the archive of the model with this digest.

    Raises:
        ObjectCorruptError: damaged, of another model, or not made by this artgrab.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            content = {name: _read_plain(archive, name) for name in CONTENT}
    except _NO_ARCHIVE as error:
        raise ObjectCorruptError(f"{where} is no archive of a model, or a damaged one") from error
    check_content(content, content_sha256=content_sha256, where=where)
    if _zipped(content, content_sha256=content_sha256) != data:
        raise ObjectCorruptError(
            f"{where} is not as this artgrab makes it of its model; make it anew"
        )


def _read_plain(archive: zipfile.ZipFile, name: str) -> bytes:
    """Return a file that is not compressed: such a one is no larger than its archive."""
    if archive.getinfo(name).compress_type != zipfile.ZIP_STORED:
        raise zipfile.BadZipFile(f"{name} is compressed")
    return archive.read(name)


def _zipped(content: dict[str, bytes], *, content_sha256: str) -> bytes:
    files = {_MANIFEST: _manifest(), _YAML: model_yaml(content_sha256).encode(), **content}
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name, data in files.items():
            archive.writestr(_entry(name), data)
    return target.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.create_system = 3  # Unix, wherever it is made
    entry.external_attr = 0o100644 << 16
    return entry


def _manifest() -> bytes:
    model = {
        "modelName": MODEL_NAME,
        "modelVersion": MODEL_VERSION,
        "handler": HANDLER,
        "serializedFile": CONTENT[1],
        "configFile": _YAML,
    }
    return canonical_json(
        {
            "createdOn": "01/01/1980 00:00:00",
            "runtime": "python",
            "archiverVersion": "0.12.0",
            "model": model,
        }
    )
