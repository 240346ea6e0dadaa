"""How near a kept picture is to the best that could be made of its source."""

import io

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Grey = NDArray[np.float64]

_WINDOW, _SIGMA = 11, 1.5
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def ssim(one: Grey, other: Grey) -> float:
    """Return the mean structural similarity of two grey pictures of one size; 1 where equal.

    Wang, Bovik, Sheikh, Simoncelli, "Image Quality Assessment: From Error Visibility to Structural
    Similarity", IEEE Transactions on Image Processing 13 (2004): equation 13 with the constants and
    the Gaussian window (11x11, deviation 1.5) of its section III.C, where the window fits.
    """
    mean_one, mean_other = _blurred(one), _blurred(other)
    variance_one = _blurred(one * one) - mean_one**2
    variance_other = _blurred(other * other) - mean_other**2
    covariance = _blurred(one * other) - mean_one * mean_other
    likeness = (2 * mean_one * mean_other + _C1) * (2 * covariance + _C2)
    energy = (mean_one**2 + mean_other**2 + _C1) * (variance_one + variance_other + _C2)
    return float((likeness / energy).mean())


def grey(image: Image.Image) -> Grey:
    """Return the luminance of a picture, 0 to 255."""
    return np.asarray(image.convert("L"), np.float64)


def nearness(source: bytes, kept: bytes) -> float:
    """Return the SSIM of a kept picture to a full decode and a Lanczos reduction of its source."""
    with Image.open(io.BytesIO(kept)) as image:
        found = grey(image)
    with Image.open(io.BytesIO(source)) as image:
        best = image.convert("RGB").resize(found.shape[::-1], Image.Resampling.LANCZOS)
    return ssim(found, grey(best))


def _blurred(values: Grey) -> Grey:
    edge = _WINDOW // 2
    blurred = cv2.GaussianBlur(values, (_WINDOW, _WINDOW), _SIGMA)
    return np.asarray(blurred[edge:-edge, edge:-edge])
