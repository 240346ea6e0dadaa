"""From what is the matter with a category to its status: conditions in words, counts, times."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from artgrab.common.keys import category_prefix
from artgrab.common.statuses import (
    ArtCategoryStatus,
    CategoryCondition,
    Condition,
    ConditionStatus,
    RunReason,
)
from artgrab.operator.conditions import Reason, condition, events, found, merged
from artgrab.operator.observed import Category, Job, Observed, Result
from artgrab.operator.plans import Plan, changed
from artgrab.operator.settings import OperatorSettings

GOOD = {RunReason.TARGET_REACHED, RunReason.SOURCES_EXHAUSTED}
_LONGEST_PROBLEMS = 2000


@dataclass(frozen=True)
class Situation:
    """What is the matter, in one word and for people."""

    reason: Reason | RunReason
    message: str


def with_result(status: ArtCategoryStatus, job: Job, result: Result) -> ArtCategoryStatus:
    """Return a status that remembers how a run ended, so that its Job may go."""
    return status.model_copy(
        update={
            "run_id": result.run_id,
            "run_reason": result.reason,
            "started_at": job.started_at,
            "ended_at": job.ended_at,
            "counts": result.counts,
        }
    )


def ended_situation(status: ArtCategoryStatus, health: Condition, *, target: int) -> Situation:
    """Return how a run ended, in words."""
    stored = status.counts.stored if status.counts else 0
    match status.run_reason:
        case RunReason.TARGET_REACHED:
            return Situation(RunReason.TARGET_REACHED, f"{stored} of {target} pictures are stored")
        case RunReason.SOURCES_FAILED:
            text = f"{stored} of {target} pictures are stored: {health.message}; change the sources"
            return Situation(
                RunReason.SOURCES_FAILED,
                f"{text}, or collect again at another time by spec.schedule",
            )
    return Situation(
        RunReason.SOURCES_EXHAUSTED,
        f"{stored} of {target} pictures are stored, and the sources have no more; add queries or "
        "sources for more",
    )


def health_of(category: Category, result: Result | None, now: datetime) -> Condition:
    """Return the condition of the sources: of the run that has just ended, else as it was."""
    kind = CategoryCondition.SOURCE_HEALTHY
    known: dict[str, Any] = {"generation": category.generation, "now": now}
    if result is None:
        before = found(category.status.conditions, kind)
        return before or condition(
            kind, ConditionStatus.UNKNOWN, "NotScraped", "no run has ended yet", **known
        )
    if not result.problems and result.reason in GOOD:
        return condition(
            kind, True, "SourcesAnswered", "each source was gone through as far as wanted", **known
        )
    failed = result.reason is RunReason.SOURCES_FAILED
    reason = "SourcesFailed" if failed else "SomeSourcesFailed"
    told = "; ".join(result.problems)[:_LONGEST_PROBLEMS]
    return condition(kind, False, reason, told or "no source answered to its end", **known)


def conditions_of(
    category: Category,
    situation: Situation,
    ready: Situation | None,
    health: Condition,
    now: datetime,
) -> list[Condition]:
    """Return all conditions; ready is what makes it ready although something else goes on."""
    known: dict[str, Any] = {"generation": category.generation, "now": now}
    told = ready or situation
    suspended = category.resource is not None and category.resource.spec.suspend
    wanted = [
        condition(CategoryCondition.READY, told.reason in GOOD, told.reason, told.message, **known),
        condition(
            CategoryCondition.SCRAPED,
            isinstance(situation.reason, RunReason),
            situation.reason,
            situation.message,
            **known,
        ),
        health,
        condition(
            CategoryCondition.SUSPENDED,
            suspended,
            "Suspended" if suspended else "NotSuspended",
            "no run is begun while spec.suspend is true" if suspended else "runs are begun",
            **known,
        ),
    ]
    return merged(category.status.conditions, wanted)


def told_plan(
    category: Category,
    status: ArtCategoryStatus,
    conditions: list[Condition],
    settings: OperatorSettings,
    **rest: Any,
) -> Plan:
    """Return a plan that says so in the status, if it is not said yet."""
    namespace, name = category.key
    whole = status.model_copy(
        update={
            "observed_generation": category.generation,
            "conditions": conditions,
            "uri": f"{settings.store.rstrip('/')}/{category_prefix(namespace, name)}",
        }
    )
    new = changed(category, whole)
    told = events(category.status.conditions, conditions) if new else ()
    return Plan(status=new, events=told, **rest)


def plan_invalid(
    category: Category, observed: Observed, now: datetime, settings: OperatorSettings
) -> Plan:
    """Plan for a spec that cannot be worked with: what runs for an earlier one is ended."""
    situation = Situation(Reason.INVALID_SPEC, f"{category.problem}; change the spec")
    conditions = conditions_of(category, situation, None, health_of(category, None, now), now)
    status = category.status.model_copy(update={"next_run_at": None})
    return told_plan(
        category,
        status,
        conditions,
        settings,
        hold=category.deletes and not category.held,
        let_go=category.held and not category.deletes,
        delete=tuple(running(own_jobs(category, observed))),
    )


def own_jobs(category: Category, observed: Observed) -> list[Job]:
    """Return the scrape Jobs of this very category."""
    return [job for job in observed.jobs if job.owner == category.uid]


def running(jobs: Iterable[Job]) -> list[Job]:
    """Return the Jobs that have not ended and that nobody has begun to delete."""
    return [job for job in jobs if not job.finished and not job.deleting]
