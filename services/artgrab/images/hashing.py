"""The perceptual hash: nearly equal for pictures that look alike."""

import cv2
import numpy as np
from numpy.typing import NDArray

from artgrab.images.rasters import Plane, Planes, Raster

_SIDE = 32
_LOW = 8
"""Frequencies of each direction that count."""
_NOISE = 0.5
"""Coefficients below it come from rounding: a plain surface must not hash to noise."""


def perceptual_hash(picture: Raster) -> str:
    """Return 64 bits as 16 hexadecimal digits; similar pictures differ in few bits.

    The DCT hash of Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions"
    (2010), 3.2.1: luminance at 32x32, the 8x8 lowest frequencies after the constant ones, each
    compared with their median.
    """
    small = cv2.resize(_grey(picture), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(
        np.float32
    )
    low = np.asarray(cv2.dct(small), np.float32)[1 : _LOW + 1, 1 : _LOW + 1].ravel()
    low[np.abs(low) < _NOISE] = 0
    return np.packbits(low > _median(low)).tobytes().hex()


def _grey(picture: Raster) -> Plane:
    if isinstance(picture, Planes):
        return picture.y
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)


def _median(values: NDArray[np.float32]) -> float:
    """Return the median of an even number of values; np.median takes ten times as long."""
    half = values.size // 2
    return float(np.partition(values, (half - 1, half))[half - 1 : half + 1].mean())
