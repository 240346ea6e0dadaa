"""The same picture on another ground: what a model answers must not hang on it.

Most drawings are published on white and most photographs fill their frame, so white ground alone
would say `art`. Each picture therefore gets a counterfactual: one that fills its frame is cut out
and put onto white, one that stands on white gets another ground. Randomness comes from the bytes of
the picture and nothing else.
"""

import hashlib
from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from artgrab.model.preprocess import Pixels, read_pixels, square, trim_margins

GROUNDS_VERSION = 1
"""To be raised with any change of what counterfactual_view returns."""

Outline = NDArray[np.float64]
"""Corners (x and y) anywhere in the plane."""

_TOLERANCE = 32
"""Levels of 255 by which ground may differ from white, as margins may."""
_LEAST_GROUND = 0.1
"""Share of a picture; with less of it the picture fills its frame."""
_EDGE = 2
"""Pixels around the ground that antialiasing and JPEG have mixed with it."""


class Change(NamedTuple):
    """A way to change grounds."""

    name: str
    outline: Callable[[Generator], Outline]
    """Of what is cut out of a picture that fills its frame."""
    ground: Callable[[Generator, tuple[int, int]], Pixels]
    """What takes the place of white, from height and width."""


def stands_on_white(stored: bytes) -> bool:
    """Return whether a stored picture stands on white, its margins aside, or fills its frame.

    Raises:
        PictureRefusedError: the bytes are no JPEG.
    """
    return _is_ground(_white_ground(trim_margins(read_pixels(stored))))


def counterfactual_view(stored: bytes, change: Change, *, side: int) -> Pixels:
    """Return what a backbone would see of a stored picture if it stood on another ground.

    Raises:
        PictureRefusedError: the bytes are no JPEG.
    """
    random = np.random.default_rng(int.from_bytes(hashlib.sha256(stored).digest()))
    changed = change_ground(trim_margins(read_pixels(stored)), change, random)
    return square(trim_margins(changed), side=side)


def change_ground(pixels: Pixels, change: Change, random: Generator) -> Pixels:
    """Put a picture that fills its frame onto white, and one that stands on white onto another."""
    white = _white_ground(pixels)
    if _is_ground(white):
        height, width = white.shape
        return _stained(pixels, white, change.ground(random, (height, width)))
    return _cut_out(pixels, change.outline(random))


def smooth_outline(random: Generator) -> Outline:
    """Return a blob: a circle with six harmonics, the higher the fainter."""
    turn = np.linspace(0, 2 * np.pi, 128, endpoint=False)
    order = np.arange(1, 7)[:, None]
    size = random.uniform(0, 0.6, order.shape) / order
    phase = random.uniform(0, 2 * np.pi, order.shape)
    return _around(turn, np.exp((size * np.cos(order * turn + phase)).sum(axis=0)))


def edged_outline(random: Generator) -> Outline:
    """Return a polygon of 6 to 12 corners at random distances from its middle."""
    corners = int(random.integers(6, 13))
    turn = 2 * np.pi * (np.arange(corners) + random.uniform(-0.3, 0.3, corners)) / corners
    return _around(turn, random.uniform(0.45, 1, corners))


def random_ground(random: Generator, size: tuple[int, int]) -> Pixels:
    """Return one colour, a gradient of four colours or coloured noise, each as often."""
    cells = int(random.choice([1, 2, 16]))
    colours = random.integers(0, 256, (cells, cells, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(colours, size[::-1], interpolation=cv2.INTER_CUBIC), np.uint8)


def grey_ground(_: Generator, size: tuple[int, int]) -> Pixels:
    """Return medium grey."""
    return np.full((*size, 3), 128, np.uint8)


RANDOMISED = Change("randomised", smooth_outline, random_ground)
"""To learn from."""
PROBE = Change("probe", edged_outline, grey_ground)
"""To measure with: outlines and grounds are none of those that are learned from."""


def _white_ground(pixels: Pixels) -> NDArray[np.bool_]:
    """Return the near-white regions that reach the edge."""
    lightest, white = (255 - _TOLERANCE,) * 3, (255,) * 3
    count, regions = cv2.connectedComponents(cv2.inRange(pixels, lightest, white), connectivity=4)
    reaches = np.zeros(count, np.bool_)
    for edge in (regions[0], regions[-1], regions[:, 0], regions[:, -1]):
        reaches[edge] = True
    reaches[0] = False  # all that is not near-white
    return np.asarray(reaches[regions])


def _is_ground(white: NDArray[np.bool_]) -> bool:
    return bool(white.mean() >= _LEAST_GROUND)


def _around(turn: NDArray[np.float64], radius: NDArray[np.float64]) -> Outline:
    return np.stack([radius * np.cos(turn), radius * np.sin(turn)], axis=1)


def _cut_out(pixels: Pixels, outline: Outline) -> Pixels:
    """Put what is inside of an outline, stretched to the whole picture, onto white."""
    height, width = pixels.shape[:2]
    low, high = outline.min(axis=0), outline.max(axis=0)
    corners = (outline - low) / (high - low) * (width - 1, height - 1)
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [np.round(corners).astype(np.int32)], (255,), lineType=cv2.LINE_AA)
    inside = mask[:, :, None].astype(np.float32) / 255
    return np.asarray(np.round(pixels * inside + 255 * (1 - inside)), np.uint8)


def _stained(pixels: Pixels, white: NDArray[np.bool_], ground: Pixels) -> Pixels:
    """Multiply with the ground, as ink on coloured paper does: soft edges keep no white rim."""
    reach = np.ones((2 * _EDGE + 1,) * 2, np.uint8)
    wide = cv2.dilate(white.astype(np.uint8), reach)[:, :, None] > 0
    stained = (pixels.astype(np.uint16) * ground // 255).astype(np.uint8)
    return np.where(wide, stained, pixels)
