"""When a model is trained, and on which dataset."""

from dataclasses import dataclass
from functools import cached_property

from artgrab.common.digests import short_digest
from artgrab.common.statuses import DatasetStatus, ModelStatus, ServingStatus
from artgrab.operator import names
from artgrab.operator.classifiers.conditions import Reason, Situation
from artgrab.operator.classifiers.fates import Failed, Fate, Refused, fate_of
from artgrab.operator.classifiers.observed import LearningComponent, LearningJob, ModelMade
from artgrab.operator.classifiers.plans import NewTraining
from artgrab.operator.classifiers.promotion import is_compared
from artgrab.operator.classifiers.views import Line, Step, View, running


@dataclass(frozen=True)
class Trainings:
    """The trainings of a classifier at one moment; each property is one question."""

    view: View
    dataset: DatasetStatus | None
    serving: ServingStatus | None
    rolling_out: bool
    """Whether another model is being rolled out: the next one is to be compared with it."""

    @cached_property
    def line(self) -> Line:
        return Line(
            self.view,
            LearningComponent.TRAINER,
            under_way=Reason.TRAINING,
            failed=Reason.TRAINING_FAILED,
        )

    @cached_property
    def inputs(self) -> str:
        """Digest of how it is to be trained."""
        spec = self.view.resource.spec
        model = spec.model.model_dump(mode="json")
        return short_digest({"model": model, "training": spec.training.inputs()})

    @cached_property
    def work(self) -> str:
        return short_digest(
            {
                "dataset": self.dataset.key if self.dataset else "",
                "inputs": self.inputs,
                "served": self._served,
            }
        )

    @property
    def _served(self) -> str:
        return self.serving.key if self.serving else ""

    @cached_property
    def fate(self) -> Fate | None:
        """What the end of the last Job means; None where it made something else, or all is made."""
        last, status = self.line.last, self.view.status.model
        if last is None or last.work != self.work or self._is_wanted(status):
            return None
        fate = fate_of(last, self.view.observed.words)
        if isinstance(fate, ModelMade) and self.dataset and fate.dataset != self.dataset.key:
            return Failed("it says to have learned another dataset")
        return fate

    def _is_wanted(self, model: ModelStatus | None) -> bool:
        return (
            model is not None
            and self.dataset is not None
            and (model.dataset, model.inputs) == (self.dataset.key, self.inputs)
            and is_compared(model, self.serving)
        )

    @cached_property
    def newest(self) -> ModelStatus | None:
        """The model of the status, or the one that a Job has just trained."""
        last, made = self.line.last, self.fate
        if last is None or self.rolling_out or not isinstance(made, ModelMade):
            return self.view.status.model
        return ModelStatus(
            key=made.key,
            uri=made.uri,
            content_sha256=made.content_sha256,
            dataset=made.dataset,
            inputs=self.inputs,
            accuracy_permille=made.accuracy_permille,
            left_out_accuracy_permille=made.left_out_accuracy_permille,
            baseline_accuracy_permille=made.baseline_accuracy_permille,
            served_accuracy_permille=made.served_accuracy_permille if self.serving else None,
            served=self.serving.content_sha256 if self.serving else None,
            test_images=made.test_images,
            trained_at=last.ended_at or self.view.now,
        )

    @cached_property
    def kept(self) -> LearningJob | None:
        """The Job that runs, and may go on; on other nodes it goes on from its features."""
        if self.view.suspended or self._is_wanted(self.newest):
            return None
        wanted = self.work, self.view.resource.spec.training.nodes
        mine = running(self.line.jobs)
        return next((job for job in mine if (job.work, job.nodes) == wanted), None)

    def step(self, *, building: bool) -> Step:
        """Return the first of these that has something to say.

        Args:
            building: whether a newer dataset is being built: nothing is begun on an older one.
        """
        if self._is_wanted(self.newest):
            return Step(Situation(Reason.MODEL_TRAINED, ""))
        if self.view.suspended:
            return Step(Situation(Reason.SUSPENDED, "spec.suspend is true; set it to false"))
        if self.kept:
            return self.line.running_step(self.kept)
        return self._waiting(building) or self._tried() or self._begin()

    def _waiting(self, building: bool) -> Step | None:
        if self.dataset is None:
            return Step(Situation(Reason.PENDING, "waits for a dataset"))
        if building:
            return Step(Situation(Reason.PENDING, "waits for the dataset that is being built"))
        if self.rolling_out:
            text = "waits until the model before it is rolled out, to be compared with it"
            return Step(Situation(Reason.PENDING, text))
        return None

    def _tried(self) -> Step | None:
        """Return what the last Job says, as long as nothing but time has changed."""
        last, fate = self.line.last, self.fate
        if last is not None and isinstance(fate, Refused):
            return self.line.refused_step(last, fate, work=self.work)
        if last is not None and isinstance(fate, Failed):
            return self.line.failed_step(last, fate)
        return None

    def _begin(self) -> Step:
        key = self.view.classifier.key
        name = names.training_name(key.name, uid=self.view.classifier.uid, work=self.work)
        return self.line.begin(name, work=self.work, fate=self.fate)

    def new(self, step: Step) -> NewTraining:
        assert self.dataset is not None
        return NewTraining(
            work=self.work,
            snapshot=self.dataset.key,
            served=self._served,
            inputs=self.inputs,
            nodes=self.view.resource.spec.training.nodes,
            failures=step.failures,
        )
