"""Cron lines: what is taken, when they fire, and what a run is named after."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artgrab.common.resources import API_VERSION, ArtCategory
from artgrab.common.runs import next_fire, run_id_of, slot_of
from artgrab.common.schedules import check_schedule, last_fire

SUNDAYS = "0 3 * * 0"
SUNDAY = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
TIMES = st.datetimes(datetime(2020, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))
LINES = st.sampled_from([SUNDAYS, "*/7 * * * *", "30 4 1 */3 *", "0 0 29 2 *", "5 5 L * FRI#2"])


def category(name: str = "abstract-expressionism", **spec: Any) -> ArtCategory:
    source = {"mediawiki": {"url": "https://commons.wikimedia.org/w/api.php"}}
    document = {
        "apiVersion": API_VERSION,
        "kind": "ArtCategory",
        "metadata": {"name": name},
        "spec": {"sources": [source], **spec},
    }
    return ArtCategory.model_validate(document)


@pytest.mark.parametrize("line", [SUNDAYS, "*/15 0-6 1,15 JAN-MAR,12 mon", "0 0 L * *"])
def test_lines_of_cron_are_schedules(line: str) -> None:
    assert check_schedule(line) == line


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("60 * * * *", "minute"),
        ("* 24 * * *", "hour"),
        ("* * 0 * *", "day-of-month"),
        ("* * 30 2 *", "day-of-month"),
        ("* * * 13 *", "month"),
        ("* * * * 8", "day-of-week"),
        ("5-1 * * * *", "minute"),
    ],
)
def test_the_field_that_is_wrong_is_named(line: str, field: str) -> None:
    with pytest.raises(ValueError, match=f"its {field} is wrong; allowed: "):
        check_schedule(line)


def test_a_schedule_that_never_fires_is_refused() -> None:
    with pytest.raises(ValueError, match="no day is ever like that"):
        check_schedule("0 0 */31 * TUE#2")


@pytest.mark.parametrize(
    ("now", "slot"),
    [
        (SUNDAY - timedelta(microseconds=1), ""),
        (SUNDAY, "2026-11-22T03:00Z"),
        (SUNDAY + timedelta(seconds=59, microseconds=5), "2026-11-22T03:00Z"),
        (SUNDAY + timedelta(days=6), "2026-11-22T03:00Z"),
        (SUNDAY + timedelta(days=7), "2026-11-29T03:00Z"),
    ],
)
def test_a_slot_is_the_last_time_that_has_come(now: datetime, slot: str) -> None:
    assert slot_of(SUNDAYS, created=SUNDAY - timedelta(days=1), now=now) == slot


def test_the_first_run_waits_for_no_slot() -> None:
    assert slot_of(SUNDAYS, created=SUNDAY, now=SUNDAY + timedelta(days=1)) == ""
    assert slot_of(None, created=SUNDAY, now=SUNDAY + timedelta(days=900)) == ""


def test_schedules_are_in_utc_wherever_the_clock_is() -> None:
    tokyo = timezone(timedelta(hours=9))
    now = SUNDAY.astimezone(tokyo)
    assert slot_of(SUNDAYS, created=now - timedelta(days=1), now=now) == "2026-11-22T03:00Z"
    assert next_fire(SUNDAYS, now) == SUNDAY + timedelta(days=7)


@given(line=LINES, now=TIMES)
def test_between_two_neighbouring_times_there_is_none(line: str, now: datetime) -> None:
    last, following = last_fire(line, now), next_fire(line, now)
    assert last is not None
    assert last <= now < following
    assert next_fire(line, last) == following
    assert last_fire(line, following) == following


def test_names_of_runs_stay_what_they_were() -> None:
    assert run_id_of(category()) == "adab3399704c628d"


def test_when_and_whether_to_collect_changes_no_run() -> None:
    other = category(schedule=SUNDAYS, suspend=True, deletionPolicy="Delete")
    assert run_id_of(other) == run_id_of(category())
    assert run_id_of(other, "2026-11-22T03:00Z") == run_id_of(category(), "2026-11-22T03:00Z")


def test_another_slot_or_another_wish_is_another_run() -> None:
    ids = {
        run_id_of(category()),
        run_id_of(category(), "2026-11-22T03:00Z"),
        run_id_of(category(), "2026-11-29T03:00Z"),
        run_id_of(category("woodcuts")),
        run_id_of(category(targetImages=5)),
    }
    assert len(ids) == 5
