"""Figures by class, stated probability and threshold, and how far a share can be believed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from artgrab.trainer.curves import AnswerDetails, details_of, roc_points
from artgrab.trainer.intervals import wilson_interval

LABELS = ("art", "not-art")


def _details(first: list[float], target: list[int]) -> AnswerDetails:
    """Return the details where `first` are the probabilities of the first of two classes."""
    column = np.array(first)
    return details_of(np.stack([column, 1 - column], axis=1), np.array(target), LABELS)


def test_a_class_is_measured_against_all_others() -> None:
    one, other = _details([0.9, 0.8, 0.7, 0.2, 0.1], [0, 0, 1, 0, 1]).classes
    assert (one.label, one.pictures, other.pictures) == ("art", 3, 2)
    assert one.precision == one.recall == one.f1 == pytest.approx(2 / 3)
    assert other.precision == other.recall == other.f1 == 0.5
    assert one.auc == pytest.approx(5 / 6)  # of six pairs of both classes five are in order


def test_what_was_never_answered_or_never_asked_has_no_figure() -> None:
    never_asked, other = _details([0.2, 0.1], [1, 1]).classes
    assert (never_asked.precision, never_asked.recall, never_asked.f1) == (None, None, None)
    assert (never_asked.auc, other.auc) == (None, None)
    assert (other.precision, other.recall, other.f1) == (1, 1, 1)


def test_a_higher_threshold_answers_less_and_is_right_more_often() -> None:
    figures = _details([0.96, 0.91, 0.55, 0.55], [0, 0, 0, 1]).thresholds
    told = {one.probability: (one.coverage, one.accuracy) for one in figures}
    assert told[0.5] == (1, 0.75)
    assert told[0.9] == (0.5, 1)
    assert told[0.99] == (0, None)


@given(
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 1)), min_size=1, max_size=40).map(
        lambda pairs: ([p for p, _ in pairs], [c for _, c in pairs])
    )
)
def test_every_picture_is_in_one_bin_and_every_figure_is_a_share(
    drawn: tuple[list[float], list[int]],
) -> None:
    details = _details(*drawn)
    assert sum(one.pictures for one in details.reliability) == len(drawn[0])
    assert all(0.5 <= one.probability <= 1 for one in details.reliability)
    shares = [value for one in details.classes for value in (one.precision, one.recall, one.f1)]
    shares += [one.accuracy for one in details.reliability]
    assert all(value is None or 0 <= value <= 1 for value in shares)


def test_a_roc_curve_goes_from_nothing_taken_to_everything_taken() -> None:
    points = roc_points(np.array([0.9, 0.6, 0.4, 0.1]), np.array([True, False, True, False]))
    assert points[0] == [0, 0]
    assert points[-1] == [1, 1]
    assert [0.0, 0.5] in points
    assert points == sorted(points)


@pytest.mark.parametrize("positive", [True, False])
def test_without_one_of_both_sides_there_is_no_roc_curve(positive: bool) -> None:
    assert roc_points(np.array([0.9, 0.1]), np.array([positive, positive])) == []


def test_the_interval_is_that_of_the_literature() -> None:
    # Newcombe 1998, table I, method 3: 81 of 263, and 0 of 20.
    assert wilson_interval(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson_interval(0, 20) == pytest.approx((0, 0.1611), abs=1e-4)


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_holds_its_share(drawn: tuple[int, int]) -> None:
    hits, count = drawn
    low, high = wilson_interval(hits / count, count)
    assert 0 <= low <= hits / count + 1e-12
    assert hits / count - 1e-12 <= high <= 1
