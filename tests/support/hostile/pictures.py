"""Picture files that are odd, damaged or made to cost their reader much; a few bytes do a lot."""

import io
import struct
import zlib
from collections.abc import Iterable

import numpy as np
from PIL import Image

from tests.support.drawn import drawn, encoded, jpeg

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_RUN = 1 << 14
"""Blocks that one code of EOB14 with bits of zero skips (T.81, G.1.2.2)."""


def chunk(kind: bytes, data: bytes = b"") -> bytes:
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    width: int,
    height: int,
    *before: bytes,
    depth: int = 8,
    colour: int = 2,
    rows: bytes | None = None,
    palette: bytes = b"",
    after: bytes = b"",
) -> bytes:
    """Return a PNG of zeros with other chunks before and after its pixels."""
    if rows is None:
        rows = (b"\0" + b"\0" * ((width * _CHANNELS[colour] * depth + 7) // 8)) * height
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    colours = chunk(b"PLTE", palette) if palette else b""
    pixels = chunk(b"IDAT", zlib.compress(rows, 9))
    parts = (chunk(b"IHDR", header), colours, *before, pixels, after, chunk(b"IEND"))
    return PNG_MAGIC + b"".join(parts)


def segment(marker: int, data: bytes = b"") -> bytes:
    """Return a segment of a JPEG."""
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(data) + 2) + data


def jpeg_with(*segments: bytes) -> bytes:
    """Return a good JPEG with segments put in right after its start."""
    good = jpeg()
    return good[:2] + b"".join(segments) + good[2:]


def resized_jpeg(width: int, height: int) -> bytes:
    """Return a JPEG that claims another size than it has pixels for."""
    good = bytearray(jpeg())
    at = good.index(b"\xff\xc0") + 5
    good[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(good)


def exif(entries: Iterable[tuple[int, int, int, int]]) -> bytes:
    """Return an EXIF block of one directory: tag, type, count and value or offset of each."""
    listed = [struct.pack(">HHII", *entry) for entry in entries]
    return b"MM\0*\0\0\0\x08" + struct.pack(">H", len(listed)) + b"".join(listed) + b"\0\0\0\0"


def jpeg_of_scans(side: int, scans: int) -> bytes:
    """Return a progressive JPEG whose every scan makes the decoder walk through all its blocks."""
    blocks = ((side + 7) // 8) ** 2
    steps = -(-blocks // _RUN) * 15
    zeros = b"\0" * -(-steps // 8)
    head = (
        b"\xff\xd8"
        + segment(0xDB, b"\0" + b"\x01" * 64)
        + segment(0xC2, struct.pack(">BHHB", 8, side, side, 1) + b"\x01\x11\x00")
        + segment(0xC4, b"\x00\x01" + b"\0" * 15 + b"\x00")
        + segment(0xC4, b"\x10\x01" + b"\0" * 15 + b"\xe0")
    )
    first = segment(0xDA, b"\x01\x01\x00\x00\x00\x00") + b"\0" * -(-blocks // 8)
    further = segment(0xDA, b"\x01\x01\x00\x01\x3f\x0d") + zeros
    return head + first + further * scans + b"\xff\xd9"


def arithmetic_jpeg() -> bytes:
    """Return a grey JPEG of arithmetic coding (T.81, SOF9), which few decoders know."""
    frame = struct.pack(">BHHB", 8, 64, 64, 1) + b"\x01\x11\x00"
    scan = segment(0xDA, b"\x01\x01\x00\x00\x3f\x00") + bytes(64)
    return (
        b"\xff\xd8"
        + segment(0xDB, b"\0" + b"\x01" * 64)
        + segment(0xC9, frame)
        + scan
        + b"\xff\xd9"
    )


def gif(width: int, height: int, *before: bytes, frames: int = 1) -> bytes:
    """Return a GIF of frames of one black pixel, with blocks before the first."""
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + bytes([2, 2, 0x44, 1, 0])
    return head + b"".join(before) + frame * frames + b";"


def webp_animation(width: int, height: int, frames: int) -> bytes:
    """Return an animated WebP of frames of one pixel on a canvas."""
    pixel = encoded(Image.new("RGB", (1, 1)), "WEBP", lossless=True)[12:]
    frame = _riff(b"ANMF", b"\0" * 12 + b"\1\0\0\0" + pixel)
    canvas = b"".join((side - 1).to_bytes(3, "little") for side in (width, height))
    head = _riff(b"VP8X", b"\2\0\0\0" + canvas) + _riff(b"ANIM", b"\0" * 6)
    return _riff(b"RIFF", b"WEBP" + head + frame * frames)


def _riff(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data


def animated_png(frames: int) -> bytes:
    """Return an APNG of frames of one pixel."""
    control = struct.pack(">IIIIIHHBB", 1, 1, 0, 0, 1, 10, 0, 0, 0)
    pixel = zlib.compress(b"\0\0\0\0")
    further = (
        chunk(b"fcTL", struct.pack(">I", 2 * number) + control)
        + chunk(b"fdAT", struct.pack(">I", 2 * number + 1) + pixel)
        for number in range(1, frames)
    )
    before = (
        chunk(b"acTL", struct.pack(">II", frames, 0)),
        chunk(b"fcTL", b"\0\0\0\0" + control),
    )
    return png(1, 1, *before, after=b"".join(further))


def cut(kind: str) -> bytes:
    """Return the first three quarters of a picture file."""
    whole = encoded(drawn(9, width=320, height=240), kind)
    return whole[: len(whole) * 3 // 4]


def corrupt(kind: str) -> bytes:
    """Return a picture file whose middle third is noise."""
    whole = bytearray(encoded(drawn(9, width=320, height=240), kind))
    third = len(whole) // 3
    whole[third : 2 * third] = np.random.default_rng(7).bytes(third)
    return bytes(whole)


def cmyk_jpeg(*, inverted: bool = False) -> bytes:
    """Return a JPEG of four colours: plain CMYK, or YCCK as Adobe writes it."""
    plain = encoded(drawn().convert("CMYK"), "JPEG")
    if not inverted:
        return plain
    at = plain.index(b"Adobe")
    return plain[: at + 11] + b"\x02" + plain[at + 12 :]


def turned(orientation: int) -> bytes:
    """Return a JPEG whose EXIF says how it is to be turned."""
    tags = Image.Exif()
    tags[0x0112] = orientation
    return encoded(drawn(3, width=120, height=80), "JPEG", exif=tags)


def sixteen_bits() -> bytes:
    """Return a grey PNG of 16 bits."""
    values = np.linspace(0, 65535, 64 * 64).astype(np.uint16).reshape(64, 64)
    return encoded(Image.fromarray(values), "PNG")


def palette(kind: str) -> bytes:
    """Return a picture of 256 colours, one of them transparent."""
    return encoded(drawn().quantize(256), kind, transparency=0)


def of_format(kind: str) -> bytes:
    """Return a picture in any format that Pillow writes."""
    buffer = io.BytesIO()
    drawn(1, width=64, height=64).save(buffer, kind)
    return buffer.getvalue()
