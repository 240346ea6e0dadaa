"""Stored documents: what a newer artgrab wrote is refused before it can be misread."""

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from artgrab.common.errors import ObjectCorruptError
from artgrab.common.keys import SCHEMA_VERSION, check_schema_version
from artgrab.common.unreadable import UNREADABLE

TABLE_METADATA = {b"artgrab.schema_version": str(SCHEMA_VERSION).encode()}
"""To be written into the metadata of every table."""

T = TypeVar("T")


class _Versioned(msgspec.Struct):
    schema_version: int = 0


def decode_document(data: bytes, kind: type[T], *, where: str) -> T:
    """Return what a JSON document holds; `where` is its address, for messages.

    Raises:
        BadInputError: a newer artgrab wrote it.
        ObjectCorruptError: it is not such a document.
    """
    refuse_newer(data, where=where)
    try:
        return msgspec.json.decode(data, type=kind)
    except UNREADABLE as error:
        raise ObjectCorruptError(f"{where} cannot be read: {error}") from error


def refuse_newer(data: bytes, *, where: str) -> None:
    """Refuse a JSON document of a newer artgrab, whatever else has changed in it.

    Raises:
        BadInputError: a newer artgrab wrote it.
    """
    try:
        version = msgspec.json.decode(data, type=_Versioned).schema_version
    except UNREADABLE:
        return  # not even that: who reads the whole says what is wrong
    check_schema_version(version, where=where)


def refuse_newer_lines(data: bytes, *, where: str) -> None:
    """As refuse_newer, for a document in each line."""
    for line in data.splitlines():
        refuse_newer(line, where=where)


def refuse_newer_table(metadata: Mapping[bytes, bytes] | None, *, where: str) -> None:
    """As refuse_newer, for a table by its metadata; tables without a version are of the first."""
    (key,) = TABLE_METADATA
    version = (metadata or {}).get(key, b"1").decode(errors="replace")
    check_schema_version(int(version) if version.isdecimal() else 0, where=where)
