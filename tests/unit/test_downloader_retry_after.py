"""Retry-After as sites write it."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artgrab.downloader.fetch import retry_after

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        (" 120 ", 120),
        ("9" * 400, 999_999_999),
        ("Thu, 01 Jan 2026 12:01:30 GMT", 90),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 251_635_031_999),
        ("Thu, 01 Jan 10000 00:00:00 GMT", None),
        ("Thu, 01 Jan 2026 12:01:30 -0000", None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("\u0663", None),
    ],
)
def test_seconds_and_dates_are_understood(value: str, seconds: float | None) -> None:
    assert retry_after({"Retry-After": value}, NOW) == seconds


@given(st.text(max_size=60))
def test_no_value_makes_the_reading_fail(value: str) -> None:
    found = retry_after({"Retry-After": value}, NOW)
    assert found is None or found >= 0


def test_a_site_that_says_nothing_names_no_time() -> None:
    assert retry_after({}, NOW) is None
