"""Memory that is shared with decoders: nobody gets what another one has, or writes into it."""

import gc
import mmap
import os
import subprocess
import sys
import weakref
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artgrab.images import DecodePool, PictureRefusedError, SharedMemory, process_picture
from artgrab.images.memory import Extents
from artgrab.images.types import Data
from tests.support.drawn import jpeg

MB = 1024**2
READER = """
import ctypes, mmap, os, sys
from artgrab.images.memory import _address, mapped
libc = ctypes.CDLL(None, use_errno=True)
shared = int(sys.argv[1])
view = mapped(shared)
address = _address(view)
print(bytes(view[:5]).decode(), end=" ")
try:
    if eval(sys.argv[2]) == -1:
        raise OSError(ctypes.get_errno(), "refused")
except OSError:
    print("refused")
else:
    print("done")
"""
_WORKER = (sys.executable, "-P", "-m", "artgrab.images.worker")


@given(st.data())
def test_parts_that_are_taken_never_overlap_and_all_is_one_again_in_the_end(
    data: st.DataObject,
) -> None:
    extents = Extents(100)
    taken: dict[int, int] = {}
    for _ in range(data.draw(st.integers(0, 30))):
        gives_back = data.draw(st.booleans())
        if gives_back and taken:
            start = data.draw(st.sampled_from(sorted(taken)))
            extents.give_back(start, taken.pop(start))
        else:
            size = data.draw(st.integers(1, 60))
            start_of_it = extents.take(size)
            if start_of_it is not None:
                taken[start_of_it] = size
            else:
                assert size > _longest_gap(taken)
        covered = [at for start, size in taken.items() for at in range(start, start + size)]
        assert len(covered) == len(set(covered))
        assert set(covered) <= set(range(100))
        whole = extents.take(100)
        assert (whole == 0) == (not taken)
        if whole is not None:
            extents.give_back(whole, 100)
    for start, size in taken.items():
        extents.give_back(start, size)
    assert extents.take(100) == 0


def _longest_gap(taken: dict[int, int]) -> int:
    gaps = "".join(
        "x" if any(start <= at < start + size for start, size in taken.items()) else "."
        for at in range(100)
    )
    return max(map(len, gaps.split("x")))


def put(memory: SharedMemory, data: bytes) -> memoryview:
    """Return data where decoders find it."""
    room = memory.take(len(data))
    room[:] = data
    return room


def test_room_is_others_only_when_nobody_has_a_view_of_it_any_more() -> None:
    with SharedMemory(3 * mmap.PAGESIZE) as memory:
        first, second = memory.take(10), memory.take(mmap.PAGESIZE + 1)
        assert (memory.find(first), memory.find(second)) == (0, mmap.PAGESIZE)
        part = first[5:]
        del first
        assert memory.find(memory.take(1)) is None
        assert memory.find(part) == 5
        del part
        assert memory.find(memory.take(1)) == 0


def test_where_no_more_can_be_shared_there_is_still_room() -> None:
    with SharedMemory(mmap.PAGESIZE) as memory:
        rooms = [put(memory, bytes([number]) * 5000) for number in range(3)]
        assert rooms == [bytes([number]) * 5000 for number in range(3)]
        assert not any(map(memory.find, rooms))


def test_a_long_one_takes_no_room_from_others() -> None:
    with SharedMemory(4 * mmap.PAGESIZE, most=100) as memory:
        assert memory.find(put(memory, bytes(101))) is None
        assert memory.find(put(memory, bytes(100))) == 0


def test_memory_that_is_done_with_is_gone_without_a_collector_of_cycles() -> None:
    gc.disable()
    try:
        with SharedMemory(MB) as memory:
            room, gone = put(memory, b"hello"), weakref.ref(memory)
        del memory
        assert gone() is None
        assert bytes(room) == b"hello"
    finally:
        gc.enable()


