"""From bytes of an allowed format to pixels as they are stored; run it only in a worker process."""

import io
import re
import struct
import warnings
from itertools import dropwhile
from typing import NamedTuple

import cv2
import numpy as np
import simplejpeg
from PIL import ExifTags, Image, ImageFile

from artgrab.images.encoding import MAX_SHORTER_SIDE
from artgrab.images.jpeg import decode_jpeg
from artgrab.images.parts import JPEG_FRAMES, JPEG_SCAN, jpeg_segments, png_chunks
from artgrab.images.rasters import UPRIGHT, Decoded, Pixels, whole
from artgrab.images.types import Data, PictureRefusedError

MAX_PIXELS = 50_000_000
MAX_SIDE = 20_000
"""Pixels."""
MAX_ASPECT = 20
"""Longer side by shorter side."""

_LONE_WEBP = re.compile(rb"RIFF.{4}WEBPVP8 .{7}\x9d\x01\x2a(..)(..)", re.DOTALL)
"""RFC 9649, 2.5, and RFC 6386, 9.1."""
_ENDS_EARLY = "premature end"
"""Of the pixels, or of the file: so libjpeg warns."""
_AS_STORED = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
_FRAME = struct.Struct(">HBHHB")
"""Of a JPEG: length, bits, height, width, components (T.81, B.2.2)."""
_JPEG_NOTES = b"\xe1"
"""The segment (APP1) of EXIF and XMP; what else is said of a JPEG changes neither size nor turn."""
_PNG_NOTES = (b"eXIf", b"tEXt", b"zTXt", b"iTXt")
"""Chunks of a PNG that can hold its orientation."""


class Header(NamedTuple):
    """What a picture says of itself before it is decoded."""

    width: int
    height: int
    """As stored, before the EXIF orientation is applied."""
    orientation: int
    """EXIF orientation, 1 to 8."""
    is_plain: bool
    """One opaque frame in colours that all libraries turn to RGB alike; grey counts in JPEG."""

    @property
    def upright_size(self) -> tuple[int, int]:
        turned = self.orientation >= 5
        return (self.height, self.width) if turned else (self.width, self.height)


def read_header(data: Data, *, source_format: str) -> Header:
    """Read size and orientation without decoding.

    Raises:
        PictureRefusedError: no such header, or a size beyond the limits.
    """
    quick = _of_jpeg_without_notes if source_format == "jpeg" else _of_lone_webp
    header = quick(data) or _as_pillow_reads_it(data, source_format)
    _check_size(header.width, header.height)
    return header


def _of_lone_webp(data: Data) -> Header | None:
    """Return the header of a WebP that is one lossy frame and nothing else.

    Pillow takes each for an animation and makes room for two frames before it tells the size.
    """
    found = _LONE_WEBP.match(data)
    if found is None:
        return None
    width, height = (int.from_bytes(side, "little") & 0x3FFF for side in found.groups())
    return Header(width, height, UPRIGHT, is_plain=True)


def _of_jpeg_without_notes(data: Data) -> Header | None:
    """Return the header of a JPEG in grey or three colours that says nothing more of itself.

    Pillow reads all that it says, also what nobody asks for; it takes seven times as long.
    """
    frame = bytes(_FRAME.size)
    for marker, before, at in jpeg_segments(data):
        if before or marker == _JPEG_NOTES or len(frame) < _FRAME.size:
            return None
        if marker == JPEG_SCAN:
            _, bits, height, width, components = _FRAME.unpack(frame)
            is_plain = bits == 8 and components in (1, 3)
            return Header(width, height, UPRIGHT, is_plain=True) if is_plain else None
        if marker in JPEG_FRAMES:
            frame = bytes(data[at : at + _FRAME.size])
    return None


def _as_pillow_reads_it(data: Data, source_format: str) -> Header:
    notes_last = _has_notes_at_its_end(data, source_format)
    with _open(data, source_format) as image:
        orientation = _orientation(image, may_be_last=notes_last)
        is_plain = _is_plain(image, source_format) and not notes_last  # libpng unpacks all of those
        return Header(*image.size, orientation, is_plain)


def _is_plain(image: Image.Image, source_format: str) -> bool:
    if source_format == "jpeg":  # of several frames each is a JPEG of its own
        return image.mode in ("L", "RGB")
    if source_format == "gif":  # it would be gone through for a second frame
        return False
    more = getattr(image, "is_animated", True) or image.has_transparency_data
    return image.mode == "RGB" and not more


