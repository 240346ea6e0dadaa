"""Decoded pictures: three colours in each pixel, or brightness and colours apart."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""Height, width and three colours (RGB)."""
Plane = NDArray[np.uint8]
"""Height and width."""


class Planes(NamedTuple):
    """A picture as JPEG has it (JFIF 1.02, "Conversion to and from RGB")."""

    y: Plane
    """Brightness; its size is the picture's."""
    cb: Plane
    cr: Plane
    """Colours, over the same area in fewer pixels or as many."""


Raster = Pixels | Planes

_ROWS_FROM_THE_END, _COLUMNS_FROM_THE_END = (3, 4, 6, 7), (2, 3, 7, 8)
"""EXIF orientations in which what is stored last comes first."""


class Decoded(NamedTuple):
    """A picture as a decoder gives it, which may be smaller than what is stored."""

    raster: Raster
    width: float
    """Of the picture, in columns of the raster; those can be more, the last one a part of it."""
    height: float


def whole(pixels: Pixels) -> Decoded:
    """Return pixels all of which are of the picture."""
    return Decoded(pixels, pixels.shape[1], pixels.shape[0])


def turned(picture: Raster, orientation: int) -> Raster:
    """Apply an EXIF orientation (Exif 2.32, 4.6.4 A); planes of colour must be at a half."""
    if not isinstance(picture, Planes):
        return _turned(picture, orientation)
    rows, columns = picture.y.shape
    axes = [
        *([0] if rows % 2 and orientation in _ROWS_FROM_THE_END else []),
        *([1] if columns % 2 and orientation in _COLUMNS_FROM_THE_END else []),
    ]
    colours = (_paired_anew(one, axes) for one in (picture.cb, picture.cr))
    return Planes(*(_turned(plane, orientation) for plane in (picture.y, *colours)))


def _paired_anew(colour: Plane, axes: Sequence[int]) -> Plane:
    """Return the colours of pairs of pixels that are counted from the other end of an odd side."""
    for axis in axes:
        first = colour.take([0], axis)
        before = np.delete(np.concatenate([first, colour], axis), -1, axis)
        colour = np.asarray(cv2.addWeighted(colour, 0.5, before, 0.5, 0), np.uint8)
    return colour


def _turned(pixels: Pixels, orientation: int) -> Pixels:
    """Mirror, then rotate."""
    if orientation in (2, 4, 5, 7):
        pixels = pixels[:, ::-1]
    quarter_turns = {3: 2, 4: 2, 5: 1, 6: 3, 7: 3, 8: 1}.get(orientation, 0)
    return np.ascontiguousarray(np.rot90(pixels, quarter_turns))
