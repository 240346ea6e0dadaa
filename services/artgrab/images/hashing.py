"""The perceptual hash: nearly equal for pictures that look alike."""

import cv2
import numpy as np

from artgrab.images.encoding import Pixels

_SIDE = 32
_NOISE = 0.5
"""Coefficients below it come from rounding: a plain surface must not hash to noise."""


def perceptual_hash(pixels: Pixels) -> str:
    """Return 64 bits as 16 hexadecimal digits; similar pictures differ in few bits.

    The DCT hash of Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions"
    (2010), 3.2.1: luminance at 32x32, the 8x8 lowest frequencies after the constant ones, each
    compared with their median.
    """
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = cv2.dct(small)[1:9, 1:9]
    low = np.where(np.abs(low) < _NOISE, 0, low)
    return np.packbits(low > np.median(low)).tobytes().hex()
