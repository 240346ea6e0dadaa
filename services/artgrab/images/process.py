"""One picture from untrusted bytes to what is kept: the whole of it, in one pure function."""

import msgspec

from artgrab.common.digests import sha256_hex
from artgrab.images.decoding import decode, read_header
from artgrab.images.encoding import ENCODING, encode, fit, reduced_size
from artgrab.images.hashing import perceptual_hash
from artgrab.images.parts import check_parts
from artgrab.images.rasters import turned
from artgrab.images.sniffing import sniff
from artgrab.images.types import Data, Kept, Picture, PictureRefusedError


def process_picture(data: Data, *, min_side: int = 0) -> Picture:
    """Return what is kept of a picture; equal bytes give an equal result.

    It touches untrusted pixels: services call it through DecodePool.

    Args:
        data: the bytes as they were fetched.
        min_side: pixels that the shorter side of the source must have.

    Raises:
        PictureRefusedError: not a picture, of no allowed format, damaged, too small or too large.
    """
    return named(reduce_picture(data, min_side=min_side), source_sha256=sha256_hex(data))


def named(kept: Kept, *, source_sha256: str) -> Picture:
    """Return the picture of this source under its names."""
    return Picture(
        **msgspec.structs.asdict(kept),
        object_sha256=sha256_hex(kept.object_bytes),
        source_sha256=source_sha256,
        encoding=ENCODING,
    )


def reduce_picture(data: Data, *, min_side: int = 0) -> Kept:
    """Return all of process_picture that takes a decoder; raises the same."""
    source_format = sniff(data)
    check_parts(data, source_format=source_format)
    header = read_header(data, source_format=source_format)
    source_width, source_height = header.upright_size
    if min(source_width, source_height) < min_side:
        raise PictureRefusedError("too-small")
    decoded = decode(data, header, source_format=source_format)
    picture = turned(fit(decoded, reduced_size(header.width, header.height)), header.orientation)
    width, height = reduced_size(source_width, source_height)
    return Kept(
        object_bytes=encode(picture),
        source_format=source_format,
        source_width=source_width,
        source_height=source_height,
        width=width,
        height=height,
        perceptual_hash=perceptual_hash(picture),
    )
