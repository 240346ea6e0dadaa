"""The plan for a category whose spec can be worked with."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from artgrab.common.resources import ArtCategory
from artgrab.common.statuses import ArtCategoryStatus, Condition, RunCounts
from artgrab.operator import names
from artgrab.operator.conditions import Reason
from artgrab.operator.due import Run, due_run, is_collected, next_run_at
from artgrab.operator.fates import Failed, Fate, Refused, fate_of
from artgrab.operator.observed import Category, Job, Observed, Result
from artgrab.operator.outcomes import (
    GOOD,
    Situation,
    conditions_of,
    ended_situation,
    health_of,
    own_jobs,
    running,
    told_plan,
    with_result,
)
from artgrab.operator.plans import (
    NewScrape,
    Plan,
    Ticket,
    backoff_seconds,
    last_ended,
    seconds_until,
)
from artgrab.operator.settings import OperatorSettings
from artgrab.operator.templates import template_digest


def plan_scrape(
    category: Category,
    resource: ArtCategory,
    observed: Observed,
    now: datetime,
    settings: OperatorSettings,
) -> Plan:
    """Return what is to be done so that the run that is due is the last one that has ended."""
    return _View(category, resource, observed, now, settings).plan()


@dataclass(frozen=True)
class _Step:
    """What is the matter, and what is done about it."""

    situation: Situation
    create: bool = False
    delete: tuple[Job, ...] = ()
    again_at: datetime | None = None
    wants_place: bool = False


@dataclass(frozen=True)
class _View:
    """All that can be said of a category at one moment; each property is one question."""

    category: Category
    resource: ArtCategory
    observed: Observed
    now: datetime
    settings: OperatorSettings

    @cached_property
    def jobs(self) -> list[Job]:
        return own_jobs(self.category, self.observed)

    @cached_property
    def last(self) -> Job | None:
        """The Job that ended last."""
        return last_ended(self.jobs)

    @cached_property
    def fate(self) -> Fate | None:
        """What the end of the last Job means; None where that is known to the status already."""
        last, status = self.last, self.category.status
        if last is None or last.spec_digest != self.digest or last.run_id == status.run_id:
            return None
        if status.ended_at and last.ended_at and last.ended_at < status.ended_at:
            return None
        return fate_of(last, self.observed.words)

    @cached_property
    def result(self) -> Result | None:
        return self.fate if isinstance(self.fate, Result) else None

    @cached_property
    def status(self) -> ArtCategoryStatus:
        """The status with the run that has just ended."""
        before = self.category.status
        if self.result is None or self.last is None:
            return before
        return with_result(before, self.last, self.result)

    @cached_property
    def digest(self) -> str:
        return due_run(self.resource, self.category.status, (), **self._times).spec_digest

    @cached_property
    def run(self) -> Run:
        return due_run(self.resource, self.status, self.jobs, **self._times)

    @property
    def _times(self) -> dict[str, datetime]:
        return {"created": self.category.created, "now": self.now}

    @cached_property
    def health(self) -> Condition:
        return health_of(self.category, self.result, self.now)

    @cached_property
    def ended(self) -> Situation:
        """How the last run ended."""
        return ended_situation(self.status, self.health, target=self.resource.spec.target_images)

    @cached_property
    def collected(self) -> bool:
        """Whether what the spec wants is there already, from an earlier run."""
        return self.status.run_reason in GOOD and is_collected(
            self.resource, self.status, self.jobs, created=self.category.created
        )

    @cached_property
    def kept(self) -> Job | None:
        """The Job that runs, and may go on."""
        return next((job for job in self._by_age if self._may_run(job)), None)

    @property
    def _by_age(self) -> list[Job]:
        return sorted(running(self.jobs), key=lambda job: (job.created, job.name))

    def _may_run(self, job: Job) -> bool:
        """A Job of an earlier slot may: it collects the same, and would else never end."""
        return (
            not self.resource.spec.suspend
            and job.spec_digest == self.run.spec_digest
            and job.run_id != self.status.run_id
            and not (job.suspended and self.now >= self._released_by(job))
        )

    def _released_by(self, job: Job) -> datetime:
        return job.created + timedelta(seconds=self.settings.release_seconds)

    @cached_property
    def blocker(self) -> Job | None:
        """A Job that must be gone before another one is made."""
        return next((job for job in self.observed.jobs if self._blocks(job)), None)

    def _blocks(self, job: Job) -> bool:
        if job.finished:
            return job.deleting and job.owner == self.category.uid and job.run_id == self.run.run_id
        return job is not self.kept

    @cached_property
    def failures(self) -> int:
        """Scrape Jobs of this spec that failed in a row, up to now."""
        if self.kept:
            return self.kept.failures
        if self.last is None:
            return self.status.failures or 0
        return self.last.failures + 1 if isinstance(self.fate, Failed) else 0

    @cached_property
    def step(self) -> _Step:
        """The first of these that has something to say."""
        if self.kept:
            return self._running(self.kept)
        if self.run.run_id == self.status.run_id:
            return _Step(self.ended)
        if self.resource.spec.suspend:
            return _Step(Situation(Reason.SUSPENDED, "set spec.suspend to false to collect it"))
        if isinstance(self.fate, Refused) and self.last:
            return self._refused(self.last, self.fate)
        if isinstance(self.fate, Failed) and self.last:
            return self._failed(self.last, self.fate)
        return self._begin()

    def _running(self, job: Job) -> _Step:
        if self.observed.refusal and job.suspended:
            return self._taken_amiss()
        again = self._released_by(job) if job.suspended else self._look_again
        return _Step(self._scraping(job.name), again_at=again)

    def _scraping(self, job: str) -> Situation:
        text = f"its log: kubectl logs --namespace {self.category.key.namespace} job/{job}"
        if self.observed.start_trouble:
            text = f"its pod does not start: {self.observed.start_trouble}; {text}"
        return Situation(Reason.SCRAPING, f"a scrape is under way; {text}")

    @property
    def _look_again(self) -> datetime:
        return self.now + timedelta(seconds=self.settings.progress_seconds)

    def _taken_amiss(self) -> _Step:
        text = f"the cluster takes no scrape Job: {self.observed.refusal}; it is asked again"
        return _Step(Situation(Reason.SCRAPE_FAILED, text))

    def _refused(self, job: Job, fate: Refused) -> _Step:
        situation = Situation(
            Reason.INVALID_SPEC,
            f"{fate.message}; change the spec, or delete job/{job.name} to try again",
        )
        if job.template == template_digest(self.settings):
            return _Step(situation)
        return self._again(job, situation)  # other settings may mend it

    def _failed(self, job: Job, fate: Failed) -> _Step:
        at = self._retry_at(job)
        situation = Situation(
            Reason.SCRAPE_FAILED,
            f"{fate.message}; failures in a row: {job.failures + 1}; the next scrape begins at "
            f"{at:%Y-%m-%dT%H:%M:%SZ}, or at once when job/{job.name} is deleted",
        )
        if self.now < at:
            return _Step(situation, again_at=at)
        return self._again(job, situation)

    def _retry_at(self, job: Job) -> datetime:
        seconds = backoff_seconds(
            job.failures + 1,
            first=self.settings.failure_backoff_seconds,
            longest=self.settings.max_failure_backoff_seconds,
        )
        return (job.ended_at or job.created) + timedelta(seconds=seconds)

    def _again(self, job: Job, situation: Situation) -> _Step:
        """Begin anew; a Job of the same name has to go first."""
        if job.run_id != self.run.run_id:
            return self._begin()
        return _Step(situation, delete=() if job.deleting else (job,))

    def _begin(self) -> _Step:
        if self.observed.refusal:
            return self._taken_amiss()
        if self.blocker:
            text = (
                f"waits for job/{self.blocker.name} to end, which is of an earlier spec or object"
            )
            return _Step(Situation(Reason.PENDING, text))
        if self.observed.wait:
            return _Step(Situation(Reason.PENDING, self.observed.wait), wants_place=True)
        job = names.scrape_name(
            self.category.key.name, uid=self.category.uid, run_id=self.run.run_id
        )
        return _Step(self._scraping(job), create=True, wants_place=True)

    @cached_property
    def alone_at(self) -> frozenset[str]:
        """Hosts of APIs: they are asked by one scrape at a time."""
        return frozenset(one.host for one in self.resource.spec.sources if one.mediawiki)

    def plan(self) -> Plan:
        step = self.step
        refreshing = self.collected and not isinstance(self.fate, Refused)
        conditions = conditions_of(
            self.category,
            step.situation,
            self.ended if refreshing else None,
            self.health,
            self.now,
        )
        category = self.category
        return told_plan(
            category,
            self._told_status(),
            conditions,
            self.settings,
            hold=category.deletes and not category.held,
            let_go=category.held and not category.deletes,
            create=self._new() if step.create else None,
            release=self.kept if self.kept and self.kept.suspended else None,
            delete=(*step.delete, *self._superseded(step)),
            again_after=seconds_until(
                [step.again_at, next_run_at(self.resource, self.now)], self.now
            ),
            ticket=self._ticket() if step.wants_place else None,
        )

    def _told_status(self) -> ArtCategoryStatus:
        told: dict[str, Any] = {
            "failures": self.failures or None,
            "next_run_at": next_run_at(self.resource, self.now),
        }
        if self.kept and self.observed.progress and not self.collected:
            told["counts"] = _furthest(self.status.counts, self.observed.progress)
        return self.status.model_copy(update=told)

    def _new(self) -> NewScrape:
        return NewScrape(self.resource, self.run, self.failures, self.alone_at)

    def _ticket(self) -> Ticket:
        return Ticket(self.category.key, self.run.since, self.alone_at)

    def _superseded(self, step: _Step) -> tuple[Job, ...]:
        """Return what must not run any more, and what nobody needs to read any more."""
        ending = [job for job in running(self.jobs) if job is not self.kept]
        old = [job for job in self.jobs if job.finished and not job.deleting]
        return (*ending, *(job for job in old if job is not self.last and job not in step.delete))


def _furthest(before: RunCounts | None, now: RunCounts) -> RunCounts:
    """Return counts that never go back: a scrape that was started anew counts from nothing."""
    if before is None:
        return now
    names = type(now).model_fields
    return RunCounts(**{name: max(getattr(before, name), getattr(now, name)) for name in names})
