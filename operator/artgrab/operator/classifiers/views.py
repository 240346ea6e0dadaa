"""One classifier at one moment, and what can be said of its Jobs."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from artgrab.common.resources import ArtClassifier
from artgrab.common.statuses import ArtClassifierStatus, ClassifierCondition
from artgrab.operator.classifiers.conditions import Reason, Situation
from artgrab.operator.classifiers.fates import Failed, Refused
from artgrab.operator.classifiers.observed import (
    Classifier,
    LearningComponent,
    LearningJob,
    ObservedClassifier,
)
from artgrab.operator.classifiers.templates import learning_template_digest
from artgrab.operator.conditions import found
from artgrab.operator.plans import backoff_seconds
from artgrab.operator.settings import OperatorSettings


@dataclass(frozen=True)
class View:
    """All that a plan is made from."""

    classifier: Classifier
    resource: ArtClassifier
    observed: ObservedClassifier
    now: datetime
    settings: OperatorSettings

    @property
    def status(self) -> ArtClassifierStatus:
        return self.classifier.status

    @property
    def suspended(self) -> bool:
        return self.resource.spec.suspend


@dataclass(frozen=True)
class Step:
    """What is the matter with one kind of Job, and what is done about it."""

    situation: Situation
    kept: LearningJob | None = None
    """The Job that runs and may go on."""
    create: bool = False
    delete: tuple[LearningJob, ...] = ()
    again_at: datetime | None = None
    failures: int = 0
    """Jobs that failed in a row, up to now."""

    @property
    def busy(self) -> bool:
        """Whether a Job runs, or is to be made now."""
        return self.kept is not None or self.create


def own_jobs(
    classifier: Classifier, observed: ObservedClassifier, component: LearningComponent | None = None
) -> list[LearningJob]:
    """Return the Jobs of this very classifier, oldest first."""
    jobs = [
        job
        for job in observed.jobs
        if job.owner == classifier.uid and component in (None, job.component)
    ]
    return sorted(jobs, key=lambda job: (job.created, job.name))


def running(jobs: Iterable[LearningJob]) -> list[LearningJob]:
    """Return the Jobs that have not ended and that nobody has begun to delete."""
    return [job for job in jobs if not job.finished and not job.deleting]


def _by_end(job: LearningJob) -> tuple[datetime, datetime, str]:
    return job.ended_at or job.created, job.created, job.name


@dataclass(frozen=True)
class Line:
    """The Jobs of one kind, one after the other: at most one of them runs."""

    view: View
    component: LearningComponent
    under_way: Reason
    failed: Reason

    @cached_property
    def jobs(self) -> list[LearningJob]:
        return own_jobs(self.view.classifier, self.view.observed, self.component)

    @cached_property
    def last(self) -> LearningJob | None:
        """The Job that ended last."""
        ended = (job for job in self.jobs if job.finished)
        return max(ended, key=_by_end, default=None)

    def running_step(self, job: LearningJob) -> Step:
        """Return the step of a Job that runs: its pod is looked at again after a while."""
        again = self.view.now + timedelta(seconds=self.view.settings.progress_seconds)
        situation = self._under_way(job.name, job.failures)
        return Step(situation, kept=job, again_at=again, failures=job.failures)

    def _under_way(self, job: str, failures: int) -> Situation:
        text = f"its log: kubectl logs --namespace {self._namespace} job/{job}"
        if self.view.observed.start_trouble:
            text = f"its pod does not start: {self.view.observed.start_trouble}; {text}"
        if failures:
            text = f"failures in a row before: {failures}; {text}"
        return Situation(self.under_way, f"job/{job} is under way; {text}")

    @property
    def _namespace(self) -> str:
        return self.view.classifier.key.namespace

    def refused_step(self, job: LearningJob, fate: Refused, *, work: str) -> Step | None:
        """Return the step of a Job that cannot work; None where another one may."""
        if job.work != work or job.template != learning_template_digest(self.view.settings):
            return None
        text = (
            f"{fate.message}; change the spec, or try again: "
            f"kubectl delete --namespace {self._namespace} job/{job.name}"
        )
        return Step(Situation(self.failed, text))

    def failed_step(self, job: LearningJob, fate: Failed) -> Step | None:
        """Return the step of a Job that failed; None where it is time for the next one."""
        at, failures = self._retry_at(job), job.failures + 1
        if self.view.now >= at:
            return None
        return Step(self._failed(job, fate, at), again_at=at, failures=failures)

    def _failed(self, job: LearningJob, fate: Failed, at: datetime) -> Situation:
        return Situation(
            self.failed,
            f"{fate.message}; failures in a row: {job.failures + 1}; the next one begins at "
            f"{at:%Y-%m-%dT%H:%M:%SZ}, or at once: "
            f"kubectl delete --namespace {self._namespace} job/{job.name}",
        )

    def _retry_at(self, job: LearningJob) -> datetime:
        settings = self.view.settings
        seconds = backoff_seconds(
            job.failures + 1,
            first=settings.failure_backoff_seconds,
            longest=settings.max_failure_backoff_seconds,
        )
        return (job.ended_at or job.created) + timedelta(seconds=seconds)

    def begin(self, name: str, *, work: str, fate: object) -> Step:
        """Return the step of a Job that is to be made: at once, or when the way is free."""
        failures = self._failures(fate)
        if self.view.observed.refusal:
            text = f"the cluster takes no Job: {self.view.observed.refusal}; it is asked again"
            return Step(Situation(self.failed, text), failures=failures)
        if blocker := self._blocker(work):
            text = f"waits for job/{blocker.name} to end, which is of an earlier spec or object"
            return Step(Situation(self.under_way, text), failures=failures)
        if same := [job for job in self.jobs if job.finished and job.work == work]:
            text = f"job/{same[0].name} is made anew"
            return Step(Situation(self.under_way, text), delete=tuple(same), failures=failures)
        return Step(self._under_way(name, failures), create=True, failures=failures)

    def _blocker(self, work: str) -> LearningJob | None:
        """Return a Job that must be gone before another one is made."""
        mine = (job for job in self.view.observed.jobs if job.component == self.component)
        return next((job for job in mine if self._blocks(job, work)), None)

    def _blocks(self, job: LearningJob, work: str) -> bool:
        if not job.finished:
            return True
        return job.deleting and job.owner == self.view.classifier.uid and job.work == work

    def _failures(self, fate: object) -> int:
        """Return the failures in a row; where their Job is gone already, the status knows them."""
        if self.last is not None:
            return self.last.failures + 1 if isinstance(fate, Failed) else 0
        degraded = found(self.view.status.conditions, ClassifierCondition.DEGRADED)
        known = degraded is not None and degraded.reason == self.failed
        return (self.view.status.failures or 0) if known else 0

    def superseded(self, step: Step) -> tuple[LearningJob, ...]:
        """Return what must not run any more, and what nobody needs to read any more."""
        ending = [job for job in running(self.jobs) if job is not step.kept]
        old = [job for job in self.jobs if job.finished and not job.deleting]
        return (*ending, *(job for job in old if job is not self.last and job not in step.delete))
