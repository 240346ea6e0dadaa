"""What comes out of a picture's processing, and how it can be refused."""

import msgspec


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """A picture that is safe to keep: re-encoded, upright, without metadata."""

    object_bytes: bytes
    """JPEG."""
    object_sha256: str
    source_sha256: str
    source_format: str
    """jpeg, png, webp or gif, told by the bytes themselves."""
    source_width: int
    """Pixels of the upright picture (EXIF orientation applied)."""
    source_height: int
    width: int
    height: int
    perceptual_hash: str
    """16 hexadecimal digits (64 bits)."""
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
