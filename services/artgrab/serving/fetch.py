"""`python -m artgrab.serving.fetch`: a model of the store as a folder that can be served from.

For an init container: every byte is verified, the model is the one that was asked for or the exit
code says no, and a folder in which this was killed holds no model. Its answer is one line of JSON.
It needs neither torch nor Java.
"""

import argparse
import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

import msgspec

from artgrab.common.digests import sha256_hex
from artgrab.common.errors import (
    ArtgrabError,
    BadInputError,
    ObjectCorruptError,
    SurroundingsError,
)
from artgrab.common.logs import configure_logs
from artgrab.model.documents import CONTENT, MARKER, ModelInfo, content_digest, parse_info
from artgrab.serving.sources import Source, in_store
from artgrab.serving.torchserve.archive import build_archive
from artgrab.serving.torchserve.config import ARCHIVE

PATIENCE = (1.0,) * 60
"""Seconds between looks for a store that is not there, as while it is replaced with what serves: a
container that failed is started again after a growing pause."""

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


def main() -> int:
    """Return the exit code; errors are one line on stderr."""
    parser = argparse.ArgumentParser("python -m artgrab.serving.fetch", description=__doc__)
    parser.add_argument("--store", required=True, metavar="URI", help="where everything is kept")
    parser.add_argument("--model", required=True, metavar="PREFIX", help="default/models/KEY")
    parser.add_argument("--content-sha256", required=True, metavar="DIGEST", help="of that model")
    parser.add_argument("--to", required=True, type=Path, metavar="FOLDER", help="to write into")
    parser.add_argument("--archive", action="store_true", help=f"write {ARCHIVE} for TorchServe")
    options = parser.parse_args()
    try:
        configure_logs()
        digest = _checked_digest(options.content_sha256)
        source = in_store(options.store, options.model, patience=PATIENCE)
        fetch(source, options.to, content_sha256=digest, archive=options.archive)
    except ArtgrabError as error:
        sys.stderr.write(f"artgrab: {error}\n")
        return error.exit_code
    answer = {"folder": str(options.to), "content_sha256": digest}
    sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")
    return 0


def fetch(source: Source, folder: Path, *, content_sha256: str, archive: bool) -> None:
    """Write a model into a folder: all its files, the document that completes it as the last.

    Another model that is there is no longer one from the first byte on.

    Raises:
        ObjectMissingError: there is no complete model.
        ObjectCorruptError: it is another one, or the bytes are not those of its digests.
        BadInputError: it was written by a newer artgrab.
        SurroundingsError: the store or the folder failed.
    """
    marker = source.read(MARKER)
    info = parse_info(marker, where=source.where)
    _check_identity(info, content_sha256=content_sha256, where=source.where)
    with _told(folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MARKER).unlink(missing_ok=True)
    content = {MARKER: marker}
    for name, sha256 in info.files.items():
        data = _verified(source, name, sha256)
        _write(folder / name, data)
        if name in CONTENT:
            content[name] = data
    if archive:
        _write(folder / ARCHIVE, build_archive(content.__getitem__, where=source.where))
    _write(folder / MARKER, marker)


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    sys.stderr.write("artgrab: ended by a signal before the model was there\n")
    sys.stderr.flush()
    os._exit(SurroundingsError.exit_code)


def _checked_digest(text: str) -> str:
    if not _DIGEST.fullmatch(text):
        raise BadInputError("--content-sha256: a digest has 64 digits of 0-9 and a-f")
    return text


def _check_identity(info: ModelInfo, *, content_sha256: str, where: str) -> None:
    """Refuse a document that lists what no model of ours does, or names another model."""
    names = set(info.files)
    plain = all(map(_PLAIN_NAME.fullmatch, names)) and names.isdisjoint({MARKER, ARCHIVE})
    if not (plain and names >= set(CONTENT)):
        raise ObjectCorruptError(f"{where}/{MARKER} lists files that are not those of a model")
    if {info.content_sha256, content_digest(info.files)} != {content_sha256}:
        raise ObjectCorruptError(
            f"{where} holds another model than the one with digest {content_sha256[:12]}…; "
            "train it again, or serve the one that is there"
        )


def _verified(source: Source, name: str, sha256: str) -> bytes:
    data = source.read(name)
    if sha256_hex(data) != sha256:
        raise ObjectCorruptError(
            f"{source.where}/{name} does not have the digest that {MARKER} names; "
            "artgrab dataset verify --mend forgets damage, then train again"
        )
    return data


def _write(file: Path, data: bytes) -> None:
    """Write a file that is whole whenever it can be seen by its name."""
    part = file.with_name(f".{file.name}.part")
    with _told(file):
        part.write_bytes(data)
        part.replace(file)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SurroundingsError(f"{path}: {error.strerror}") from error


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _leave)  # nothing else ends the first process of a container
    sys.exit(main())
