"""Conditions that change their time only when they change, and the events that tell of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from artgrab.common.statuses import (
    CategoryCondition,
    ClassifierCondition,
    Condition,
    ConditionStatus,
)

Kind = CategoryCondition | ClassifierCondition

_LONGEST_MESSAGE = 4096


class Reason(StrEnum):
    """Why a category is not ready, besides how its last run ended."""

    INVALID_SPEC = "InvalidSpec"
    PENDING = "Pending"
    SCRAPING = "Scraping"
    SCRAPE_FAILED = "ScrapeFailed"
    SUSPENDED = "Suspended"
    CLEANING_UP = "CleaningUp"
    CLEANUP_FAILED = "CleanupFailed"


_TROUBLES = {Reason.INVALID_SPEC, Reason.SCRAPE_FAILED, Reason.CLEANUP_FAILED, "SourcesFailed"}
_NO_NEWS = {Reason.PENDING}


@dataclass(frozen=True)
class Event:
    """A transition that is told once, beside the object."""

    reason: str
    note: str
    warning: bool


def condition(
    kind: Kind,
    status: ConditionStatus | bool,
    reason: str,
    message: str,
    *,
    generation: int,
    now: datetime,
) -> Condition:
    """Return a condition that is new; `merged` gives it the time of the one before."""
    told = ConditionStatus(str(status)) if isinstance(status, bool) else status
    return Condition(
        type=kind,
        status=told,
        observed_generation=generation,
        last_transition_time=now.replace(microsecond=0),
        reason=reason,
        message=message[:_LONGEST_MESSAGE],
    )


def found(conditions: Iterable[Condition], kind: Kind) -> Condition | None:
    """Return the condition of a type."""
    return next((one for one in conditions if one.type == kind), None)


def ours(conditions: Iterable[Condition]) -> list[Condition]:
    """Return the conditions that the operator writes, in their order."""
    told = list(conditions)
    return [one for kind in CategoryCondition if (one := found(told, kind))]


def merged(before: Sequence[Condition], wanted: Iterable[Condition]) -> list[Condition]:
    """Return the wanted conditions; one whose status is what it was keeps its time."""
    return ours(since(found(before, CategoryCondition(one.type)), one) for one in wanted)


def since(before: Condition | None, one: Condition) -> Condition:
    """Return a condition with the time of the one before where its status is the same."""
    if before is None or before.status != one.status:
        return one
    return one.model_copy(update={"last_transition_time": before.last_transition_time})


def events(before: Sequence[Condition], after: Sequence[Condition]) -> tuple[Event, ...]:
    """Return what is worth an event: a new reason of Ready, else one of Scraped."""
    for kind in (CategoryCondition.READY, CategoryCondition.SCRAPED):
        old, new = found(before, kind), found(after, kind)
        if new is None or (old is not None and old.reason == new.reason):
            continue
        if new.reason in _NO_NEWS or (old is None and new.reason == Reason.SUSPENDED):
            return ()
        return (Event(new.reason, new.message, new.reason in _TROUBLES),)
    return ()
