"""Charts: well-formed, within their frame, and no text of others becomes markup."""

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artgrab.trainer.charts import Axis, Line, line_chart, thinned, ticks

_numbers = st.floats(-1e6, 1e6)


def _places(markup: str) -> list[tuple[float, float]]:
    root = ElementTree.fromstring(markup)
    return [
        (float(left), float(top))
        for line in root.iter("polyline")
        for left, top in (pair.split(",") for pair in line.get("points", "").split())
    ]


@given(st.lists(st.tuples(_numbers, _numbers), max_size=30), _numbers, _numbers)
def test_all_points_are_inside_the_frame(
    points: list[tuple[float, float]], low: float, high: float
) -> None:
    axis = Axis("loss", min(low, high), max(low, high))
    places = _places(line_chart([Line(points, "ours", dots=True)], x=axis, y=axis, summary="s"))
    assert len(places) == len(points)
    assert all(0 <= left <= 420 and 0 <= top <= 280 for left, top in places)


def test_more_is_further_right_and_higher() -> None:
    axis = Axis("share", 0, 1, percent=True)
    (left, low), (right, high) = _places(
        line_chart([Line([(0, 0), (1, 1)], "ours")], x=axis, y=axis, summary="")
    )
    assert left < right
    assert high < low


def test_names_stay_text() -> None:
    hostile = '"><script>alert(1)</script>'
    axis = Axis(hostile, 0, 1)
    root = ElementTree.fromstring(line_chart([], x=axis, y=axis, summary=hostile))
    assert root.get("aria-label") == hostile
    assert not list(root.iter("script"))


@pytest.mark.parametrize(
    ("axis", "expected"),
    [
        (Axis("", 0, 1), [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (Axis("", 0, 28, whole=True), [0, 10, 20]),
        (Axis("", 0, 3, whole=True), [0, 1, 2, 3]),
        (Axis("", 0.5, 1), [0.5, 0.6, 0.7, 0.8, 0.9, 1]),
        (Axis("", 2, 2), [2]),
    ],
)
def test_ticks_are_round_numbers(axis: Axis, expected: list[float]) -> None:
    assert ticks(axis) == expected


@given(st.integers(0, 5000))
def test_a_thinned_line_keeps_its_ends(count: int) -> None:
    points = [(float(n), 0.0) for n in range(count)]
    kept = thinned(points, most=400)
    assert len(kept) == min(count, 400)
    assert (kept[:1], kept[-1:]) == (points[:1], points[-1:])
