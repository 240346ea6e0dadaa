"""One prediction before anyone may ask: a model that cannot answer is never ready."""

import math

import cv2
import numpy as np

from artgrab.common.errors import ObjectCorruptError, SurroundingsError
from artgrab.serving.engines import EngineAwayError
from artgrab.serving.predictor import Predictor

_SIDE = 256
_TOLERANCE = 1e-3
"""By which the probabilities may miss 1: they are summed up in 32 bits."""


def smoke_picture() -> bytes:
    """Return a PNG with a gradient in every colour."""
    ramp = np.arange(_SIDE, dtype=np.uint8)
    rows, columns = np.meshgrid(ramp, ramp, indexing="ij")
    return cv2.imencode(".png", np.dstack([rows, columns, rows[::-1]]))[1].tobytes()


async def check_prediction(predictor: Predictor) -> None:
    """Ask about one picture, by the way that all requests take.

    Raises:
        ObjectCorruptError: the answer is none, or no probability.
        SurroundingsError: who computes is away.
    """
    try:
        (answer,) = await predictor.predict([smoke_picture()])
    except EngineAwayError as error:
        raise SurroundingsError(f"the self-test: {error}") from error
    if isinstance(answer, Exception):
        raise ObjectCorruptError(f"the model refuses the picture of the self-test: {answer}")
    total = math.fsum(answer.probabilities.values())
    if not abs(total - 1) < _TOLERANCE:  # also true of NaN
        raise ObjectCorruptError(
            f"the model's probabilities sum up to {total}; train it again and serve the new one"
        )