def test_bytes_that_lie_elsewhere_are_not_found() -> None:
    with SharedMemory(MB) as memory:
        for data in (b"abc", memoryview(b"abc"), memoryview(b""), memory.take(5)[:0]):
            assert memory.find(data) is None


@pytest.mark.parametrize(
    "deed",
    [
        "mmap.mmap(shared, 4096)",
        "os.pwrite(shared, b'x', 0)",
        "os.ftruncate(shared, 0)",
        "os.ftruncate(shared, 8192)",
        "open(f'/proc/self/fd/{shared}', 'r+b', buffering=0).write(b'x')",
        "open(f'/proc/self/fd/{shared}', 'w')",
        "libc.fallocate(shared, 3, ctypes.c_long(0), ctypes.c_long(4096))",
        "libc.mprotect(ctypes.c_void_p(address), ctypes.c_size_t(4096), 3)",
    ],
)
def test_a_process_that_is_told_of_it_reads_and_writes_nothing(deed: str) -> None:
    with SharedMemory(mmap.PAGESIZE) as memory:
        ours = put(memory, b"hello")
        assert memory.descriptor is not None
        reading = [sys.executable, "-c", READER, str(memory.descriptor), deed]
        done = subprocess.run(
            reading, capture_output=True, pass_fds=[memory.descriptor], check=True
        )
        assert done.stdout == b"hello refused\n"
        assert bytes(ours) == b"hello"


@pytest.mark.parametrize("lacks", ["memfd_create", "seals", "memory"])
async def test_a_system_that_cannot_share_memory_has_its_pictures_decoded_all_the_same(
    lacks: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if lacks == "memfd_create":
        monkeypatch.delattr(os, "memfd_create")
    elif lacks == "seals":
        monkeypatch.setattr("artgrab.images.memory._F_SEAL_FUTURE_WRITE", 0x4000)
    data = jpeg(1)
    with SharedMemory(2**62 if lacks == "memory" else MB) as memory:
        assert memory.descriptor is None
        async with DecodePool(workers=1, memory=memory) as pool:
            assert await pool.process(put(memory, data)) == process_picture(data)


async def test_a_pool_finds_a_picture_wherever_it_lies() -> None:
    data = jpeg(1, width=800, height=600)
    with SharedMemory(MB) as memory:
        places: list[Data] = [data, put(memory, data), memoryview(data), put(memory, b"x" + data)]
        async with DecodePool(workers=1, memory=memory) as pool:
            for place in (*places[:3], places[3][1:]):
                assert await pool.process(place) == process_picture(data)
            with pytest.raises(PictureRefusedError, match="html"):
                await pool.process(put(memory, b"<html >"))
            with pytest.raises(PictureRefusedError, match="truncated"):
                await pool.process(put(memory, data)[:-100])


async def test_nothing_of_a_picture_in_shared_memory_goes_through_the_pipe(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent = list[int]()
    writev = os.writev

    def counting(descriptor: int, parts: list[memoryview]) -> int:
        sent.append(sum(map(len, parts)))
        return writev(descriptor, parts)

    monkeypatch.setattr(os, "writev", counting)
    with SharedMemory(MB) as memory:
        async with DecodePool(workers=1, memory=memory) as pool:
            await pool.process(put(memory, jpeg(1)))
            await pool.process(jpeg(2))
    assert sent[0] < 100 < len(jpeg(2)) <= sent[1]


async def test_a_worker_that_dies_costs_no_picture_in_shared_memory(tmp_path: Path) -> None:
    data, dead = jpeg(1), tmp_path / "dead"
    command = ("/bin/sh", "-c", f'[ -e {dead} ] && exec "$@" || touch {dead}', "sh")
    with SharedMemory(MB) as memory:
        async with DecodePool(workers=1, memory=memory, command=(*command, *_WORKER)) as pool:
            assert await pool.process(put(memory, data)) == process_picture(data)
    assert dead.exists()