def decode(data: Data, header: Header, *, source_format: str) -> Decoded:
    """Return the first frame as it is stored, transparency flattened on white.

    A JPEG may come at a reduced size, never below the one that is kept.

    Raises:
        PictureRefusedError: the bytes are cut off or damaged.
    """
    quick = _decode_jpeg if source_format == "jpeg" else _decode_plain
    return quick(data, header) or _decode_any(data, source_format)


def _decode_jpeg(data: Data, header: Header) -> Decoded | None:
    """Decode; one that is not plain is only seen to be whole, as Pillow turns its colours."""
    try:
        if header.is_plain:
            return decode_jpeg(data, width=header.width, height=header.height)
        simplejpeg.decode_jpeg(data, colorspace="CMYK", min_height=1, min_width=1)
    except ValueError as error:
        if _ENDS_EARLY in str(error).lower():  # filled up with grey; Pillow would not tell
            raise PictureRefusedError("truncated") from error
        # damaged or merely odd: Pillow tells which
    return None


def _decode_plain(data: Data, header: Header) -> Decoded | None:
    """Decode by OpenCV, which takes half the time of Pillow for a WebP, and less for a PNG."""
    if not header.is_plain:
        return None
    try:
        found = cv2.imdecode(np.frombuffer(data, np.uint8), _AS_STORED)
    except cv2.error:
        return None  # Pillow tells what it is
    if found is None or found.shape[:2] != (header.height, header.width):
        return None
    return whole(np.asarray(found, np.uint8))


def _decode_any(data: Data, source_format: str) -> Decoded:
    with _open(data, source_format) as image:
        width, height = image.size
        _check_size(width, height)
        try:
            image.draft("RGB", (MAX_SHORTER_SIDE, MAX_SHORTER_SIDE))
            times = round(width / image.width)  # a JPEG comes at a half, a quarter or an eighth
            image.load()
            return Decoded(_to_rgb(image), width / times, height / times)
        except OSError as error:
            reason = "truncated" if _is_cut_off(error) else "damaged"
            raise PictureRefusedError(reason) from error
        except (ValueError, SyntaxError, IndexError, EOFError, Image.DecompressionBombError) as e:
            raise PictureRefusedError("damaged") from e


def _is_cut_off(error: OSError) -> bool:
    return any(word in str(error) for word in ("truncated", "unrecognized data stream", "EOF"))


def _open(data: Data, source_format: str) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return Image.open(io.BytesIO(data), formats=[source_format.upper()])
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise PictureRefusedError("too-many-pixels") from error
    except (OSError, ValueError, SyntaxError, IndexError, KeyError, OverflowError) as error:
        raise PictureRefusedError("damaged") from error


def _check_size(width: int, height: int) -> None:
    shorter, longer = sorted((width, height))
    if shorter < 1:
        raise PictureRefusedError("damaged")
    if width * height > MAX_PIXELS or longer > MAX_SIDE:
        raise PictureRefusedError("too-many-pixels")
    if longer > MAX_ASPECT * shorter:
        raise PictureRefusedError("too-elongated")


def _has_notes_at_its_end(data: Data, source_format: str) -> bool:
    if source_format != "png":
        return False
    from_pixels_on = dropwhile(lambda kind: kind != b"IDAT", png_chunks(data))
    return any(kind in _PNG_NOTES for kind in from_pixels_on)


def _orientation(image: Image.Image, *, may_be_last: bool) -> int:
    """Return the EXIF orientation; Pillow decodes the whole of a PNG to look at its end."""
    try:
        exif = image.getexif() if may_be_last else Image.Image.getexif(image)
        value = exif.get(ExifTags.Base.Orientation, UPRIGHT)
    except Exception:  # whatever hostile EXIF does to its parser, the picture is taken as upright
        return UPRIGHT
    return value if isinstance(value, int) and 1 <= value <= 8 else UPRIGHT


def _to_rgb(image: Image.Image) -> Pixels:
    if image.mode.startswith("I;16"):
        return _from_16_bits(np.asarray(image).astype(np.uint32))
    if image.mode in ("I", "F"):
        return _from_16_bits(np.clip(np.asarray(image), 0, 65535).astype(np.uint32))
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


def _from_16_bits(values: np.ndarray[tuple[int, ...], np.dtype[np.uint32]]) -> Pixels:
    grey = ((values * 255 + 32767) // 65535).astype(np.uint8)
    return np.repeat(grey[:, :, np.newaxis], 3, axis=2)


Image.MAX_IMAGE_PIXELS = MAX_PIXELS
ImageFile.LOAD_TRUNCATED_IMAGES = False
