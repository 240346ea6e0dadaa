"""Two pipes to a process: whole messages in few system calls.

asyncio's streams copy a message of 160 KB four times and wake up three times for it, which took as
long as a tenth of the picture's decoding.
"""

import asyncio
import fcntl
import os
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
        self._watched_by: asyncio.AbstractEventLoop | None = None
        """Who tells when something came; to ask anew for each message would take longer."""
        self._coming: asyncio.Future[bytes] | None = None

    def hand_over(self) -> None:
        """Close the ends of the process, which has them now."""
        _close(self._theirs)

    def close(self) -> None:
        """Close all that is open."""
        self._stop_watching()
        _close(self._theirs)
        _close(self._ours)
        self._write_end = self._read_end = -1  # their numbers may soon be others'

    async def send(self, *parts: Data) -> None:
        """Return when all of a message is in the pipe, part after part.

        Raises:
            OSError: nobody reads.
        """
        rest = [memoryview(part) for part in parts]
        while rest:
            try:
                rest = _beyond(rest, os.writev(self._write_end, rest))
            except BlockingIOError:
                await self._room()

    async def receive(self, *, limit: int) -> memoryview:
        """Return the next message, which begins with its length in 4 bytes (big-endian).

        Raises:
            EOFError: it does not come, or would be longer than the limit.
        """
        message = bytearray()
        wanted = LENGTH_BYTES
        while len(message) < wanted:
            found = await self._something()
            message += found
            if len(message) >= LENGTH_BYTES:
                wanted = LENGTH_BYTES + int.from_bytes(message[:LENGTH_BYTES], "big")
            if not found or wanted > limit:
                raise EOFError("no answer, or one that is too long")
        if len(message) > wanted:
            raise EOFError("more than one answer")
        return memoryview(message)[LENGTH_BYTES:]

    async def _room(self) -> None:
        """Return when something can be written, or nobody reads any more."""
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        loop.add_writer(self._write_end, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_writer(self._write_end)

    async def _something(self) -> bytes:
        """Return what comes next, nothing at the end."""
        loop = asyncio.get_running_loop()
        self._coming = loop.create_future()
        if self._watched_by is None:
            loop.add_reader(self._read_end, self._read)
            self._watched_by = loop
        try:
            return await self._coming
        finally:
            self._coming = None

    def _read(self) -> None:
        if self._coming is None or self._coming.done():
            return self._stop_watching()  # nobody asks: it would be told of again and again
        try:
            self._coming.set_result(os.read(self._read_end, _ROOM))
        except BlockingIOError:
            pass  # what it was told of is read already
        except Exception as error:  # for who asked, and not for the loop
            self._coming.set_exception(error)
        return None

    def _stop_watching(self) -> None:
        if self._watched_by is not None:
            self._watched_by.remove_reader(self._read_end)
            self._watched_by = None


def _beyond(parts: list[memoryview], count: int) -> list[memoryview]:
    """Return what is left of parts after so many bytes of them."""
    while parts and count >= len(parts[0]):
        count -= len(parts.pop(0))
    return [parts[0][count:], *parts[1:]] if parts else []


def _pipe() -> tuple[int, int]:
    ends = os.pipe()
    with suppress(OSError, AttributeError):  # it holds 64 KB then
        fcntl.fcntl(ends[1], fcntl.F_SETPIPE_SZ, _ROOM)
    return ends


def _close(descriptors: list[int]) -> None:
    while descriptors:
        os.close(descriptors.pop())
