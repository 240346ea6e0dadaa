"""The body of an answer: no more of it than is wanted, counted after any decompression."""

import zlib
from collections.abc import Callable

from artgrab.downloader.errors import FetchError

_UNWANTED_BYTES = 256 * 1024
"""That may come before anybody wants them, so that most pictures are there with their head."""
_BEYOND = 1
"""Byte that shows that something comes behind."""
_SMALL_BYTES = 4096
Room = Callable[[int], memoryview]
"""Returns memory for so many bytes, which is theirs as long as there is a view of it."""
_CANNOT_UNDO = frozenset({"br", "compress", "dcb", "dcz", "x-compress", "zstd"})
"""Codings (IANA registry) that nobody asked for, and that we know no way back from."""


class Body:
    """Bytes that are told of when they have come (`keep`), or lie in their room (`took`)."""

    def __init__(self, length: int | None, coding: str, room: Room) -> None:
        """Begin with nothing.

        Args:
            length: bytes as announced; None where the end is told in another way.
            coding: the Content-Encoding.
            room: for a body that comes as it is, with a length that was announced.

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
        self._room = room
        self._place: memoryview | None = None
        """Where there is a room for it: as soon as it is wanted, or at once where it is short."""
        if self._needs_place and self.left <= _UNWANTED_BYTES:
            self._settle(self.left)

    @property
    def is_direct(self) -> bool:
        """Whether what comes is to be put into a buffer, and nothing else will come."""
        return self._place is not None

    @property
    def left(self) -> int:
        """Bytes that are to come of as many as were announced."""
        return (self.length or 0) - self.have

    @property
    def is_full(self) -> bool:
        """Whether no more is to come for the time being."""
        if self.limit:
            return self.have >= self.limit
        return self._needs_place or self.have + self._held_bytes >= _UNWANTED_BYTES

    @property
    def content(self) -> bytes | memoryview:
        """What came and is wanted."""
        if self._place is not None:
            return self._place[: min(self.have, self.limit)]
        content = b"".join(self._parts)
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
        if self._needs_place:
            self._settle(min(self.left, limit))
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
        """Return where the next bytes of a direct body are to be put; none are, once it is full."""
        return memoryview(b"") if self._place is None else self._place[self.have :]

    def took(self, count: int) -> None:
        """Take so many bytes that were put into the buffer."""
        self._take(count)
        self.have += count

    def check_end(self) -> None:
        """Take it that no more comes.

        Raises:
            FetchError: cut-off where decompression would need more.
        """
        if self._decoding is not None and not self.is_full:
            self._decoding.check_end()

    @property
    def _needs_place(self) -> bool:
        """Whether it comes as it is, with a length, and has none yet."""
        return bool(self.length) and self._decoding is None and self._place is None

    def _settle(self, size: int) -> None:
        self._place = self._room(size + _BEYOND)

    def _append(self, data: bytes) -> None:
        """Append bytes; a million small parts would take more memory than what they hold."""
        if self._place is not None:
            end = min(self.have + len(data), len(self._place))
            self._place[self.have : end] = data[: end - self.have]
        elif len(data) >= _SMALL_BYTES:
            self._parts.append(data)
        elif self._parts and isinstance(self._parts[-1], bytearray):
            self._parts[-1] += data
        else:
            self._parts.append(bytearray(data))


def own_room(size: int) -> memoryview:
    """Be a Room that nobody shares."""
    return memoryview(bytearray(size))


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
