"""From what is the matter with a classifier to its conditions and events, in words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from artgrab.common.statuses import (
    ArtClassifierStatus,
    ClassifierCondition,
    Condition,
    DatasetStatus,
    ModelStatus,
    ServingStatus,
)
from artgrab.operator import names
from artgrab.operator.classifiers.conditions import Reason, Situation, transitions
from artgrab.operator.classifiers.rollouts import Rollouts
from artgrab.operator.classifiers.selection import listed
from artgrab.operator.conditions import Event
from artgrab.operator.observed import Key

_SHORT = 12
_LASTING = {
    Reason.INVALID_SPEC,
    Reason.NAMESPACE_NOT_PREPARED,
    Reason.NO_CATEGORIES,
    Reason.NO_PICTURES,
}
"""With these there is no dataset as the spec wants it, even where there is an older one."""


@dataclass(frozen=True)
class Told:
    """What the conditions are made of."""

    dataset: Situation
    trained: Situation
    serving: Situation
    degraded: Situation

    @property
    def ready(self) -> Situation:
        if self.serving.good:
            return self.serving
        parts = (self.dataset, self.trained, self.serving)
        return next(one for one in parts if not one.good)

    def conditions(self) -> Iterable[tuple[ClassifierCondition, bool, Situation]]:
        degraded = self.degraded.reason is not Reason.AS_EXPECTED
        yield ClassifierCondition.READY, self.serving.good, self.ready
        yield ClassifierCondition.DATASET_READY, self.dataset.good, self.dataset
        yield ClassifierCondition.TRAINED, self.trained.good, self.trained
        yield ClassifierCondition.SERVING, self.serving.good, self.serving
        yield ClassifierCondition.DEGRADED, degraded, self.degraded


def tell_dataset(step: Situation, there: DatasetStatus | None, without: Sequence[str]) -> Situation:
    """Return the situation of the dataset: one that is there stays while a newer one is made."""
    if there is None or step.reason in _LASTING:
        return step
    news = step.message
    if step.reason is not Reason.DATASET_BUILT:
        news = f"a newer one: {step.reason}: {news}"
    left_out = listed(without)
    parts = (
        f"{there.images} pictures are in the dataset {there.key[:_SHORT]}",
        f"categories without pictures are left out: {left_out}" if left_out else "",
        news,
    )
    return Situation(Reason.DATASET_BUILT, "; ".join(filter(None, parts)))


def tell_trained(step: Situation, rollouts: Rollouts) -> Situation:
    """Return the situation of the model; of one that is not promoted, why."""
    model = rollouts.model
    if not step.good or model is None:
        return step
    parts = (
        f"the model {_name(model)} tells {model.accuracy_permille} of a thousand pictures right",
        f"it is not served: {rollouts.why_not}" if rollouts.why_not else "",
    )
    return Situation(Reason.MODEL_TRAINED, "; ".join(filter(None, parts)))


def tell_serving(rollouts: Rollouts) -> Situation:
    """Return the situation of what answers."""
    if rollouts.known is not None:
        return tell_served(rollouts.view.classifier.key, rollouts.known, _behind(rollouts))
    if rollouts.model is None:
        return Situation(Reason.PENDING, "waits for a model")
    if rollouts.failed is not None:
        return Situation(Reason.ROLLOUT_FAILED, _failure(rollouts))
    there = rollouts.rollout
    out = there is not None and there.content_sha256 == rollouts.model.content_sha256
    if rollouts.why_not and not out:
        return Situation(Reason.NOT_PROMOTED, f"{_named(rollouts.model)}: {rollouts.why_not}")
    return Situation(Reason.ROLLING_OUT, _rolling_out(rollouts))


def tell_served(key: Key, serving: ServingStatus, behind: str = "") -> Situation:
    """Return whether the model that is served answers, and what goes on behind it."""
    if serving.ready_replicas:
        text = (
            f"the model {serving.model} answers at {serving.endpoint} and tells "
            f"{serving.accuracy_permille} of a thousand pictures right"
        )
        return Situation(Reason.MODEL_SERVED, "; ".join(filter(None, (text, behind))))
    text = f"no pod of the model {serving.model} is ready: {_look_at_pods(key)}"
    return Situation(Reason.NOT_AVAILABLE, "; ".join(filter(None, (text, behind))))


def _behind(rollouts: Rollouts) -> str:
    if rollouts.failed is not None:
        return _failure(rollouts)
    if rollouts.rolling_out or rollouts.held_up:
        return _rolling_out(rollouts)
    return _stuck(rollouts) if rollouts.stuck else ""


def _rolling_out(rollouts: Rollouts) -> str:
    key, model = rollouts.view.classifier.key, rollouts.model
    what = f"{_named(model)} is being rolled out" if model else "it is being rolled out"
    if rollouts.view.observed.refusal:
        return f"{what}: the cluster refuses it: {rollouts.view.observed.refusal}"
    if rollouts.foreign:
        name = names.serving_name(key.name)
        return (
            f"{what} when deployment/{name}, which is of another object, is gone: "
            f"kubectl delete --namespace {key.namespace} deployment/{name}"
        )
    there = rollouts.rollout
    said = f"{there.message}; " if there and there.message and not there.done else ""
    return f"{what}: {said}{_look_at_pods(key)}"


def _failure(rollouts: Rollouts) -> str:
    failed = rollouts.failed
    assert failed is not None
    return (
        f"the model {failed.content_sha256[:_SHORT]} could not be rolled out, and is not tried "
        f"again: {failed.message}; {_look_at_pods(rollouts.view.classifier.key)}; change "
        "spec.serving or the settings of the operator to try it again"
    )


def _stuck(rollouts: Rollouts) -> str:
    return (
        "its pods do not come up as spec.serving and the settings of the operator want them by "
        f"now: {rollouts.stuck}; {_look_at_pods(rollouts.view.classifier.key)}"
    )


def _look_at_pods(key: Key) -> str:
    labels = names.selector_of(names.COMPONENT_SERVING, classifier=key.name)
    selector = ",".join(f"{label}={value}" for label, value in labels.items())
    return f"kubectl describe pods --namespace {key.namespace} --selector {selector}"


def _name(model: ModelStatus) -> str:
    return model.content_sha256[:_SHORT]


def _named(model: ModelStatus) -> str:
    return f"the model {_name(model)}"


def degraded(
    serving: Situation, rollouts: Rollouts, dataset: Situation | None, trained: Situation | None
) -> Situation:
    """Return what people should look at first, and after it the rest.

    Args:
        serving: the situation of what answers.
        rollouts: tells a rollout that was given up, or is refused.
        dataset, trained: of Jobs that have failed; None where they have not.
    """
    found = [
        serving if serving.reason is Reason.NOT_AVAILABLE else None,
        Situation(Reason.ROLLOUT_FAILED, _failure(rollouts)) if rollouts.failed else None,
        Situation(Reason.ROLLOUT_FAILED, _rolling_out(rollouts)) if rollouts.held_up else None,
        Situation(Reason.ROLLOUT_FAILED, _stuck(rollouts)) if rollouts.stuck else None,
        trained and Situation(Reason.TRAINING_FAILED, trained.message),
        dataset and Situation(Reason.DATASET_FAILED, dataset.message),
    ]
    troubles = [one for one in found if one is not None]
    if not troubles:
        return Situation(Reason.AS_EXPECTED, "nothing has failed")
    told = dict.fromkeys(one.message for one in troubles)
    return Situation(troubles[0].reason, "; ".join(told))


def events_of(
    before: ArtClassifierStatus, after: ArtClassifierStatus, told: Told, why_not: str
) -> tuple[Event, ...]:
    """Return what is new: reasons of conditions, and another dataset or model under the same."""
    new = {one.reason: one for one in transitions(before.conditions, after.conditions)}
    if after.dataset and _content(before.dataset) != _content(after.dataset):
        new.setdefault(told.dataset.reason, told.dataset.event())
    if after.model and _content(before.model) != _content(after.model):
        new.setdefault(told.trained.reason, told.trained.event())
        if why_not:
            text = f"{_named(after.model)} is not served: {why_not}"
            new.setdefault(Reason.NOT_PROMOTED, Situation(Reason.NOT_PROMOTED, text).event())
    if after.serving and _content(before.serving) != _content(after.serving):
        new.setdefault(told.serving.reason, told.serving.event())
    return tuple(new.values())


def changed(
    before: ArtClassifierStatus, after: ArtClassifierStatus, ours: list[Condition]
) -> ArtClassifierStatus | None:
    """Return a status, or None where it is said already; ours are our conditions before."""
    told = before.model_copy(update={"conditions": ours})
    return None if told.model_dump(mode="json") == after.model_dump(mode="json") else after


def _content(part: DatasetStatus | ModelStatus | ServingStatus | None) -> str:
    return part.content_sha256 if part else ""
