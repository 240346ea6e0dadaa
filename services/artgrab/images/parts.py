"""How many parts a file is made of: decoders go through them one by one, however small they are.

Measured with Pillow 13 and libjpeg-turbo 3.2: a JPEG of 0.3 MB with 2,000 scans took 25 s, a PNG of
12 MB with a million empty chunks 8 s, a JPEG with 20 MB of fill bytes 11 s.
"""

import re
import struct
from collections.abc import Callable, Iterator, Mapping

from artgrab.images.types import Data, PictureRefusedError

MAX_SCANS = 100
"""Of a progressive JPEG; encoders make about 10 (libjpeg-turbo's own test limit is 500)."""
MAX_SEGMENTS = 1000
"""Of a JPEG; a colour profile of the largest size has 255."""
MAX_CHUNKS = 20_000
"""Of a PNG, up to the second frame; encoders write the pixels in chunks of 8 KiB or more."""
MAX_BLOCKS = 20_000
"""Of a GIF, up to the first frame; one holds at most 255 bytes."""
MAX_SKIPPED = 65_536
"""Bytes of a JPEG that belong to no segment, up to the first scan."""

_MARKER = re.compile(rb"\xff([\x02-\xcf\xd9-\xfe])")
"""T.81, B.1.1: neither stuffing nor fill bytes, and none that stand alone but the end."""
JPEG_SCAN, _END = b"\xda", b"\xd9"
_SEQUENTIAL = (b"\xc0", b"\xc1")
JPEG_FRAMES = frozenset(bytes([0xC0 + kind]) for kind in range(16) if kind not in (4, 8, 12))
"""T.81, table B.1: what begins a frame; it says how many components there are."""


def check_parts(data: Data, *, source_format: str) -> None:
    """Return when a decoder has not too much to go through.

    Raises:
        PictureRefusedError: too-many-parts.
    """
    check = _CHECKS.get(source_format)
    if check is not None and not check(data):
        raise PictureRefusedError("too-many-parts")


def _is_short_jpeg(data: Data) -> bool:
    scans = skipped = 0
    frame = b""
    for segments, (marker, before, at) in enumerate(jpeg_segments(data), start=1):
        skipped += 0 if scans else before
        scans += marker == JPEG_SCAN
        if segments > MAX_SEGMENTS or scans > MAX_SCANS or skipped > MAX_SKIPPED:
            return False
        if marker in JPEG_FRAMES:
            frame = marker + data[at + 7 : at + 8]
        is_first = marker == JPEG_SCAN and scans == 1
        if is_first and not _may_have_many_scans(data, frame, components=data[at + 2 : at + 3]):
            return True
    return True


def _may_have_many_scans(data: Data, frame: bytes, *, components: Data) -> bool:
    """Tell whether to look at each scan, after the first one.

    Where that has all components of a sequential frame, libjpeg takes no second one (jdinput.c,
    consume_markers): to count them in all bytes would be a twentieth of what a picture costs.
    """
    if frame[:1] in _SEQUENTIAL and frame[1:] == components:
        return False
    return bytes(data).count(b"\xff" + JPEG_SCAN) > MAX_SCANS


def jpeg_segments(data: Data) -> Iterator[tuple[bytes, int, int]]:
    """Yield the marker of each segment, the bytes passed over before, and where its length is."""
    at = 2
    while (found := _MARKER.search(data, at)) is not None and found[1] != _END:
        yield found[1], found.start() - at, found.end()
        at = found.end() + int.from_bytes(data[found.end() : found.end() + 2], "big")


def png_chunks(data: Data) -> Iterator[bytes]:
    """Yield the kind of each chunk of a PNG, up to the second frame."""
    at = 8
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind in (b"IEND", b"fdAT"):
            return
        yield kind
        at += 12 + length


def _blocks(data: Data) -> Iterator[None]:
    """Yield for every block or byte that stands before the first frame."""
    flags = data[10] if len(data) > 10 else 0
    at = 13 + (6 << (flags & 7) if flags & 0x80 else 0)
    while at < len(data) and data[at] not in b",;":
        yield
        if data[at] != ord("!"):
            at += 1
            continue
        at += 2
        while at < len(data) and data[at]:
            yield
            at += 1 + data[at]
        at += 1


def _are_few(parts: Iterator[object], most: int) -> bool:
    return all(number < most for number, _ in enumerate(parts))


_CHECKS: Mapping[str, Callable[[Data], bool]] = {
    "jpeg": _is_short_jpeg,
    "png": lambda data: _are_few(png_chunks(data), MAX_CHUNKS),
    "gif": lambda data: _are_few(_blocks(data), MAX_BLOCKS),
}
