"""Read Qt resource archives (`.rcc`), the form in which GCompris ships its pictures.

The layout is that of Qt's own resource compiler (qtbase, `src/tools/rcc/rcc.cpp`), format versions
1 to 3: a header, a tree of fixed-size nodes, a table of names in UTF-16 and the data, each entry
stored plainly, by zlib or by zstd.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

import zstandard

MAGIC = b"qres"
MAX_ENTRY_BYTES = 64 * 1024 * 1024
_ZLIB, _DIRECTORY, _ZSTD = 1, 2, 4
_MAX_NODES = 100_000


class QrcError(ValueError):
    """The bytes are not a Qt resource archive that we can read."""


class _Header(NamedTuple):
    version: int
    tree: int
    data: int
    names: int


class _Node(NamedTuple):
    name: str
    flags: int
    children: int
    """Number of children; of directories only."""
    where: int
    """Index of the first child for a directory, else the offset into the data section."""


def read_qrc(archive: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield path (without a leading slash) and content of every file, in tree order.

    Raises QrcError where the archive is damaged; never reads outside of it, and unpacks no entry
    beyond MAX_ENTRY_BYTES.
    """
    try:
        header = _header(archive)
        yield from _walk(archive, header)
    except (struct.error, zlib.error, zstandard.ZstdError, UnicodeDecodeError) as error:
        raise QrcError(f"damaged Qt resource archive: {error}") from error


def _header(archive: bytes) -> _Header:
    if archive[:4] != MAGIC:
        raise QrcError("not a Qt resource archive: it does not begin with 'qres'")
    header = _Header(*struct.unpack_from(">4I", archive, 4))
    if not 1 <= header.version <= 3:
        raise QrcError(f"Qt resource format {header.version} is unknown (1 to 3 are known)")
    return header


def _walk(archive: bytes, header: _Header) -> Iterator[tuple[str, bytes]]:
    pending = [("", _node(archive, header, 0))]
    for _ in range(_MAX_NODES):
        if not pending:
            return
        folder, node = pending.pop()
        path = f"{folder}/{node.name}".lstrip("/")
        if not node.flags & _DIRECTORY:
            yield path, _content(archive, header.data + node.where, node.flags)
            continue
        if node.children > _MAX_NODES:
            break
        children = range(node.where, node.where + node.children)
        pending.extend((path, _node(archive, header, index)) for index in reversed(children))
    raise QrcError(f"more than {_MAX_NODES} entries in a Qt resource archive")


def _node(archive: bytes, header: _Header, index: int) -> _Node:
    size = 14 if header.version == 1 else 22
    at = header.tree + index * size
    name_offset, flags = struct.unpack_from(">IH", archive, at)
    if flags & _DIRECTORY:
        count, first = struct.unpack_from(">II", archive, at + 6)
        name = _name(archive, header.names + name_offset) if index else ""
        return _Node(name, flags, count, first)
    (data_offset,) = struct.unpack_from(">I", archive, at + 10)
    return _Node(_name(archive, header.names + name_offset), flags, 0, data_offset)


def _name(archive: bytes, at: int) -> str:
    (length,) = struct.unpack_from(">H", archive, at)
    return _slice(archive, at + 6, 2 * length).decode("utf-16-be")


def _content(archive: bytes, at: int, flags: int) -> bytes:
    (length,) = struct.unpack_from(">I", archive, at)
    raw = _slice(archive, at + 4, length)
    if flags & _ZLIB:
        # qCompress puts the unpacked length, four bytes, before the zlib stream.
        return _checked(zlib.decompressobj().decompress(raw[4:], MAX_ENTRY_BYTES + 1))
    if flags & _ZSTD:
        with zstandard.ZstdDecompressor().stream_reader(raw) as reader:
            return _checked(reader.read(MAX_ENTRY_BYTES + 1))
    return raw


def _checked(content: bytes) -> bytes:
    if len(content) > MAX_ENTRY_BYTES:
        raise QrcError(f"an entry unpacks to more than {MAX_ENTRY_BYTES} bytes")
    return content


def _slice(archive: bytes, at: int, length: int) -> bytes:
    if at + length > len(archive):
        raise QrcError("an entry lies outside of the Qt resource archive")
    return archive[at : at + length]
