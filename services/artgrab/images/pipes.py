"""Two pipes to a process: whole messages in few system calls.

asyncio's streams copy a message of 160 KB four times and wake up three times for it, which took as
long as a tenth of the picture's decoding.
"""

import asyncio
import fcntl
import os
from collections.abc import Callable
from contextlib import suppress

from artgrab.images.frames import LENGTH_BYTES
from artgrab.images.types import Data

_ROOM = 1024**2
"""Bytes that a pipe is to hold: most pictures at once (pipe(7); more is for the privileged)."""


class Pipes:
    """Our ends of both, and those that the process inherits until they are handed over."""

    def __init__(self) -> None:
        self.stdin, self._write_end = _pipe()
        self._read_end, self.stdout = _pipe()
        os.set_blocking(self._write_end, False)
        os.set_blocking(self._read_end, False)
        self._theirs = [self.stdin, self.stdout]
        self._ours = [self._write_end, self._read_end]

    def hand_over(self) -> None:
        """Close the ends of the process, which has them now."""
        _close(self._theirs)

    def close(self) -> None:
        """Close all that is open."""
        _close(self._theirs)
        _close(self._ours)
        self._write_end = self._read_end = -1  # their numbers may soon be others'

    async def send(self, *parts: Data) -> None:
        """Return when all of a message is in the pipe, part after part.

        Raises:
            OSError: nobody reads.
        """
        rest = [memoryview(part) for part in parts]
        loop = asyncio.get_running_loop()
        while rest:
            try:
                rest = _beyond(rest, os.writev(self._write_end, rest))
            except BlockingIOError:
                await _once(loop.add_writer, loop.remove_writer, self._write_end)

    async def receive(self, *, limit: int) -> memoryview:
        """Return the next message, which begins with its length in 4 bytes (big-endian).

        Raises:
            EOFError: it does not come, or would be longer than the limit.
        """
        message = bytearray()
        wanted = LENGTH_BYTES
        loop = asyncio.get_running_loop()
        while len(message) < wanted:
            await _once(loop.add_reader, loop.remove_reader, self._read_end)
            found = os.read(self._read_end, _ROOM)
            message += found
            if len(message) >= LENGTH_BYTES:
                wanted = LENGTH_BYTES + int.from_bytes(message[:LENGTH_BYTES], "big")
            if not found or wanted > limit:
                raise EOFError("no answer, or one that is too long")
        if len(message) > wanted:
            raise EOFError("more than one answer")
        return memoryview(message)[LENGTH_BYTES:]


def _beyond(parts: list[memoryview], count: int) -> list[memoryview]:
    """Return what is left of parts after so many bytes of them."""
    while parts and count >= len(parts[0]):
        count -= len(parts.pop(0))
    return [parts[0][count:], *parts[1:]] if parts else []


async def _once(add: Callable[..., None], remove: Callable[[int], object], descriptor: int) -> None:
    ready = asyncio.Event()
    add(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        remove(descriptor)


def _pipe() -> tuple[int, int]:
    ends = os.pipe()
    with suppress(OSError, AttributeError):  # it holds 64 KB then
        fcntl.fcntl(ends[1], fcntl.F_SETPIPE_SZ, _ROOM)
    return ends


def _close(descriptors: list[int]) -> None:
    while descriptors:
        os.close(descriptors.pop())
