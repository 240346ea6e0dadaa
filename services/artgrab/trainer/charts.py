"""Charts as inline SVG: pure functions from figures to markup, coloured by the page's style."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup, escape

_WIDTH, _HEIGHT = 420, 280
_LEFT, _RIGHT, _TOP, _BOTTOM = 50, 12, 10, 44
_TICKS = 5
_MOST_POINTS = 400
"""Of a line; more cannot be seen."""

Point = tuple[float, float]


class Axis(NamedTuple):
    """What an axis shows, and from where to where."""

    name: str
    low: float
    high: float
    percent: bool = False
    whole: bool = False
    """Whether it has ticks at whole numbers only."""


class Line(NamedTuple):
    """Points that are joined, or stand alone."""

    points: Sequence[Point]
    kind: str
    """Class of the style that gives its colour: ours, base, amber, ..."""
    dots: bool = False
    """Whether each point is marked."""
    dashed: bool = False


def line_chart(lines: Sequence[Line], *, x: Axis, y: Axis, summary: str) -> Markup:
    """Return a chart.

    Args:
        lines: drawn in this order.
        x: across.
        y: upwards.
        summary: what it tells, for those who do not see it.
    """
    drawn = Markup("").join(_drawn(line, x, y) for line in lines)
    return Markup(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}{}</svg>'
    ).format(_WIDTH, _HEIGHT, summary, _across(x), _upwards(y), drawn)


def ticks(axis: Axis, *, most: int = _TICKS) -> list[float]:
    """Return round numbers on an axis, from its low to its high end."""
    span = axis.high - axis.low
    if span <= 0:
        return [axis.low]
    rough = span / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    if axis.whole:
        step = max(1.0, step)
    first = math.ceil(axis.low / step - 1e-9)
    last = math.floor(axis.high / step + 1e-9)
    return [round(number * step, 12) for number in range(first, last + 1)]


def thinned(points: Sequence[Point], *, most: int = _MOST_POINTS) -> Sequence[Point]:
    """Return evenly chosen points, the first and the last among them."""
    if len(points) <= most:
        return points
    return [points[round(place * (len(points) - 1) / (most - 1))] for place in range(most)]


def _drawn(line: Line, x: Axis, y: Axis) -> Markup:
    places = [_place(point, x, y) for point in thinned(line.points)]
    dots = [Markup('<circle cx="{}" cy="{}" r="3.5"/>').format(*place) for place in places]
    path = " ".join(f"{left},{top}" for left, top in places)
    return Markup('<g class="line {}{}"><polyline points="{}"/>{}</g>').format(
        line.kind,
        " dashed" if line.dashed else "",
        path,
        Markup("").join(dots if line.dots else ()),
    )


def _across(axis: Axis) -> Markup:
    bottom = _HEIGHT - _BOTTOM
    marks = [
        Markup('<path class="grid" d="M{0} {1}V{2}"/><text x="{0}" y="{3}">{4}</text>').format(
            _left(value, axis), _TOP, bottom, bottom + 20, _told(value, axis)
        )
        for value in ticks(axis)
    ]
    name = Markup('<text class="name" x="{}" y="{}">{}</text>').format(
        (_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 5, axis.name
    )
    return Markup('<g class="across">{}{}</g>').format(Markup("").join(marks), name)


def _upwards(axis: Axis) -> Markup:
    marks = [
        Markup('<path class="grid" d="M{0} {1}H{2}"/><text x="{3}" y="{4}">{5}</text>').format(
            _LEFT,
            _top(value, axis),
            _WIDTH - _RIGHT,
            _LEFT - 7,
            round(_top(value, axis) + 4, 1),
            _told(value, axis),
        )
        for value in ticks(axis)
    ]
    return Markup('<g class="upwards">{}</g>').format(Markup("").join(marks))


def _place(point: Point, x: Axis, y: Axis) -> Point:
    return _left(point[0], x), _top(point[1], y)


def _left(value: float, axis: Axis) -> float:
    return round(_LEFT + _share(value, axis) * (_WIDTH - _LEFT - _RIGHT), 1)


def _top(value: float, axis: Axis) -> float:
    return round(_HEIGHT - _BOTTOM - _share(value, axis) * (_HEIGHT - _TOP - _BOTTOM), 1)


def _share(value: float, axis: Axis) -> float:
    span = axis.high - axis.low
    return min(1.0, max(0.0, (value - axis.low) / span)) if span > 0 else 0.5


def _told(value: float, axis: Axis) -> Markup:
    return escape(f"{100 * value:g}\N{NO-BREAK SPACE}%" if axis.percent else f"{value:g}")
