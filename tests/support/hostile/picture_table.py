"""Files that come instead of a good picture, and what is to be recorded of each."""

import zlib
from collections.abc import Callable
from functools import partial

from PIL import Image

from tests.support.drawn import drawn, encoded, jpeg
from tests.support.hostile import pictures as made
from tests.support.hostile.behaviours import Behaviour

_ZEROS = zlib.compress(bytes(100_000_000), 9)
_PHP = b"<?php __HALT_COMPILER(); ?>"


def _file(name: str, expected: str, picture: Callable[[], bytes]) -> Behaviour:
    return Behaviour(name, expected, picture=picture)


def _head(name: str, head: bytes, reason: str) -> Behaviour:
    return _file(f"file-{name}", f"FAILED {reason}", lambda: head + bytes(100))


OTHERS = (
    _file("file-empty", "FAILED empty", lambda: b""),
    _file(
        "file-svg", "FAILED svg", lambda: b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>"
    ),
    _file(
        "file-svg-bomb", "FAILED svg", lambda: b"<?xml version='1.0'?><!DOCTYPE svg><svg >&a;</svg>"
    ),
    _head("pdf", b"%PDF-1.7\n", "pdf"),
    _head("psd", b"8BPS\0\1", "psd"),
    _head("eps", b"%!PS-Adobe-3.0 EPSF-3.0\n", "eps"),
    _head("exe", b"MZ\x90\0", "not-an-image"),
    _head("elf", b"\x7fELF", "not-an-image"),
    _head("zip", b"PK\x03\x04", "zip"),
    _head("gzip", b"\x1f\x8b\x08", "gzip"),
    _head("fits", b"SIMPLE  =                    T", "fits"),
    _head("heic", b"\0\0\0\x1cftypheic", "heic"),
    _head("mp4", b"\0\0\0\x1cftypisom", "video"),
    _head("jxl", b"\xff\x0a", "jxl"),
    _head("jxl-box", b"\0\0\0\x0cJXL \r\n\x87\n", "jxl"),
    _file("file-avif", "FAILED avif", lambda: made.of_format("AVIF")),
    _file("file-jpeg2000", "FAILED jpeg2000", lambda: made.of_format("JPEG2000")),
    _file("file-tiff", "FAILED tiff", lambda: made.of_format("TIFF")),
    _file("file-bmp", "FAILED bmp", lambda: made.of_format("BMP")),
    _file("file-ico", "FAILED ico", lambda: made.of_format("ICO")),
    _file("file-ppm", "FAILED not-an-image", lambda: made.of_format("PPM")),
    _file("polyglot-gif-script", "FAILED damaged", lambda: b"GIF89a/*" + b"*/=1;alert(1)//" * 9),
    _file("polyglot-html-jpeg", "FAILED html", lambda: b"<html><!--" + jpeg()),
    _file("polyglot-jpeg-html", "STORED", lambda: jpeg() + b"<script>alert(1)</script>"),
    _file("polyglot-jpeg-zip", "STORED", lambda: jpeg() + b"PK\x03\x04" + bytes(100)),
    _file(
        "polyglot-jpeg-video", "STORED", lambda: jpeg() + b"\0\0\0\x18ftypmp42" + bytes(1_900_000)
    ),
    _file("polyglot-jpeg-phar", "STORED", lambda: made.jpeg_with(made.segment(0xFE, _PHP))),
    _file(
        "polyglot-png-php", "STORED", lambda: made.png(64, 64, made.chunk(b"tEXt", b"a\0" + _PHP))
    ),
)

DAMAGED = (
    *(
        _file(f"cut-{kind.lower()}", f"FAILED {reason}", partial(made.cut, kind))
        for kind, reason in (
            ("JPEG", "truncated"),
            ("PNG", "truncated"),
            ("WEBP", "damaged"),
            ("GIF", "truncated"),
        )
    ),
    *(
        _file(f"corrupt-{kind.lower()}", f"FAILED {reason}", partial(made.corrupt, kind))
        for kind, reason in (
            ("JPEG", "damaged"),
            ("PNG", "truncated"),
            ("WEBP", "damaged"),
            ("GIF", "damaged"),
        )
    ),
    *(
        _file(f"magic-only-{kind}", "FAILED damaged", partial(bytes, head))
        for kind, head in (
            ("jpeg", b"\xff\xd8\xff"),
            ("png", made.PNG_MAGIC),
            ("webp", b"RIFF\x04\0\0\0WEBP"),
            ("gif", b"GIF89a"),
        )
    ),
    _file("cut-jpeg-with-an-end", "FAILED truncated", lambda: made.cut("JPEG") + b"\xff\xd9"),
    _file(
        "cut-cmyk-with-an-end", "FAILED truncated", lambda: made.cmyk_jpeg()[:9_000] + b"\xff\xd9"
    ),
    _file("jpeg-smaller-than-it-says", "FAILED truncated", lambda: made.resized_jpeg(2000, 2000)),
    _file("jpeg-of-no-height", "FAILED damaged", lambda: made.resized_jpeg(320, 0)),
    _file(
        "png-bad-checksum",
        "FAILED damaged",
        lambda: made.png(64, 64).replace(b"\0\0\0\x40", b"\0\0\0\x41", 1),
    ),
)

