"""Memory that a process shares with its decoders: it puts pictures there, they can only read them.

Through a pipe each byte would be copied twice more on its way to a decoder.
"""

import fcntl
import mmap
import os
import weakref
from bisect import bisect
from collections import deque
from typing import Any, Self

import numpy as np

from artgrab.images.types import Data

_F_SEAL_FUTURE_WRITE = 0x10
"""fcntl.h, Linux 5.1 and later: nothing can be written but where it is mapped already."""


class Extents:
    """Which parts of so many bytes are free; the first that is large enough is taken."""

    def __init__(self, size: int) -> None:
        self._free = [(0, size)]
        """Starts and sizes, in order; no two of them touch."""

    def take(self, size: int) -> int | None:
        """Return where so many bytes begin that are taken now; None where there is no room."""
        for place, (start, free) in enumerate(self._free):
            if free >= size:
                rest = [(start + size, free - size)] if free > size else []
                self._free[place : place + 1] = rest
                return start
        return None

    def give_back(self, start: int, size: int) -> None:
        """Take it that bytes which were taken are free."""
        place = bisect(self._free, (start, size))
        behind = self._free[place : place + 1]
        before = self._free[max(place - 1, 0) : place]
        if behind and behind[0][0] == start + size:
            size += self._free.pop(place)[1]
        if before and sum(before[0]) == start:
            place -= 1
            start, size = before[0][0], before[0][1] + size
            del self._free[place]
        self._free.insert(place, (start, size))


class SharedMemory:
    """Room for pictures; where no more can be shared, in memory of our own.

    Use it as a context manager.
    """

    def __init__(self, size: int, *, most: int | None = None) -> None:
        """Share so many bytes; each costs nothing until it is used, and stays then.

        Args:
            size: at least 1.
            most: that one room may have; larger ones are ours alone.
        """
        self.size = _whole_pages(size)
        self._most = most or self.size
        self._map: mmap.mmap | None
        self.descriptor: int | None
        """Of what is shared, for processes that may read it; None where the system cannot."""
        self._map, self.descriptor = _opened(self.size) or (None, None)
        self._address = _address(self._map) if self._map else 0
        self._extents = Extents(self.size if self._map else 0)
        self._rooms: dict[int, weakref.ref[Any]] = {}
        """What is in use, by start."""
        self._left = deque[tuple[int, int]]()
        """What is so no more: told by whatever thread was the last to know of it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None

    def take(self, size: int) -> memoryview:
        """Return room for so many bytes, at least 1, for as long as somebody keeps a view of it."""
        while self._left:
            left = self._left.popleft()
            del self._rooms[left[0]]
            self._extents.give_back(*left)
        whole_pages = _whole_pages(size)
        start = self._extents.take(whole_pages) if size <= self._most else None
        if self._map is None or start is None:
            return memoryview(mmap.mmap(-1, size))
        room = np.frombuffer(self._map, np.uint8, size, start)
        leave = self._left.append  # without us, who keep it
        self._rooms[start] = weakref.ref(room, lambda _: leave((start, whole_pages)))
        return room.data

    def find(self, data: Data) -> int | None:
        """Return where data lies in what is shared; None where it does not."""
        if not isinstance(data, memoryview) or not data:
            return None
        start = _address(data) - self._address
        return start if 0 <= start < self.size and self._map else None


def _opened(size: int) -> tuple[mmap.mmap, int] | None:
    """Return sealed memory and its descriptor; None where the system has no such."""
    try:
        descriptor = os.memfd_create("pictures", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    except (OSError, AttributeError):  # not Linux
        return None
    try:
        os.ftruncate(descriptor, size)
        shared = mmap.mmap(descriptor, size)
        seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | _F_SEAL_FUTURE_WRITE
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
    except (OSError, OverflowError):
        os.close(descriptor)
        return None
    return shared, descriptor


def mapped(descriptor: int) -> memoryview:
    """Return what a process shares with us; we can only read it."""
    size = os.fstat(descriptor).st_size
    return memoryview(mmap.mmap(descriptor, size, prot=mmap.PROT_READ))


def _whole_pages(size: int) -> int:
    return -(-size // mmap.PAGESIZE) * mmap.PAGESIZE


def _address(data: mmap.mmap | memoryview) -> int:
    address: int = np.frombuffer(data, np.uint8).__array_interface__["data"][0]
    return address
