"""The body of an answer: no more of it than is wanted, counted after any decompression."""

import zlib
from collections.abc import Callable

from artgrab.downloader.errors import FetchError

_BUFFER_BYTES = 256 * 1024
"""At a time: what a site announces it need not send."""
_UNWANTED_BYTES = 512 * 1024
"""That may come before anybody wants them, so that most pictures are there with their head."""
_SMALL_BYTES = 4096
_CANNOT_UNDO = frozenset({"br", "compress", "dcb", "dcz", "x-compress", "zstd"})
"""Codings (IANA registry) that nobody asked for, and that we know no way back from."""


class Body:
    """Bytes that are told of when they have come (`keep`), or lie in a buffer (`took`)."""

    def __init__(self, length: int | None, coding: str) -> None:
        """Begin with nothing.

        Args:
            length: bytes as announced; None where the end is told in another way.
            coding: the Content-Encoding.

        Raises:
            FetchError: bad-answer: the coding cannot be undone.
        """
        self.length = length
        self.have = 0
        """Bytes, decompressed."""
        self.limit = 0
        """Bytes that are wanted; none where nobody said yet."""
        self._decoding = _decoding(coding)
        self._take: Callable[[int], None] = lambda count: None
        self._parts: list[bytes | bytearray | memoryview] = []
        self._held: list[bytes] = []
        """Not decompressed before somebody wants it."""
        self._held_bytes = 0
        self._buffer = memoryview(b"")
        self._filled = 0
        """Bytes of the buffer."""

    @property
    def is_direct(self) -> bool:
        """Whether nothing will come but so many bytes as were announced, as they are."""
        return self.length is not None and self._decoding is None

    @property
    def left(self) -> int:
        """Bytes that are to come of as many as were announced."""
        return (self.length or 0) - self.have

    @property
    def is_full(self) -> bool:
        """Whether no more is to come for the time being."""
        if self.limit:
            return self.have >= self.limit
        return self.have + self._held_bytes >= _UNWANTED_BYTES

    @property
    def content(self) -> bytes:
        """What came and is wanted."""
        content = b"".join([*self._parts, self._buffer[: self._filled]])
        return content if len(content) <= self.limit else content[: self.limit]

    def want(self, limit: int, take: Callable[[int], None]) -> None:
        """Want so many bytes, decompressed.

        Args:
            limit: at least 1.
            take: told of every some bytes before they are kept; what it raises goes on.

        Raises:
            FetchError: cut-off where something cannot be decompressed.
        """
        take(self.have)
        self.limit, self._take = limit, take
        held, self._held = self._held, []
        for data in held:
            self.keep(data)

    def keep(self, data: bytes) -> None:
        """Keep what came, or as much as is wanted of it.

        Raises:
            FetchError: cut-off where it cannot be decompressed.
        """
        if not (self.limit or self.is_direct):
            self._held_bytes += len(data)
            return self._held.append(data)
        if self._decoding is not None and not self.is_full:
            data = self._decoding.decode(data, self.limit - self.have)
        if not self.is_full:
            self._take(len(data))
            self._append(data)
            self.have += len(data)
        return None

    def buffer(self) -> memoryview:
        """Return where the next bytes are to be put, where nothing else will come."""
        if self._filled == len(self._buffer):
            beyond = 1  # shows that something comes behind
            self._parts.append(self._buffer)
            self._buffer = memoryview(bytearray(min(self.left + beyond, _BUFFER_BYTES)))
            self._filled = 0
        return self._buffer[self._filled :]

    def took(self, count: int) -> None:
        """Take so many bytes that were put into the buffer."""
        self._take(count)
        self._filled += count
        self.have += count

    def check_end(self) -> None:
        """Take it that no more comes.

        Raises:
            FetchError: cut-off where decompression would need more.
        """
        if self._decoding is not None and not self.is_full:
            self._decoding.check_end()

    def _append(self, data: bytes) -> None:
        """Append bytes; a million small parts would take more memory than what they hold."""
        if len(data) >= _SMALL_BYTES:
            self._parts.append(data)
        elif self._parts and isinstance(self._parts[-1], bytearray):
            self._parts[-1] += data
        else:
            self._parts.append(bytearray(data))


class _Decoding:
    """Undoes gzip or deflate."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._inflating: zlib._Decompress | None = None

    def decode(self, data: bytes, limit: int) -> bytes:
        """Return what data becomes, so many bytes at most; nobody wants what is beyond them."""
        if self._inflating is None:
            self._inflating = zlib.decompressobj(self._window(data))
        if self._inflating.eof:  # it would keep what comes behind, and copy it again and again
            return b""
        try:
            return self._inflating.decompress(data, limit)
        except zlib.error as error:
            raise FetchError("cut-off", passing=True) from error

    def check_end(self) -> None:
        if self._inflating is not None and not self._inflating.eof:
            raise FetchError("cut-off", passing=True)

    def _window(self, data: bytes) -> int:
        """Tell zlib what it is: many a server sends deflate without the frame of zlib."""
        if self._name != "deflate":
            return 16 + zlib.MAX_WBITS
        return zlib.MAX_WBITS if data[0] & 0x0F == zlib.DEFLATED else -zlib.MAX_WBITS


def _decoding(coding: str) -> _Decoding | None:
    name = coding.strip().lower()
    if name in _CANNOT_UNDO:
        raise FetchError("bad-answer")
    return _Decoding(name) if name in ("gzip", "x-gzip", "deflate") else None
