"""The reader of Qt resource archives: what it reads, and that damage is told and never followed."""

import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from tests.world import qrc
from tests.world.qrc import QrcError, read_qrc

Tree: TypeAlias = Mapping[str, "Entry"]
Entry: TypeAlias = bytes | Tree

PACKINGS: dict[int, Callable[[bytes], bytes]] = {
    0: lambda content: content,
    1: lambda content: struct.pack(">I", len(content)) + zlib.compress(content),
    4: lambda content: zstandard.ZstdCompressor().compress(content),
}


@dataclass
class Writer:
    """Writes archives in the order of Qt's resource compiler: a folder's children side by side."""

    version: int
    nodes: list[bytes] = field(default_factory=list)
    names: bytearray = field(default_factory=bytearray)
    data: bytearray = field(default_factory=bytearray)

    def archive(self, tree: Tree, packing: int) -> bytes:
        pending: list[tuple[str, Entry]] = [("", tree)]
        first_child = 1
        while pending:
            name, entry = pending.pop(0)
            if not isinstance(entry, bytes):
                self._add(name, 2, struct.pack(">II", len(entry), first_child))
                first_child += len(entry)
                pending += entry.items()
            else:
                self._add(name, packing, struct.pack(">HHI", 0, 0, len(self.data)))
                packed = PACKINGS[packing](entry)
                self.data += struct.pack(">I", len(packed)) + packed
        return self._joined()

    def _add(self, name: str, flags: int, rest: bytes) -> None:
        node = struct.pack(">IH", len(self.names), flags) + rest
        self.nodes.append(node if self.version == 1 else node + bytes(8))
        encoded = name.encode("utf-16-be")
        self.names += struct.pack(">HI", len(encoded) // 2, 0) + encoded

    def _joined(self) -> bytes:
        tree = b"".join(self.nodes)
        header = 20 if self.version < 3 else 24
        names_at = header + len(tree)
        data_at = names_at + len(self.names)
        head = b"qres" + struct.pack(">IIII", self.version, header, data_at, names_at)
        return head.ljust(header, b"\0") + tree + bytes(self.names) + bytes(self.data)


NAMES = st.text(st.characters(exclude_characters="/\0", codec="utf-16-be"), min_size=1, max_size=8)
_ENTRIES: st.SearchStrategy[Entry] = st.recursive(
    st.binary(max_size=40),
    lambda children: st.dictionaries(NAMES, children, max_size=4),
    max_leaves=12,
)
TREES: st.SearchStrategy[Tree] = st.dictionaries(NAMES, _ENTRIES, max_size=4)


def flat(tree: Tree, folder: str = "") -> list[tuple[str, bytes]]:
    files: list[tuple[str, bytes]] = []
    for name, entry in tree.items():
        path = f"{folder}/{name}".lstrip("/")
        files += flat(entry, path) if not isinstance(entry, bytes) else [(path, entry)]
    return files


@given(tree=TREES, version=st.sampled_from([1, 2, 3]), packing=st.sampled_from([0, 1, 4]))
def test_every_file_of_an_archive_is_read_as_it_was(tree, version, packing):
    assert list(read_qrc(Writer(version).archive(tree, packing))) == flat(tree)


@given(tree=TREES, packing=st.sampled_from([0, 1, 4]), data=st.data())
def test_a_damaged_archive_ends_in_its_own_error_or_in_files(tree, packing, data):
    archive = bytearray(Writer(3).archive(tree, packing))
    for _ in range(data.draw(st.integers(1, 4))):
        archive[data.draw(st.integers(4, len(archive) - 1))] = data.draw(st.integers(0, 255))
    try:
        files = list(read_qrc(bytes(archive)))
    except QrcError:
        return
    assert all(isinstance(content, bytes) for _, content in files)


@given(tree=TREES.filter(lambda tree: bool(flat(tree))), data=st.data())
def test_an_archive_that_was_cut_off_is_refused(tree, data):
    archive = Writer(2).archive({**tree, "z": b"last"}, 0)
    with pytest.raises(QrcError):
        list(read_qrc(archive[: data.draw(st.integers(0, len(archive) - 1))]))


def test_other_bytes_are_told_from_an_archive():
    with pytest.raises(QrcError, match="not a Qt resource archive"):
        list(read_qrc(b"\x89PNG\r\n\x1a\n" + bytes(40)))


def test_a_format_of_the_future_is_refused():
    with pytest.raises(QrcError, match="format 4"):
        list(read_qrc(b"qres" + struct.pack(">IIII", 4, 20, 20, 20)))


def test_a_tree_that_holds_itself_ends(monkeypatch):
    monkeypatch.setattr(qrc, "_MAX_NODES", 50)
    looping = struct.pack(">IHII", 0, 2, 1, 0)
    archive = b"qres" + struct.pack(">IIII", 1, 20, 40, 40) + looping + bytes(20)
    with pytest.raises(QrcError, match="more than 50 entries"):
        list(read_qrc(archive))


@pytest.mark.parametrize("packing", [1, 4])
def test_an_entry_that_unpacks_to_far_too_much_is_refused(packing, monkeypatch):
    monkeypatch.setattr(qrc, "MAX_ENTRY_BYTES", 1000)
    with pytest.raises(QrcError, match="more than 1000 bytes"):
        list(read_qrc(Writer(1).archive({"bomb": bytes(100_000)}, packing)))
