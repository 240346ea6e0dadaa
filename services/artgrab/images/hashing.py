"""The perceptual hash: nearly equal for pictures that look alike."""

import cv2
import numpy as np

from artgrab.images.rasters import Plane, Planes, Raster, quickly

_SIDE = 32
_LOW = 8
"""Frequencies of each direction that count."""
_NOISE = 0.5
"""Coefficients below it come from rounding: a plain surface must not hash to noise."""


@quickly()
def perceptual_hash(picture: Raster) -> str:
    """Return 64 bits as 16 hexadecimal digits; similar pictures differ in few bits.

    The DCT hash of Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions"
    (2010), 3.2.1: luminance at 32x32, the 8x8 lowest frequencies after the constant ones, each
    compared with their median.
    """
    small = cv2.resize(_grey(picture), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(
        np.float32
    )
    low = np.asarray(cv2.dct(small), np.float32)[1 : _LOW + 1, 1 : _LOW + 1].ravel().tolist()
    values = [value if abs(value) >= _NOISE else 0.0 for value in low]  # numpy is slow for so few
    halves = sorted(values)[_LOW**2 // 2 - 1 : _LOW**2 // 2 + 1]
    middle = float(np.float32(sum(halves))) / 2  # no more exact than they are
    return f"{int(''.join('01'[value > middle] for value in values), 2):016x}"


def _grey(picture: Raster) -> Plane:
    if isinstance(picture, Planes):
        return picture.y
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)
