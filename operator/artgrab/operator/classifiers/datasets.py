"""When a dataset is built, and of what."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from artgrab.common.digests import short_digest
from artgrab.common.statuses import DatasetStatus
from artgrab.operator import names
from artgrab.operator.classifiers.conditions import Reason, Situation
from artgrab.operator.classifiers.fates import Failed, Fate, Refused, fate_of
from artgrab.operator.classifiers.observed import DatasetMade, LearningComponent, LearningJob
from artgrab.operator.classifiers.plans import NewDataset
from artgrab.operator.classifiers.selection import Selection, select
from artgrab.operator.classifiers.views import Line, Step, View, running


@dataclass(frozen=True)
class Datasets:
    """The datasets of a classifier at one moment; each property is one question."""

    view: View

    @cached_property
    def selection(self) -> Selection:
        return select(self.view.resource, self.view.observed.categories)

    @cached_property
    def line(self) -> Line:
        return Line(
            self.view,
            LearningComponent.DATASET,
            under_way=Reason.BUILDING_DATASET,
            failed=Reason.DATASET_FAILED,
        )

    @cached_property
    def fate(self) -> Fate | None:
        """What the end of the last Job means; None where the status knows it already."""
        last, known = self.line.last, self.view.status.dataset
        if last is None:
            return None
        if known is not None:
            same = (last.inputs, last.stored) == (known.inputs, known.stored)
            if same or (last.ended_at is not None and last.ended_at < known.built_at):
                return None
        return fate_of(last, self.view.observed.words)

    @cached_property
    def newest(self) -> DatasetStatus | None:
        """The dataset of the status, or the one that a Job has just built."""
        last, made = self.line.last, self.fate
        if last is None or not isinstance(made, DatasetMade):
            return self.view.status.dataset
        return DatasetStatus(
            key=made.key,
            uri=made.uri,
            content_sha256=made.content_sha256,
            images=made.images,
            stored=last.stored,
            inputs=last.inputs,
            built_at=last.ended_at or self.view.now,
        )

    @cached_property
    def differs(self) -> bool:
        """Whether other categories, classes or curation are wanted than were learned from."""
        return self.newest is None or self.selection.inputs != self.newest.inputs

    @cached_property
    def grown(self) -> bool:
        """Whether enough new pictures are stored."""
        if self.newest is None:
            return False
        percent = 100 + self.view.resource.spec.retrain.min_new_percent
        now, then = self.selection.stored, self.newest.stored
        return now > then and now * 100 >= then * percent

    @property
    def waiting(self) -> str:
        """Categories that are waited for; empty where none is."""
        selection = self.selection
        return selection.waiting or (selection.scraping if self.newest else "")

    @cached_property
    def due_at(self) -> datetime | None:
        """When a newer dataset may be begun; None where it may be begun now."""
        ended_at = self.selection.ended_at
        if self.newest is None or ended_at is None:
            return None
        quiet = timedelta(minutes=self.view.resource.spec.retrain.quiet_minutes)
        return ended_at + quiet if ended_at + quiet > self.view.now else None

    @cached_property
    def work(self) -> str:
        return short_digest(
            {
                "inputs": self.selection.inputs,
                "stored": self.selection.stored,
                "parent": self._parent,
            }
        )

    @property
    def _parent(self) -> str:
        return self.newest.key if self.newest else ""

    @cached_property
    def kept(self) -> LearningJob | None:
        """The Job that runs, and may go on: also one of earlier inputs until they are settled."""
        if self.view.suspended or self.selection.obstacle:
            return None
        free = not self.waiting and self.due_at is None
        mine = running(self.line.jobs)
        return next((job for job in mine if not free or self._is_wanted(job)), None)

    def _is_wanted(self, job: LearningJob) -> bool:
        return job.inputs == self.selection.inputs

    def step(self, *, training: bool) -> Step:
        """Return the first of these that has something to say.

        Args:
            training: whether the newest dataset is being learned, or soon will be; only other
                categories, classes or curation make it worthless before it has been.
        """
        if self.selection.obstacle:
            return Step(self.selection.obstacle)
        if self.view.suspended:
            return Step(Situation(Reason.SUSPENDED, _SUSPENDED))
        if self.kept:
            return self.line.running_step(self.kept)
        return self._waiting() or self._tried() or self._growing(training) or self._begin()

    def _waiting(self) -> Step | None:
        if self.waiting:
            text = f"waits for categories: {self.waiting}"
            return Step(Situation(Reason.WAITING_FOR_CATEGORIES, text))
        if not self.differs and not self.grown:
            return Step(Situation(Reason.DATASET_BUILT, ""))
        if self.due_at:
            text = f"a newer one begins at {self.due_at:%Y-%m-%dT%H:%M:%SZ}"
            return Step(Situation(Reason.DATASET_BUILT, text), again_at=self.due_at)
        return None

    def _tried(self) -> Step | None:
        """Return what the last Job says, as long as nothing but time has changed."""
        last, fate = self.line.last, self.fate
        if last is not None and isinstance(fate, Refused):
            return self.line.refused_step(last, fate, work=self.work)
        if last is not None and isinstance(fate, Failed) and self._is_wanted(last):
            return self.line.failed_step(last, fate)
        return None

    def _growing(self, training: bool) -> Step | None:
        if training and not self.differs:
            text = "a newer one is begun when this one has been learned"
            return Step(Situation(Reason.DATASET_BUILT, text))
        return None

    def _begin(self) -> Step:
        key = self.view.classifier.key
        name = names.dataset_name(key.name, uid=self.view.classifier.uid, work=self.work)
        return self.line.begin(name, work=self.work, fate=self.fate)

    def new(self, step: Step) -> NewDataset:
        return NewDataset(
            work=self.work,
            labels=self.selection.labels,
            parent=self._parent,
            inputs=self.selection.inputs,
            stored=self.selection.stored,
            failures=step.failures,
        )


_SUSPENDED = "spec.suspend is true; set it to false to go on"
