"""Which run of a category is due: what it collects, and for which time of its schedule."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from artgrab.common.resources import ArtCategory
from artgrab.common.run_ids import next_fire, run_id_of, slot_of
from artgrab.common.statuses import ArtCategoryStatus
from artgrab.operator.observed import Job

_SLOT = "%Y-%m-%dT%H:%MZ"


@dataclass(frozen=True)
class Run:
    """What a Job is made for."""

    run_id: str
    spec_digest: str
    """What it collects, whatever its slot."""
    since: datetime
    """When it became due."""


def due_run(
    resource: ArtCategory,
    status: ArtCategoryStatus,
    jobs: Iterable[Job],
    *,
    created: datetime,
    now: datetime,
) -> Run:
    """Return the run that should be the last one that has ended.

    A time of the schedule counts as served by a run of the same spec that began after it: a
    schedule that is added to a category, or moved, begins nothing at once.
    """
    digest = run_id_of(resource)
    slot = slot_of(resource.spec.schedule, created=created, now=now)
    if not slot:
        return Run(digest, digest, created)
    since = datetime.strptime(slot, _SLOT).replace(tzinfo=UTC)
    served = status.started_at is not None and status.started_at >= since
    if served and status.run_id and is_collected(resource, status, jobs, created=created):
        return Run(status.run_id, digest, since)
    return Run(run_id_of(resource, slot), digest, since)


def is_collected(
    resource: ArtCategory, status: ArtCategoryStatus, jobs: Iterable[Job], *, created: datetime
) -> bool:
    """Tell whether the last ended run collected what the spec wants now, in whichever slot."""
    if status.run_id is None:
        return False
    return status.run_id in set(_known_runs(resource, status, jobs, created=created))


def _known_runs(
    resource: ArtCategory, status: ArtCategoryStatus, jobs: Iterable[Job], *, created: datetime
) -> Iterator[str]:
    digest = run_id_of(resource)
    yield digest
    if resource.spec.schedule and status.started_at:
        slot = slot_of(resource.spec.schedule, created=created, now=status.started_at)
        yield run_id_of(resource, slot)
    yield from (job.run_id for job in jobs if job.spec_digest == digest)


def next_run_at(resource: ArtCategory, now: datetime) -> datetime | None:
    """Return when the schedule begins the next run."""
    if resource.spec.schedule is None or resource.spec.suspend:
        return None
    return next_fire(resource.spec.schedule, now)
