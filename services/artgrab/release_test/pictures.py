"""A picture to ask about, made without any library of pictures."""

import struct
import zlib

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_RGB = 2
"""Colour type of PNG (section 11.2.1 of its specification): three samples of 8 bits."""


def example_png(side: int = 128) -> bytes:
    """Return a square PNG of a colour gradient, side in pixels."""
    rows = b"".join(b"\0" + _row(y, side) for y in range(side))
    header = struct.pack(">IIBBBBB", side, side, 8, _RGB, 0, 0, 0)
    return b"".join(
        (
            _SIGNATURE,
            _chunk(b"IHDR", header),
            _chunk(b"IDAT", zlib.compress(rows)),
            _chunk(b"IEND", b""),
        )
    )


def _row(y: int, side: int) -> bytes:
    scale = 255 / max(1, side - 1)
    return b"".join(bytes((int(x * scale), int(y * scale), 128)) for x in range(side))


def _chunk(kind: bytes, data: bytes) -> bytes:
    check = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)
