"""From untrusted bytes to a picture that is safe to keep; the only code that touches pixels."""

from artgrab.images.encoding import ENCODING
from artgrab.images.memory import SharedMemory
from artgrab.images.pool import DecodePool
from artgrab.images.process import process_picture
from artgrab.images.types import DecoderFailedError, Picture, PictureRefusedError

__all__ = [
    "ENCODING",
    "DecodePool",
    "DecoderFailedError",
    "Picture",
    "PictureRefusedError",
    "SharedMemory",
    "process_picture",
]
