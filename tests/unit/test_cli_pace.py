"""Rates and times left, as far as anybody can know them."""

import pytest

from artgrab.cli.pace import Pace, clock_text


def test_a_rate_is_that_of_the_last_half_minute() -> None:
    pace = Pace()
    for second in range(100):
        pace.note(1000 if second < 10 else 1000 + second, float(second))
    assert pace.per_second(1100, 100.0) == pytest.approx(1.0, rel=0.05)


def test_nothing_is_foretold_before_there_is_something_to_tell_it_from() -> None:
    pace = Pace()
    pace.note(0, 0.0)
    assert pace.per_second(5, 0.5) is None
    assert pace.seconds_left(5, 10, 0.5) is None


def test_without_a_total_or_without_headway_nobody_knows_the_end() -> None:
    pace = Pace()
    for second in range(60):
        pace.note(7, float(second))
    assert pace.seconds_left(7, None, 60.0) is None
    assert pace.per_second(7, 60.0) == 0
    assert pace.seconds_left(7, 100, 60.0) is None


def test_the_time_left_is_the_rest_at_the_present_pace() -> None:
    pace = Pace()
    pace.note(0, 0.0)
    assert pace.seconds_left(20, 60, 10.0) == pytest.approx(20.0)
    assert pace.seconds_left(80, 60, 10.0) == 0


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (6.6, "0:07"), (754, "12:34"), (3723, "1:02:03")]
)
def test_times_are_written_as_on_a_clock(seconds: float, text: str) -> None:
    assert clock_text(seconds) == text
