"""Decoded pictures: three colours in each pixel, or brightness and colours apart."""

from typing import NamedTuple

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
    """Apply an EXIF orientation (Exif 2.32, 4.6.4 A): mirror, then rotate."""
    if isinstance(picture, Planes):
        return Planes(*(_turned(plane, orientation) for plane in picture))
    return _turned(picture, orientation)


def _turned(pixels: Pixels, orientation: int) -> Pixels:
    if orientation in (2, 4, 5, 7):
        pixels = pixels[:, ::-1]
    quarter_turns = {3: 2, 4: 2, 5: 1, 6: 3, 7: 3, 8: 1}.get(orientation, 0)
    return np.ascontiguousarray(np.rot90(pixels, quarter_turns))
