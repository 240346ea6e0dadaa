"""Bytes that are to become pictures, and what a decoder that was taken over may answer."""

import io

from PIL import Image

from artgrab.common.unreadable import UNREADABLE
from artgrab.images.frames import LENGTH_BYTES, Refusal, Success, Task, decode_answer, frame
from artgrab.images.process import reduce_picture
from artgrab.images.types import PictureRefusedError
from artgrab.images.worker import _answer
from tests.fuzz.targets import Target
from tests.support.drawn import drawn, encoded

_SIZES = ((8, 6), (40, 31), (120, 90))
_REDUCED = (900, 781)
"""Decoded at half its size."""


def _pictures() -> list[bytes]:
    """Draw small pictures of every format, and of the odder kinds of each."""
    pictures = [drawn(seed, width=w, height=h) for seed, (w, h) in enumerate(_SIZES)]
    more = drawn(9, width=pictures[1].width, height=pictures[1].height)
    kinds = ("JPEG", "PNG", "WEBP", "GIF")
    return [
        *(encoded(one, kind) for one in pictures for kind in kinds),
        *(encoded(one, "JPEG", progressive=True, exif=_turned()) for one in pictures),
        encoded(pictures[1].convert("CMYK"), "JPEG"),
        encoded(pictures[1].convert("L"), "JPEG", subsampling=0),
        *(encoded(pictures[1], "JPEG", subsampling=one) for one in ("4:4:4", "4:2:2")),
        encoded(pictures[1], "JPEG", keep_rgb=True),
        encoded(drawn(10, width=_REDUCED[0], height=_REDUCED[1]), "JPEG", quality=30),
        *(encoded(pictures[1].convert(mode), "PNG") for mode in ("1", "P", "LA", "RGBA", "I;16")),
        encoded(pictures[1].convert("RGBA"), "WEBP", lossless=True),
        *(
            encoded(pictures[1], kind, save_all=True, append_images=[more])
            for kind in ("GIF", "WEBP", "PNG")
        ),
    ]


def _turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x8769] = {0x9000: b"0232"}
    return exif


def _process(data: bytes) -> object:
    answer = decode_answer(frame(_answer(Task(data, 0)))[LENGTH_BYTES:])
    if isinstance(answer, Refusal):
        return answer.reason
    Image.open(io.BytesIO(answer.kept.object_bytes), formats=["JPEG"]).verify()
    return answer.kept.source_format, answer.kept.source_width > answer.kept.width


def _frames(data: bytes) -> object:
    answer = decode_answer(data)
    return type(answer).__name__, isinstance(answer, Success)


def _answers() -> list[bytes]:
    kept = reduce_picture(encoded(drawn(1, width=20, height=20), "PNG"))
    return [bytes(frame(one)[LENGTH_BYTES:]) for one in (Success(kept), Refusal("damaged"))]


PICTURES = Target(
    _process,
    _pictures,
    may_raise=(PictureRefusedError,),
    words=(b"\xff\xd8\xff\xe0", b"\xff\xc2", b"\xff\xda", b"IHDR", b"acTL", b"VP8X", b"ALPH"),
    memory_bytes=2 * 1024**3,
)
FRAMES = Target(_frames, _answers, may_raise=UNREADABLE)
