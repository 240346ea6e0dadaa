"""What a plan may ask for, and how its parts are put together."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from artgrab.common.resources import ArtCategory
from artgrab.common.statuses import ArtCategoryStatus
from artgrab.operator.conditions import Event, ours
from artgrab.operator.due import Run
from artgrab.operator.observed import Category, Job, Key


@dataclass(frozen=True)
class NewScrape:
    """A scrape Job to be made, together with its Secret."""

    resource: ArtCategory
    run: Run
    failures: int
    alone_at: frozenset[str]


@dataclass(frozen=True)
class Ticket:
    """A wish for a place among the scrapes that may run at once."""

    key: Key
    since: datetime
    alone_at: frozenset[str]
    """Hosts that nobody else may ask meanwhile."""


@dataclass(frozen=True)
class Plan:
    """What is to be written for a category; done in this order, and nothing after a failure."""

    hold: bool = False
    """Add our finalizer."""
    create: NewScrape | None = None
    release: Job | None = None
    """Make the Secret of a Job that is there, and let it run."""
    clean_up: int | None = None
    """Make the Job that removes what is stored, after so many that failed in a row."""
    status: ArtCategoryStatus | None = None
    """None where it says this already."""
    events: tuple[Event, ...] = ()
    delete: tuple[Job, ...] = ()
    let_go: bool = False
    """Remove our finalizer."""

    again_after: float | None = None
    """Seconds until time alone changes the plan; None where it never does."""
    ticket: Ticket | None = None
    """The wish for a place, whether there is one now or not."""

    @property
    def writes(self) -> bool:
        """Whether anything is to be written."""
        return bool(
            self.hold
            or self.create
            or self.release
            or self.clean_up is not None
            or self.status
            or self.delete
            or self.let_go
        )


def seconds_until(times: Iterable[datetime | None], now: datetime) -> float | None:
    """Return the seconds until the first of some times that has not passed."""
    waits = [(one - now).total_seconds() for one in times if one is not None]
    return min((wait for wait in waits if wait > 0), default=None)


def changed(category: Category, status: ArtCategoryStatus) -> ArtCategoryStatus | None:
    """Return a status, or None where the category has it already."""
    before = category.status
    told = before.model_copy(update={"conditions": ours(before.conditions)})
    return None if told.model_dump(mode="json") == status.model_dump(mode="json") else status


def last_ended(jobs: Iterable[Job]) -> Job | None:
    """Return the Job that ended last."""
    ended = (job for job in jobs if job.finished)
    return max(ended, key=lambda job: (job.ended_at or job.created, job.name), default=None)


def backoff_seconds(failures: int, *, first: float, longest: float) -> float:
    """Return how long to wait after so many failures in a row: twice as long each time."""
    return float(min(longest, first * 2 ** min(max(failures - 1, 0), 30)))
