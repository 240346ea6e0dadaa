"""Pictures drawn for tests: always the same for the same seed, and busy enough to tell apart."""

import io
from typing import Any

import numpy as np
from PIL import Image


def drawn(seed: int = 1, *, width: int = 320, height: int = 240) -> Image.Image:
    """Return a picture of soft coloured patches, the smaller the fainter, as in photographs."""
    random = np.random.default_rng(seed)
    picture = Image.new("RGB", (width, height), "grey")
    for side, share in ((3, 1.0), (6, 0.5), (12, 0.35), (24, 0.25)):
        patches = random.integers(0, 256, (side, side, 3), dtype=np.uint8)
        layer = Image.fromarray(patches).resize((width, height), Image.Resampling.BICUBIC)
        picture = Image.blend(picture, layer, share)
    return picture


def encoded(picture: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    """Return the bytes of a picture file."""
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def jpeg(seed: int = 1, *, width: int = 320, height: int = 240) -> bytes:
    """Return a JPEG that is another one for each seed."""
    return encoded(drawn(seed, width=width, height=height))