BOMBS = (
    _file("pixels-png", "FAILED too-many-pixels", lambda: made.png(20_000, 20_000, rows=b"")),
    _file(
        "pixels-png-4-billion",
        "FAILED too-many-pixels",
        lambda: made.png(2**31 - 1, 2**31 - 1, rows=b""),
    ),
    _file("pixels-jpeg", "FAILED too-many-pixels", lambda: made.resized_jpeg(65_500, 65_500)),
    _file("pixels-gif", "FAILED too-many-pixels", lambda: made.gif(65_535, 65_535)),
    _file("pixels-webp", "FAILED too-many-pixels", lambda: made.webp_animation(16_384, 16_384, 2)),
    _file("pixels-webp-wide", "FAILED too-many-pixels", lambda: made.webp_animation(2**24, 250, 2)),
    _file("rows-beyond-the-size", "STORED", lambda: made.png(64, 64, rows=bytes(50_000_000))),
    _file("memory-png", "FAILED too-much-memory", lambda: made.png(5_000, 5_000, colour=6)),
    _file("memory-webp", "FAILED damaged", lambda: made.webp_animation(7_000, 7_000, 2)),
    _file(
        "profile-bomb",
        "FAILED damaged",
        lambda: made.png(64, 64, made.chunk(b"iCCP", b"a\0\0" + _ZEROS)),
    ),
    _file(
        "text-bomb",
        "FAILED damaged",
        lambda: made.png(64, 64, made.chunk(b"zTXt", b"a\0\0" + _ZEROS)),
    ),
    _file(
        "text-bomb-international",
        "FAILED damaged",
        lambda: made.png(64, 64, made.chunk(b"iTXt", b"a\0\1\0\0\0" + _ZEROS)),
    ),
    _file("scans-2000", "FAILED too-many-parts", lambda: made.jpeg_of_scans(6_000, 2_000)),
    _file(
        "segments-100000",
        "FAILED too-many-parts",
        lambda: made.jpeg_with(made.segment(0xFE) * 100_000),
    ),
    _file(
        "fill-bytes",
        "FAILED too-many-parts",
        lambda: made.jpeg_with(made.segment(0xFE), b"\xff" * 1_000_000),
    ),
    _file(
        "chunks-100000",
        "FAILED too-many-parts",
        lambda: made.png(64, 64, made.chunk(b"prIv") * 100_000),
    ),
    _file("blocks-100000", "FAILED too-many-parts", lambda: made.gif(64, 64, b"!\xfe\0" * 100_000)),
    _file("frames-gif", "STORED", lambda: made.gif(64, 64, frames=10_000)),
    _file("frames-png", "STORED", lambda: made.animated_png(3_000)),
    _file("frames-webp", "STORED", lambda: made.webp_animation(64, 64, 10_000)),
    _file("elongated", "FAILED too-elongated", lambda: made.png(2_001, 100)),
    _file("elongated-column", "FAILED too-elongated", lambda: made.png(1, 5_000)),
    _file(
        "exif-of-60000-entries",
        "STORED",
        lambda: made.png(
            64, 64, made.chunk(b"eXIf", made.exif((n, 1, 2**20, 8) for n in range(60_000)))
        ),
    ),
    _file(
        "exif-cut-off",
        "STORED",
        lambda: made.jpeg_with(made.segment(0xE1, b"Exif\0\0MM\0*\xff\xff\xff\xff")),
    ),
    _file(
        "exif-in-a-circle",
        "STORED",
        lambda: made.jpeg_with(
            made.segment(0xE1, b"Exif\0\0" + made.exif([(0x8769, 4, 1, 8)])[:-4] + b"\0\0\0\x08")
        ),
    ),
    _file(
        "profile-of-1-megabyte",
        "STORED",
        lambda: made.jpeg_with(
            *(
                made.segment(0xE2, b"ICC_PROFILE\0" + bytes([n, 16]) + b"x" * 65_000)
                for n in range(1, 17)
            )
        ),
    ),
    _file(
        "profile-of-nonsense",
        "STORED",
        lambda: made.png(64, 64, made.chunk(b"iCCP", b"a\0\0" + zlib.compress(b"x" * 5_000))),
    ),
)

ODD = (
    *(_file(f"turned-{way}", "STORED", partial(made.turned, way)) for way in range(1, 9)),
    _file("turned-9", "STORED", lambda: made.turned(9)),
    _file("cmyk", "STORED", made.cmyk_jpeg),
    _file("ycck", "STORED", lambda: made.cmyk_jpeg(inverted=True)),
    _file("grey-16-bits", "STORED", made.sixteen_bits),
    _file("rgba-16-bits", "STORED", lambda: made.png(64, 64, depth=16, colour=6)),
    _file("one-bit", "STORED", lambda: encoded(drawn().convert("1"), "PNG")),
    _file("palette-png", "STORED", lambda: made.palette("PNG")),
    _file("palette-gif", "STORED", lambda: made.palette("GIF")),
    _file(
        "palette-short",
        "STORED",
        lambda: made.png(64, 64, colour=3, palette=b"\1\2\3", rows=(b"\0" + b"\xff" * 64) * 64),
    ),
    _file("transparent", "STORED", lambda: encoded(Image.new("RGBA", (64, 64)), "PNG")),
    _file("progressive", "STORED", lambda: encoded(drawn(), "JPEG", progressive=True)),
    _file("arithmetic", "STORED", made.arithmetic_jpeg),
    _file("restarts", "STORED", lambda: encoded(drawn(), "JPEG", restart_marker_blocks=1)),
    _file("restarts-flood", "STORED", lambda: jpeg()[:-2] + b"\xff\xd0" * 100_000 + b"\xff\xd9"),
    _file("one-pixel", "STORED", lambda: made.png(1, 1)),
    _file("png-called-jpeg", "STORED", lambda: encoded(drawn(), "PNG")),
    _file(
        "several-pictures",
        "STORED",
        lambda: encoded(drawn(), "MPO", save_all=True, append_images=[drawn(2)]),
    ),
)
PICTURES = (*OTHERS, *DAMAGED, *BOMBS, *ODD)
