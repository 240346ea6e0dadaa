"""Conditions of classifiers, and the events that tell of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from artgrab.common.statuses import ClassifierCondition, Condition
from artgrab.operator.conditions import Event, found, since


class Reason(StrEnum):
    """Why a condition of a classifier is what it is."""

    INVALID_SPEC = "InvalidSpec"
    NAMESPACE_NOT_PREPARED = "NamespaceNotPrepared"
    NO_CATEGORIES = "NoCategories"
    WAITING_FOR_CATEGORIES = "WaitingForCategories"
    NO_PICTURES = "NoPictures"
    SUSPENDED = "Suspended"
    PENDING = "Pending"
    BUILDING_DATASET = "BuildingDataset"
    DATASET_FAILED = "DatasetFailed"
    DATASET_BUILT = "DatasetBuilt"
    TRAINING = "Training"
    TRAINING_FAILED = "TrainingFailed"
    MODEL_TRAINED = "ModelTrained"
    NOT_PROMOTED = "NotPromoted"
    ROLLING_OUT = "RollingOut"
    ROLLOUT_FAILED = "RolloutFailed"
    NOT_AVAILABLE = "NotAvailable"
    MODEL_SERVED = "ModelServed"
    AS_EXPECTED = "AsExpected"


GOOD = {Reason.DATASET_BUILT, Reason.MODEL_TRAINED, Reason.MODEL_SERVED}
"""With these a condition other than Degraded is true."""
_TROUBLES = {
    Reason.INVALID_SPEC,
    Reason.NAMESPACE_NOT_PREPARED,
    Reason.NO_PICTURES,
    Reason.DATASET_FAILED,
    Reason.TRAINING_FAILED,
    Reason.NOT_PROMOTED,
    Reason.ROLLOUT_FAILED,
    Reason.NOT_AVAILABLE,
}
_NO_NEWS = {Reason.PENDING, Reason.AS_EXPECTED}
_TOLD = (
    ClassifierCondition.DATASET_READY,
    ClassifierCondition.TRAINED,
    ClassifierCondition.SERVING,
    ClassifierCondition.DEGRADED,
)
"""Ready has no reason of its own."""


@dataclass(frozen=True)
class Situation:
    """What is the matter, in one word and for people."""

    reason: Reason
    message: str

    @property
    def good(self) -> bool:
        return self.reason in GOOD

    def event(self) -> Event:
        return Event(self.reason, self.message, self.reason in _TROUBLES)


def ours(conditions: Iterable[Condition]) -> list[Condition]:
    """Return the conditions that the operator writes, in their order."""
    told = list(conditions)
    return [one for kind in ClassifierCondition if (one := found(told, kind))]


def merged(before: Sequence[Condition], wanted: Iterable[Condition]) -> list[Condition]:
    """Return the wanted conditions; one whose status is what it was keeps its time."""
    return [since(found(before, ClassifierCondition(one.type)), one) for one in wanted]


def transitions(before: Sequence[Condition], after: Sequence[Condition]) -> tuple[Event, ...]:
    """Return an event for each reason that is new to its condition, and none twice."""
    told: dict[str, Event] = {}
    for kind in _TOLD:
        old, new = found(before, kind), found(after, kind)
        if new is None or (old is not None and old.reason == new.reason):
            continue
        reason = Reason(new.reason)
        if reason not in _NO_NEWS:
            told.setdefault(reason, Situation(reason, new.message).event())
    return tuple(told.values())
