"""Where the model that is served lies: in a store, or in a folder of this machine."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from artgrab.common.errors import BadInputError, ObjectMissingError, SurroundingsError
from artgrab.common.store import Store
from artgrab.model.documents import (
    CONFIG,
    MARKER,
    ModelConfig,
    ModelInfo,
    Read,
    parse_config,
    parse_info,
)

_PREFIX = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)*", re.ASCII)
_EXAMPLE = "default/models/KEY"


class Description(msgspec.Struct, frozen=True):
    """Which model is served, known without torch."""

    content_sha256: str
    config: ModelConfig


@dataclass(frozen=True)
class Source:
    """A model folder; what is read of it is verified by who reads it."""

    read: Read
    """Raises ObjectMissingError or SurroundingsError."""
    where: str
    """Its address, for messages."""

    def info(self) -> ModelInfo:
        """Return the document of a complete model.

        Raises:
            ObjectMissingError: there is no complete model.
            ObjectCorruptError: the document is not readable.
            BadInputError: it was written by a newer artgrab.
        """
        return parse_info(self.read(MARKER), where=self.where)

    def describe(self) -> Description:
        """Return which model this is.

        Raises:
            ArtgrabError: as info, or its config cannot be read.
        """
        config = parse_config(self.read(CONFIG), where=self.where)
        return Description(self.info().content_sha256, config)


def in_store(uri: str, prefix: str, *, patience: Sequence[float] | None = None) -> Source:
    """Return the model at a prefix of a store, which is opened with such patience.

    Raises:
        BadInputError: the prefix is none, or there is no such store.
        SurroundingsError: the store cannot be read.
    """
    if not _PREFIX.fullmatch(prefix):
        raise BadInputError(
            f"--model {prefix[:200]!r}: no prefix of a store; give one as {_EXAMPLE}"
        )
    store = Store.open(uri, to_write=False, patience=patience)
    return Source(lambda name: store.get(f"{prefix}/{name}"), store.uri_of(prefix))


def in_folder(folder: Path) -> Source:
    """Return the model in a folder, as `python -m artgrab.serving.fetch` writes it."""
    return Source(lambda name: _read(folder / name), str(folder))


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError as error:
        raise ObjectMissingError(
            f"{file} is not there; python -m artgrab.serving.fetch writes a model into a folder"
        ) from error
    except OSError as error:
        raise SurroundingsError(f"{file}: {error.strerror}") from error
