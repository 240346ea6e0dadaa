"""JPEGs as they are stored, brightness and colours apart, by libturbojpeg where there is one.

Never to turn them into RGB and back saves a seventh of a picture's time. Bound here, as no package
on PyPI does it: simplejpeg decodes to RGB or grey, PyTurboJPEG 2 wants a newer library than Debian
has.
Names and numbers are those of turbojpeg.h, libjpeg-turbo 2.1.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from artgrab.images.libraries import loaded
from artgrab.images.rasters import Plane, Planes
from artgrab.images.types import Data

_YCBCR, _GREY = 1, 2
"""TJCS_YCbCr, TJCS_GRAY."""
_GREY_ALONE = 3
"""TJSAMP_GRAY."""
_NO_FLAGS = 0
"""What is only warned of counts as failed, after all was read: the last words say most."""
_NO_COLOUR = 128
_Handle = ctypes.c_void_p
_Source = NDArray[np.uint8]
"""The bytes of a JPEG."""
_Integers = ctypes.POINTER(ctypes.c_int)
_FUNCTIONS = {
    "tjInitDecompress": (_Handle, ()),
    "tjDestroy": (ctypes.c_int, (_Handle,)),
    "tjGetErrorStr2": (ctypes.c_char_p, (_Handle,)),
    "tjPlaneWidth": (ctypes.c_int, (ctypes.c_int,) * 3),
    "tjPlaneHeight": (ctypes.c_int, (ctypes.c_int,) * 3),
    "tjDecompressHeader3": (
        ctypes.c_int,
        (_Handle, ctypes.c_void_p, ctypes.c_ulong, *(_Integers,) * 4),
    ),
    "tjDecompressToYUVPlanes": (
        ctypes.c_int,
        (
            *(_Handle, ctypes.c_void_p, ctypes.c_ulong, ctypes.POINTER(ctypes.c_void_p)),
            *(ctypes.c_int, _Integers, ctypes.c_int, ctypes.c_int),
        ),
    ),
}
LIBRARY = loaded("libturbojpeg.so.0", _FUNCTIONS)
"""None where it is not installed."""


def scaled(side: int, eighths: int) -> int:
    """Return what libjpeg-turbo makes of a side: TJSCALED of turbojpeg.h."""
    return -(-side * eighths // 8)


def decode_planes(data: Data, *, width: int, height: int, eighths: int) -> Planes | None:
    """Return a JPEG of this size at so many eighths of it; None where it has no such planes.

    Raises:
        ValueError: damaged or cut off, in libjpeg's words.
    """
    if LIBRARY is None:
        return None
    source = np.frombuffer(data, np.uint8)
    with _decompressor(LIBRARY) as handle:
        subsampling = _subsampling(LIBRARY, handle, source, width=width, height=height)
        if subsampling is None:
            return None
        size = scaled(width, eighths), scaled(height, eighths)
        return _decoded(LIBRARY, handle, source, size=size, subsampling=subsampling)


@contextmanager
def _decompressor(library: ctypes.CDLL) -> Iterator[int]:
    """Make one for each picture: none may be used by two threads, and it takes microseconds."""
    handle = library.tjInitDecompress()
    if not handle:
        raise MemoryError
    try:
        yield handle
    finally:
        library.tjDestroy(handle)


def _subsampling(
    library: ctypes.CDLL, handle: int, source: _Source, *, width: int, height: int
) -> int | None:
    """Return how colours are stored (TJSAMP); None where not in YCbCr, or not of this size."""
    found = tuple(ctypes.c_int() for _ in range(4))
    if library.tjDecompressHeader3(handle, source.ctypes.data, source.size, *found):
        return None
    told_width, told_height, subsampling, colours = (one.value for one in found)
    if (told_width, told_height) != (width, height) or colours not in (_YCBCR, _GREY):
        return None
    return subsampling


def _decoded(
    library: ctypes.CDLL, handle: int, source: _Source, *, size: tuple[int, int], subsampling: int
) -> Planes:
    width, height = size
    planes = _room(library, size, subsampling)
    places = (ctypes.c_void_p * 3)(*(one.ctypes.data for one in planes))
    strides = (ctypes.c_int * 3)(*(one.shape[1] for one in planes))
    failed = library.tjDecompressToYUVPlanes(
        *(handle, source.ctypes.data, source.size),
        *(places, width, strides, height, _NO_FLAGS),
    )
    if failed:
        raise ValueError(library.tjGetErrorStr2(handle).decode(errors="replace"))
    y: Plane = planes[0][:height, :width]
    return Planes(y, *(planes[1:] or [_no_colour(width, height)] * 2))


def _no_colour(width: int, height: int) -> Plane:
    return np.full((-(-height // 2), -(-width // 2)), _NO_COLOUR, np.uint8)


def _room(library: ctypes.CDLL, size: tuple[int, int], subsampling: int) -> list[Plane]:
    """Return planes as large as the library fills them, a little beyond odd sides."""
    width, height = size
    heights, widths = library.tjPlaneHeight, library.tjPlaneWidth
    return [
        np.empty((heights(one, height, subsampling), widths(one, width, subsampling)), np.uint8)
        for one in range(1 if subsampling == _GREY_ALONE else 3)
    ]
