"""From a stored picture to what the backbone sees: defined once, for training and serving alike.

The way a picture was published must not reach the model: format, transparency and size are gone
once it is stored (artgrab.images), and here go the margins around a cut-out or drawing and the
aspect ratio.
"""

from collections.abc import Sequence

import cv2
import numpy as np
import simplejpeg
import torch
from numpy.typing import NDArray
from torch import Tensor

from artgrab.images import PictureRefusedError, process_picture
from artgrab.model.backbone import BackboneInput

Pixels = NDArray[np.uint8]
"""Height, width and three colours (RGB)."""

_MARGIN_TOLERANCE = 32
"""Levels of 255 by which a margin may differ from white: JPEG leaves waves around what stands on it
(at quality 90 up to 20 levels beside navy), and they are wider where the margin is."""
_LEAST_CONTENT = 8
"""Pixels of height and width; where less is left the picture is all margin and kept whole."""


def stored_bytes(picture: bytes) -> bytes:
    """Take a raw picture through the steps of a stored one.

    It touches untrusted pixels: a service may have DecodePool do the same in another process.

    Raises:
        PictureRefusedError: the bytes are no picture that artgrab takes.
    """
    return process_picture(picture).object_bytes


def read_pixels(stored: bytes) -> Pixels:
    """Decode a stored picture.

    Raises:
        PictureRefusedError: the bytes are no JPEG.
    """
    try:
        return np.asarray(simplejpeg.decode_jpeg(stored, colorspace="RGB"), np.uint8)
    except ValueError as error:
        raise PictureRefusedError("damaged") from error


def trim_margins(pixels: Pixels) -> Pixels:
    """Cut off the white margins."""
    lightest, white = (255 - _MARGIN_TOLERANCE,) * 3, (255,) * 3
    content = cv2.bitwise_not(cv2.inRange(pixels, lightest, white))
    left, top, width, height = cv2.boundingRect(content)
    if min(width, height) < _LEAST_CONTENT:
        return pixels
    return pixels[top : top + height, left : left + width]


def square(pixels: Pixels, *, side: int) -> Pixels:
    """Bring a picture to a square without regard to its aspect ratio, nothing cut off."""
    shrinks = max(pixels.shape[:2]) >= side
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pixels, (side, side), interpolation=interpolation), np.uint8)


def view_of(stored: bytes, *, side: int) -> Pixels:
    """Return what a backbone sees of a stored picture, before its colours are normalised.

    Raises:
        PictureRefusedError: the bytes are no JPEG.
    """
    return square(trim_margins(read_pixels(stored)), side=side)


def to_batch(views: Sequence[Pixels], spec: BackboneInput) -> Tensor:
    """Return views as a batch with normalised colours (picture, colour, row, column)."""
    batch = torch.from_numpy(np.stack(views)).float()
    mean, std = 255 * torch.tensor(spec.mean), 255 * torch.tensor(spec.std)
    return batch.sub_(mean).div_(std).permute(0, 3, 1, 2)
