"""Cron lines: five fields (minute, hour, day of the month, month, weekday), always in UTC."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from cronsim import CronSim, CronSimError

ALLOWED: Mapping[str, str] = {
    "minute": "0 to 59",
    "hour": "0 to 23",
    "day-of-month": "1 to 31, as far as the months have them, or L for the last",
    "month": "1 to 12 or JAN to DEC",
    "day-of-week": "0 to 7 (0 and 7 are Sunday) or SUN to SAT",
}
"""What each field takes, beside `*`, lists, ranges and steps."""
_SOME_DAY = datetime(2024, 1, 1, tzinfo=UTC)


def check_schedule(schedule: str) -> str:
    """Return a cron line of five fields.

    Raises:
        ValueError: a field is wrong, or no time fits all of them.
    """
    try:
        next_fire(schedule, _SOME_DAY)
    except CronSimError as error:
        field = str(error).removeprefix("Bad ")
        raise ValueError(f"its {field} is wrong; allowed: {ALLOWED.get(field, field)}") from error
    return schedule


def next_fire(schedule: str, now: datetime) -> datetime:
    """Return the first time of a schedule after now.

    Raises:
        ValueError: there is none within 50 years.
    """
    found = next(CronSim(schedule, now.astimezone(UTC)), None)
    if found is None:
        raise ValueError("no day is ever like that; check day-of-month, month and day-of-week")
    return found


def last_fire(schedule: str, now: datetime) -> datetime | None:
    """Return the last time of a schedule that is not after now; None if not within 50 years."""
    minute = now.astimezone(UTC).replace(second=0, microsecond=0)
    return next(CronSim(schedule, minute + timedelta(minutes=1), reverse=True), None)
