"""Decoded pictures: three colours in each pixel, or brightness and colours apart."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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

UPRIGHT = 1
_ROWS_FROM_THE_END, _COLUMNS_FROM_THE_END = (3, 4, 6, 7), (2, 3, 7, 8)
_ROWS_BECOME_COLUMNS = (5, 6, 7, 8)
"""What EXIF orientations do to what is stored (Exif 2.32, 4.6.4 A), in this order."""


class Decoded(NamedTuple):
    """A picture as a decoder gives it, which may be smaller than what is stored."""

    raster: Raster
    width: float
    """Of the picture, in columns of the raster; those can be more, the last one a part of it."""
    height: float


@contextmanager
def quickly() -> Iterator[None]:
    """Let OpenCV resize by Intel's IPP within a block or function, where it brings that (x86-64).

    Linear interpolation and means of areas take a third to a tenth of the time. What a thread does
    afterwards must not depend on it: a model would see other pixels where it is served than where
    it was trained.
    """
    before = cv2.ipp.useIPP_NotExact()
    cv2.ipp.setUseIPP_NotExact(True)
    try:
        yield
    finally:
        cv2.ipp.setUseIPP_NotExact(before)


def quick_way() -> str:
    """Name what then reduces pictures: IPP has a way for each kind of processor.

    They differ by 1 of 255, most of all where every pixel is made of four: there in one of eight.
    """
    return str(cv2.ipp.getIppVersion()) if cv2.ipp.useIPP() else "none"


def whole(pixels: Pixels) -> Decoded:
    """Return pixels all of which are of the picture."""
    return Decoded(pixels, pixels.shape[1], pixels.shape[0])


def turned(picture: Raster, orientation: int) -> Raster:
    """Return a picture upright, by its EXIF orientation; planes of colour must be at a half."""
    if orientation == UPRIGHT:
        return picture
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
        before = colour.take([0, *range(colour.shape[axis] - 1)], axis)
        colour = np.asarray(cv2.addWeighted(colour, 0.5, before, 0.5, 0), np.uint8)
    return colour


def _turned(pixels: Pixels, orientation: int) -> Pixels:
    if orientation in _ROWS_FROM_THE_END:
        pixels = pixels[::-1]
    if orientation in _COLUMNS_FROM_THE_END:
        pixels = pixels[:, ::-1]
    if orientation in _ROWS_BECOME_COLUMNS:
        pixels = pixels.swapaxes(0, 1)
    return np.ascontiguousarray(pixels)
