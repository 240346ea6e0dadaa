"""How far a share that was counted on few pictures can be believed."""

import math
from typing import NamedTuple

_QUANTILE = 1.959963984540054
"""Of the normal distribution, for 95 %."""


class Interval(NamedTuple):
    """Bounds of a share of 1."""

    low: float
    high: float


def wilson_interval(share: float, count: int) -> Interval:
    """Return the 95 % interval of a share (Wilson 1927): holds for few pictures and for 0 and 1.

    It takes the pictures for independent; those of one site are not, so the truth may be wider.

    Args:
        share: what was counted, of 1.
        count: of how many; at least 1.
    """
    spread = _QUANTILE**2 / count
    centre = (share + spread / 2) / (1 + spread)
    half = _QUANTILE * math.sqrt(share * (1 - share) / count + spread / (4 * count)) / (1 + spread)
    return Interval(max(0.0, centre - half), min(1.0, centre + half))
