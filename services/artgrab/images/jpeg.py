"""JPEGs decoded at the least size that is enough: most of the work is then left out."""

import numpy as np
import simplejpeg

from artgrab.images.encoding import MAX_SHORTER_SIDE
from artgrab.images.rasters import Decoded, Raster
from artgrab.images.turbojpeg import decode_planes, scaled
from artgrab.images.types import Data

_SCALES = (1, 2, 4, 8)
"""Eighths. libjpeg-turbo knows others too, in no vector instructions: at 5/8 a picture takes longer
than whole, and looks worse (measured: SSIM 0.93 instead of 0.98)."""


def least_scale(width: int, height: int) -> int:
    """Return at how many eighths a picture is no smaller than it is kept; 8 where it is small."""
    enough = 8 * MAX_SHORTER_SIDE
    return next((one for one in _SCALES if min(width, height) * one >= enough), 8)


def decode_jpeg(data: Data, *, width: int, height: int) -> Decoded:
    """Return a JPEG of this size, in grey, YCbCr or RGB, at a size that is enough.

    Raises:
        ValueError: damaged or cut off, in libjpeg's words.
    """
    eighths = least_scale(width, height)
    raster: Raster | None = decode_planes(data, width=width, height=height, eighths=eighths)
    if raster is None:
        least = {"min_width": scaled(width, eighths), "min_height": scaled(height, eighths)}
        raster = np.asarray(simplejpeg.decode_jpeg(data, colorspace="RGB", **least), np.uint8)
    return Decoded(raster, width * eighths / 8, height * eighths / 8)
