"""Names of runs: the same wherever and whenever they are asked for. Light: an operator needs them.

A run is what is collected (queries, sources, target, filters), and for which time of a schedule.
"""

from datetime import datetime

from artgrab.common.digests import short_digest
from artgrab.common.resources import ArtCategory
from artgrab.common.schedules import last_fire
from artgrab.common.schedules import next_fire as next_fire

_NOT_OF_A_RUN = {"schedule", "suspend", "deletion_policy"}
"""Fields of the spec that do not change what is collected."""


def run_id_of(category: ArtCategory, slot: str = "") -> str:
    """Return the digest of what a run depends on: the same after a restart."""
    spec = category.spec.model_dump(mode="json", exclude=_NOT_OF_A_RUN)
    key = {"spec": spec, "queries": category.queries}
    return short_digest({**key, "slot": slot} if slot else key)


def slot_of(schedule: str | None, *, created: datetime, now: datetime) -> str:
    """Return the last time of a schedule after created and not after now, as 2026-11-01T03:00Z.

    It is empty before the first one, and without a schedule: that run starts at once.
    """
    last = last_fire(schedule, now) if schedule else None
    return f"{last:%Y-%m-%dT%H:%MZ}" if last and last > created else ""
