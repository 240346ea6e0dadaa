"""What is to be done for one classifier now: a pure function of what is seen, and of the time.

Level-triggered, as the plan for a category: it may be asked at any moment, also after a restart at
any step, and asks for nothing where all is as it should be.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from artgrab.common.statuses import ArtClassifierStatus, ServingStatus
from artgrab.operator.classifiers.conditions import Reason, Situation, merged, ours
from artgrab.operator.classifiers.datasets import Datasets
from artgrab.operator.classifiers.observed import Classifier, ObservedClassifier
from artgrab.operator.classifiers.plans import ClassifierPlan
from artgrab.operator.classifiers.rollouts import Rollouts, served_now, still_served
from artgrab.operator.classifiers.telling import (
    Told,
    changed,
    degraded,
    events_of,
    tell_dataset,
    tell_served,
    tell_serving,
    tell_trained,
)
from artgrab.operator.classifiers.trainings import Trainings
from artgrab.operator.classifiers.views import Step, View, own_jobs, running
from artgrab.operator.conditions import condition
from artgrab.operator.plans import seconds_until
from artgrab.operator.settings import OperatorSettings


def plan_classifier(
    classifier: Classifier,
    observed: ObservedClassifier,
    now: datetime,
    settings: OperatorSettings,
) -> ClassifierPlan:
    """Return what is to be written, in the order of the fields, and when to ask again.

    What belongs to a classifier that is being deleted goes with it, by its owner references.
    """
    if classifier.deleting:
        return ClassifierPlan()
    if classifier.resource is None:
        text = f"{classifier.problem}; change the spec"
        return _plan_none(classifier, observed, now, Situation(Reason.INVALID_SPEC, text))
    if not observed.allowed:
        return _plan_none(classifier, observed, now, _not_prepared(classifier))
    return _Plan(View(classifier, classifier.resource, observed, now, settings)).plan()


def _not_prepared(classifier: Classifier) -> Situation:
    return Situation(
        Reason.NAMESPACE_NOT_PREPARED,
        f"the operator makes nothing of classifiers in the namespace {classifier.key.namespace}: "
        "name it in the chart's value classifiers.namespaces and upgrade",
    )


def _plan_none(
    classifier: Classifier, observed: ObservedClassifier, now: datetime, obstacle: Situation
) -> ClassifierPlan:
    """Plan for what cannot be worked with: what runs is ended, what is served is served on."""
    before, serving = classifier.status, still_served(classifier, observed)
    told = Told(
        dataset=obstacle,
        trained=_none_trained(obstacle),
        serving=_none_served(classifier, serving),
        degraded=_none_degraded(classifier, serving),
    )
    after = _with(classifier, told, now, serving=serving, failures=None)
    return _told_plan(before, after, told, delete=tuple(running(own_jobs(classifier, observed))))


def _none_trained(obstacle: Situation) -> Situation:
    if obstacle.reason is Reason.INVALID_SPEC:
        return obstacle
    return Situation(Reason.PENDING, "waits for a dataset")


def _none_served(classifier: Classifier, serving: ServingStatus | None) -> Situation:
    if serving is None:
        return Situation(Reason.PENDING, "waits for a model")
    return tell_served(classifier.key, serving)


def _none_degraded(classifier: Classifier, serving: ServingStatus | None) -> Situation:
    told = _none_served(classifier, serving)
    if told.reason is Reason.NOT_AVAILABLE:
        return told
    return Situation(Reason.AS_EXPECTED, "nothing has failed")


@dataclass(frozen=True)
class _Plan:
    """The parts of a plan, each made from those before it."""

    view: View

    @cached_property
    def serving(self) -> ServingStatus | None:
        """The model that is served, as far as the cluster shows it."""
        return served_now(self.view)

    @cached_property
    def datasets(self) -> Datasets:
        return Datasets(self.view)

    @cached_property
    def trainings(self) -> Trainings:
        before = Rollouts(self.view, self.view.status.model, self.serving)
        return Trainings(self.view, self.datasets.newest, self.serving, before.rolling_out)

    @cached_property
    def rollouts(self) -> Rollouts:
        return Rollouts(self.view, self.trainings.newest, self.serving)

    @cached_property
    def dataset_step(self) -> Step:
        soon = self.trainings.step(building=False).situation.reason
        return self.datasets.step(training=soon in (Reason.TRAINING, Reason.PENDING))

    @cached_property
    def training_step(self) -> Step:
        building = self.dataset_step.situation.reason is Reason.BUILDING_DATASET
        return self.trainings.step(building=building)

    @property
    def steps(self) -> tuple[Step, Step]:
        return self.dataset_step, self.training_step

    @cached_property
    def told(self) -> Told:
        dataset, training = self.steps
        serving = tell_serving(self.rollouts)
        without = self.datasets.selection.without
        return Told(
            dataset=tell_dataset(dataset.situation, self.datasets.newest, without),
            trained=tell_trained(training.situation, self.rollouts),
            serving=serving,
            degraded=degraded(
                serving,
                self.rollouts,
                _failing(dataset, Reason.DATASET_FAILED),
                _failing(training, Reason.TRAINING_FAILED),
            ),
        )

    def plan(self) -> ClassifierPlan:
        dataset, training = self.steps
        after = _with(
            self.view.classifier,
            self.told,
            self.view.now,
            dataset=self.datasets.newest,
            model=self.trainings.newest,
            serving=self.serving,
            failed_rollout=self.rollouts.failed,
            failures=training.failures or dataset.failures or None,
        )
        return _told_plan(
            self.view.status,
            after,
            self.told,
            why_not=self.rollouts.why_not,
            serve=self.rollouts.serve(),
            dataset=self.datasets.new(dataset) if dataset.create else None,
            training=self.trainings.new(training) if training.create else None,
            delete=self._delete(),
            again_after=seconds_until([one.again_at for one in self.steps], self.view.now),
        )

    def _delete(self) -> tuple[Any, ...]:
        dataset, training = self.steps
        return (
            *dataset.delete,
            *self.datasets.line.superseded(dataset),
            *training.delete,
            *self.trainings.line.superseded(training),
        )


def _failing(step: Step, reason: Reason) -> Situation | None:
    """Return the situation of Jobs that failed, also while the next one is under way."""
    failing = step.failures > 0 or step.situation.reason is reason
    return step.situation if failing else None


def _with(classifier: Classifier, told: Told, now: datetime, **parts: Any) -> ArtClassifierStatus:
    """Return the status with other parts, and with the conditions told."""
    known: dict[str, Any] = {"generation": classifier.generation, "now": now}
    wanted = [
        condition(kind, holds, one.reason, one.message, **known)
        for kind, holds, one in told.conditions()
    ]
    before = classifier.status
    return before.model_copy(
        update={
            **parts,
            "observed_generation": classifier.generation,
            "conditions": merged(before.conditions, wanted),
        }
    )


def _told_plan(
    before: ArtClassifierStatus,
    after: ArtClassifierStatus,
    told: Told,
    *,
    why_not: str = "",
    **rest: Any,
) -> ClassifierPlan:
    """Return a plan that says so in the status, if it is not said yet."""
    new = changed(before, after, ours(before.conditions))
    events = events_of(before, after, told, why_not) if new else ()
    return ClassifierPlan(status=new, events=events, **rest)
