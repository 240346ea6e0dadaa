"""How pictures are kept: size and encoder, named by a digest that is part of their keys."""

import math
from functools import lru_cache

import cv2
import numpy as np
import simplejpeg

from artgrab.common.digests import short_digest
from artgrab.images import turbojpeg
from artgrab.images.rasters import Decoded, Pixels, Plane, Planes, Raster, quick_way, quickly

MAX_SHORTER_SIDE = 384
"""Pixels; larger pictures are reduced to it, smaller ones never enlarged."""

_LINEAR_FROM, _AREAS_FROM = 1.2, 1.5
"""So many times too large a picture is reduced by linear interpolation, or by means of areas.

Where each is nearest to a Lanczos reduction (measured). Cubics blur a picture less that is hardly
too large; linear interpolation smooths as means over 1.41 pixels do, by its variance.
"""
_MORE, _NEAR, _NEAR_ENOUGH = 32, 1 / 32, 1 / 16
"""Rows or columns that may be put to a picture, so that its size comes out as near as this."""
_QUALITY = 90
_SUBSAMPLING = "420"
_VERSION = 6
"""To be raised with any change that alters the bytes of an encoded picture."""

_Scale = tuple[float, float]
"""Of width and height: less than 1 where they become smaller."""

ENCODING = short_digest(
    {
        "version": _VERSION,
        "max_shorter_side": MAX_SHORTER_SIDE,
        "quality": _QUALITY,
        "subsampling": _SUBSAMPLING,
        "background": "white",
        "planes": turbojpeg.LIBRARY is not None,
        "vectors": quick_way(),
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


@quickly()
def fit(decoded: Decoded, size: tuple[int, int]) -> Raster:
    """Return a picture at a size that it is not below, and planes of colour at half of that."""
    raster = decoded.raster
    width, height = size
    scale = width / decoded.width, height / decoded.height
    way = _way(1 / min(scale))
    if not isinstance(raster, Planes):
        return _scaled(raster, scale, size=size, way=way)
    y = _scaled(raster.y, scale, size=size, way=way)
    half = -(-width // 2), -(-height // 2)
    return Planes(y, *(_scaled_colour(one, raster.y, scale, size=half) for one in raster[1:]))


def _way(times: float) -> int:
    """Return how to reduce a picture that is so many times too large."""
    if times < _LINEAR_FROM:
        return cv2.INTER_CUBIC
    return cv2.INTER_LINEAR if times < _AREAS_FROM else cv2.INTER_AREA


def _scaled_colour(colour: Plane, y: Plane, scale: _Scale, *, size: tuple[int, int]) -> Plane:
    """Return a plane of colour at half the size of the picture; nobody sees more of it."""
    across, down = (
        one * _power(of / have) / 2
        for one, of, have in zip(scale, y.shape[::-1], colour.shape[::-1], strict=True)
    )
    colour, scale = _halved(colour, (across, down))
    return _scaled(colour, scale, size=size, way=cv2.INTER_LINEAR)


def _power(ratio: float) -> float:
    """Return the power of two that is next: planes of odd sides are not quite the half."""
    return float(2 ** math.ceil(math.log2(ratio)))


def _halved(colour: Plane, scale: _Scale) -> tuple[Plane, _Scale]:
    """Halve by means while the scale is a half or less; return what is left of it."""
    across, down = scale
    while (across <= 0.5 or down <= 0.5) and min(colour.shape) > 1:
        columns, rows = 1 + (across <= 0.5), 1 + (down <= 0.5)
        size = colour.shape[1] // columns, colour.shape[0] // rows
        even = colour[: size[1] * rows, : size[0] * columns]
        colour = np.asarray(cv2.resize(even, size, interpolation=cv2.INTER_AREA), np.uint8)
        across, down = across * columns, down * rows
    return colour, (across, down)


def _scaled(pixels: Pixels, scale: _Scale, *, size: tuple[int, int], way: int) -> Pixels:
    """Return pixels, or a plane, at a scale, cut off or continued to a size.

    To take a last column that is only a part of the picture for a whole one, or to forget one,
    would move all that is near: it costs 0.005 of SSIM.
    """
    if pixels.shape[1::-1] == size:
        return pixels
    sides = pixels.shape[1::-1]
    across, down = (_evened(have, one) for have, one in zip(sides, scale, strict=True))
    if across is None or down is None:
        fx, fy = (max(one, 1 / have) for one, have in zip(scale, sides, strict=True))
        found = cv2.resize(pixels, None, fx=fx, fy=fy, interpolation=way)
    else:
        pixels = _sized(pixels, (across[0], down[0]))
        found = cv2.resize(pixels, (across[1], down[1]), interpolation=way)
    return _sized(np.asarray(found, np.uint8), size)


@lru_cache
def _evened(side: int, scale: float) -> tuple[int, int] | None:
    """Return a side, or one a little longer, that becomes a whole number; and this number.

    OpenCV takes twice to six times as long at a scale that is not that of the sizes.

    Returns:
        None where none does: at a scale near 1 or 1/2 more columns change little.
    """

    def off(one: int) -> float:
        return abs(math.remainder(one * scale, 1))

    sides = range(side, side + _MORE)
    even = next((one for one in sides if off(one) < _NEAR), None) or min(sides, key=off)
    return (even, max(1, round(even * scale))) if off(even) <= _NEAR_ENOUGH else None


def _sized(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """Return what is within a size, continued by the last row and column where there is less."""
    pixels = pixels[: size[1], : size[0]]
    missing = size[1] - pixels.shape[0], size[0] - pixels.shape[1]
    if not any(missing):
        return pixels
    border = cv2.BORDER_REPLICATE
    return np.asarray(cv2.copyMakeBorder(pixels, 0, missing[0], 0, missing[1], border), np.uint8)


def encode(picture: Raster) -> bytes:
    """Return a JPEG of what fit() gave, without any metadata; equal pixels give equal bytes."""
    if isinstance(picture, Planes):
        planes = (_with_even_sides(picture.y), *map(np.ascontiguousarray, picture[1:]))
        return bytes(simplejpeg.encode_jpeg_yuv_planes(*planes, quality=_QUALITY, fastdct=False))
    data: bytes = simplejpeg.encode_jpeg(
        np.ascontiguousarray(picture),
        quality=_QUALITY,
        colorspace="RGB",
        colorsubsampling=_SUBSAMPLING,
        fastdct=False,
    )
    return data


def _with_even_sides(y: Plane) -> Plane:
    """Return the same, followed by what libjpeg-turbo reads of it beyond odd sides."""
    rows, columns = y.shape
    return _sized(y, (columns + columns % 2, rows + rows % 2))[:rows, :columns]
