"""What comes out of a picture's processing, and how it can be refused."""

from typing import Annotated

import msgspec

Data = bytes | memoryview
"""A picture as it came, or a view of where it lies."""

Side = Annotated[int, msgspec.Meta(ge=1, le=100_000)]
"""Pixels; the bounds hold whatever a taken-over decoder says."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What a decoder makes of a picture: re-encoded, upright, without metadata."""

    object_bytes: bytes
    """JPEG."""
    source_format: Annotated[str, msgspec.Meta(pattern="^(jpeg|png|webp|gif)$")]
    """Told by the bytes themselves."""
    source_width: Side
    """Pixels of the upright picture (EXIF orientation applied)."""
    source_height: Side
    width: Side
    height: Side
    perceptual_hash: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$")]
    """16 hexadecimal digits (64 bits)."""


class Picture(Kept, frozen=True, kw_only=True):
    """A picture that is safe to keep, with the names that keys are made of.

    No decoder is asked for those: a taken-over one could name another picture.
    """

    object_sha256: str
    source_sha256: str
    encoding: str
    """Names the encoder's settings and version; part of the object's key."""


class PictureRefusedError(Exception):
    """The bytes are no picture that may be kept; the reason is a short stable word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class DecoderFailedError(Exception):
    """The decoder did not survive the bytes, or took too long; the reason is a stable word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
