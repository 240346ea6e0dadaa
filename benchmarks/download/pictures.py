"""Drawn pictures with the statistics of photographs: seeded, so that everybody measures the same.

Photographs have amplitude spectra near 1/f (Field, "Relations between the statistics of natural
images and the response properties of cortical cells", JOSA A 4, 1987); what is flat or white noise
would be too cheap or too dear to decode. Their contrast differs from place to place, its logarithm
being near to normal (Ruderman, "The statistics of natural images", Network 5, 1994).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from artgrab.common.digests import short_digest
from artgrab.images.rasters import Pixels
from tests.world.cache import cache_root, ensure_part, progress

Field = NDArray[np.float32]

VERSION = 1
"""To be raised with any change that alters pictures."""
SEED = 20_261_126
_TILE = 2048
"""Side of a field of noise in pixels; it continues at its opposite side."""
_TILES = 3
_SHAPES = 12
_CONTRAST = np.float32(2.2)
_GRAIN = 1.5
_HUE = 14.0
"""Deviations in values of 0 to 255: chosen for JPEGs of 1280x960 in 165 KB, 1.1 bits a pixel."""


@dataclass(frozen=True)
class Workload:
    """Pictures of one kind."""

    name: str
    count: int
    megapixels: tuple[float, float] | None
    """Least and most, spread evenly over the logarithm; 1280x960 where None."""
    formats: tuple[str, ...] = ("jpeg",)
    """Taken in turn."""


WORKLOADS = {
    one.name: one
    for one in (
        Workload("small", 2000, None),
        Workload("large", 600, (4.0, 12.0)),
        Workload("mixed", 500, (0.3, 12.0), (*["jpeg"] * 4, "png", *["jpeg"] * 4, "webp")),
    )
}


@dataclass(frozen=True)
class Drawn:
    """A picture in a file."""

    path: Path
    format: str


def made(workload: Workload, *, count: int | None = None) -> Sequence[Drawn]:
    """Return the pictures of a workload out of the cache, drawn where they are not in it.

    Raises:
        SurroundingsError: there can be no cache.
    """
    several = min(count or workload.count, workload.count)
    root = cache_root().parent / "bench-pictures"
    name = f"{workload.name}-{several}-{short_digest([VERSION, SEED, repr(workload)])}"
    folder = ensure_part(root, name, lambda fresh: _fill(fresh, workload, several))
    return [Drawn(path, path.suffix.removeprefix(".")) for path in sorted(folder.glob("*.*"))]


def _fill(folder: Path, workload: Workload, count: int) -> None:
    progress(f"drawing {count} pictures for the workload {workload.name}")
    draw = painter(SEED)
    for number in range(count):
        kind = workload.formats[number % len(workload.formats)]
        pixels = draw(number, size_of(workload, number))
        (folder / f"{number:05}.{kind}").write_bytes(encoded(pixels, kind))


def size_of(workload: Workload, number: int) -> tuple[int, int]:
    """Return width and height of a picture of a workload."""
    if workload.megapixels is None:
        return 1280, 960
    random = np.random.default_rng((SEED, number))
    pixels = 1e6 * np.exp(random.uniform(*np.log(workload.megapixels)))
    ratio = random.choice([4 / 3, 3 / 2, 16 / 9, 1.0, 3 / 4, 2 / 3])
    return round(np.sqrt(pixels * ratio)), round(np.sqrt(pixels / ratio))


def encoded(pixels: Pixels, kind: str) -> bytes:
    """Return pixels (BGR) as a file: JPEG and WebP of the quality that cameras and sites choose."""
    options = {
        "jpeg": [cv2.IMWRITE_JPEG_QUALITY, 85],
        "png": [cv2.IMWRITE_PNG_COMPRESSION, 6],
        "webp": [cv2.IMWRITE_WEBP_QUALITY, 80],
    }
    return bytes(cv2.imencode(f".{kind}", pixels, options[kind])[1])


def painter(seed: int, *, tile: int = _TILE) -> Callable[[int, tuple[int, int]], Pixels]:
    """Return what draws the picture of a number at a width and height, from fields of noise."""
    random = np.random.default_rng(seed)
    light = [_noise(random, tile, exponent=1.0) for _ in range(_TILES)]
    colour = [_noise(random, tile, exponent=1.6) for _ in range(_TILES)]

    def draw(number: int, size: tuple[int, int]) -> Pixels:
        return _draw(np.random.default_rng((seed, number)), size, light, colour)

    return draw


def _noise(random: np.random.Generator, side: int, *, exponent: float) -> Field:
    """Return noise of zero mean and deviation 1 whose amplitude falls with the frequency."""
    rows = np.fft.fftfreq(side)[:, np.newaxis]
    columns = np.fft.rfftfreq(side)[np.newaxis, :]
    frequency = np.hypot(rows, columns)
    frequency[0, 0] = np.inf
    white = np.fft.rfft2(random.standard_normal((side, side)))
    field = np.fft.irfft2(white / frequency**exponent, (side, side))
    return np.asarray(field / field.std(), np.float32)


def _draw(
    random: np.random.Generator,
    size: tuple[int, int],
    light: Sequence[Field],
    colour: Sequence[Field],
) -> Pixels:
    """Draw a gradient, things before it, and the grain of both."""
    width, height = size
    canvas = _gradient(random, width, height)
    for _ in range(_SHAPES):
        _put_shape(random, canvas)
    contrast = np.exp(_CONTRAST * _piece(random, colour, width, height))
    grain = _piece(random, light, width, height) * contrast * np.float32(_GRAIN)
    luminance = cv2.merge([grain, grain, grain])
    hue = _piece(random, colour, width, height) * np.float32(_HUE)
    canvas = canvas + luminance + cv2.merge([hue, -hue * np.float32(0.3), -hue])
    return np.asarray(np.clip(canvas, 0, 255), np.uint8)


def _gradient(random: np.random.Generator, width: int, height: int) -> Field:
    corners = random.uniform(40, 215, (2, 2, 3)).astype(np.float32)
    return np.asarray(cv2.resize(corners, (width, height), interpolation=cv2.INTER_LINEAR))


def _put_shape(random: np.random.Generator, canvas: Field) -> None:
    height, width = canvas.shape[:2]
    centre = (int(random.integers(width)), int(random.integers(height)))
    axes = tuple(int(side) for side in random.uniform(0.02, 0.25, 2) * min(width, height))
    colour = tuple(float(value) for value in random.uniform(20, 235, 3))
    turn = float(random.uniform(0, 360))
    cv2.ellipse(canvas, centre, axes, turn, 0, 360, colour, cv2.FILLED, cv2.LINE_AA)


def _piece(random: np.random.Generator, fields: Sequence[Field], width: int, height: int) -> Field:
    field = fields[int(random.integers(len(fields)))]
    side = len(field)
    top, left = (int(at) for at in random.integers(side, size=2))
    rows = np.arange(top, top + height) % side
    columns = np.arange(left, left + width) % side
    return field[np.ix_(rows, columns)]
