"""How pictures are kept: size and encoder, named by a digest that is part of their keys."""

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from artgrab.common.digests import short_digest

Pixels = NDArray[np.uint8]
"""Height, width and three colours (RGB)."""

MAX_SHORTER_SIDE = 384
"""Pixels; larger pictures are reduced to it, smaller ones never enlarged."""

_QUALITY = 90
_SUBSAMPLING = "420"
_VERSION = 2
"""To be raised with any change that alters the bytes of an encoded picture."""

ENCODING = short_digest(
    {
        "version": _VERSION,
        "max_shorter_side": MAX_SHORTER_SIDE,
        "quality": _QUALITY,
        "subsampling": _SUBSAMPLING,
        "background": "white",
    },
    length=8,
)


def reduced_size(width: int, height: int) -> tuple[int, int]:
    """Return the width and height at which a picture of this size is kept."""
    shorter = min(width, height)
    if shorter <= MAX_SHORTER_SIDE:
        return width, height
    scale = MAX_SHORTER_SIDE / shorter
    return round(width * scale), round(height * scale)


def reduce(pixels: Pixels, *, width: int, height: int) -> Pixels:
    """Return the picture at a smaller size.

    To no less than a half, which is all that decoders of JPEG leave to do, between the nearest
    pixels: as near to a Lanczos reduction as the mean of an area, and a quarter of the work.
    Beyond that each pixel is the mean of the area it covers.
    """
    if pixels.shape[:2] == (height, width):
        return pixels
    near = pixels.shape[0] <= 2 * height and pixels.shape[1] <= 2 * width
    way = cv2.INTER_LINEAR if near else cv2.INTER_AREA
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=way), np.uint8)


def encode(pixels: Pixels) -> bytes:
    """Return a JPEG without any metadata; equal pixels give equal bytes."""
    data: bytes = simplejpeg.encode_jpeg(
        np.ascontiguousarray(pixels),
        quality=_QUALITY,
        colorspace="RGB",
        colorsubsampling=_SUBSAMPLING,
        fastdct=False,
    )
    return data
