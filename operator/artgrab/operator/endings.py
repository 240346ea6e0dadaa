"""The plan for a category that is being deleted."""

from dataclasses import replace
from datetime import datetime, timedelta

from artgrab.common.statuses import CategoryCondition
from artgrab.operator.conditions import Reason, found
from artgrab.operator.fates import Failed, Refused, fate_of
from artgrab.operator.observed import Category, Job, JobEnd, Observed
from artgrab.operator.outcomes import (
    Situation,
    conditions_of,
    health_of,
    own_jobs,
    running,
    told_plan,
)
from artgrab.operator.plans import Plan, backoff_seconds
from artgrab.operator.settings import OperatorSettings

_LOOK_SECONDS = 5.0
_LONGEST_WAIT = 3000.0
"""Less than the life of an ended cleanup Job, in which its failures are counted."""
_HOW_TO_LET_GO = "set spec.deletionPolicy to Retain to let it go and keep what is stored"


def plan_end(
    category: Category, observed: Observed, now: datetime, settings: OperatorSettings
) -> Plan:
    """Return what is to be done so that the category may vanish, with what is stored or without.

    Without our finalizer it vanishes by itself, and its Jobs with it.
    """
    jobs = own_jobs(category, observed)
    if not category.held:
        return Plan(delete=tuple(running(jobs)))
    if observed.own_namespace_ends:
        return Plan(delete=tuple(running(jobs)), let_go=True)
    if not category.deletes:
        return _retain(observed.cleanup, running(jobs))
    if jobs:
        return _end_scrapes(category, jobs, now, settings)
    return _clean_up(category, observed, now, settings)


def _retain(cleanup: Job | None, scrapes: list[Job]) -> Plan:
    """Let it go, once nobody removes what is stored: that may be a successor's by then."""
    if cleanup is None or cleanup.finished:
        return Plan(delete=tuple(scrapes), let_go=True)
    ending = () if cleanup.deleting else (cleanup,)
    return Plan(delete=(*scrapes, *ending), again_after=_LOOK_SECONDS)


def _end_scrapes(
    category: Category, jobs: list[Job], now: datetime, settings: OperatorSettings
) -> Plan:
    text = "its scrape is ended first; then what is stored is removed"
    plan = _told(category, Situation(Reason.CLEANING_UP, text), now, settings, failures=0)
    return replace(plan, delete=tuple(job for job in jobs if not job.deleting))


def _clean_up(
    category: Category, observed: Observed, now: datetime, settings: OperatorSettings
) -> Plan:
    job, failures = observed.cleanup, _failures(category)
    if job is not None and job.end is JobEnd.COMPLETE:
        return Plan(let_go=True)
    if job is not None and job.end is JobEnd.FAILED:
        return _failed(category, job, observed, now, settings)
    if observed.refusal:
        text = f"the cluster takes no cleanup Job: {observed.refusal}; {_HOW_TO_LET_GO}"
        situation = Situation(Reason.CLEANUP_FAILED, text)
        return _told(category, situation, now, settings, failures=failures)
    text = f"what is stored is removed by a Job in namespace {settings.namespace}"
    situation = Situation(Reason.CLEANING_UP, text)
    plan = _told(category, situation, now, settings, failures=failures)
    return replace(plan, clean_up=failures if job is None else None, again_after=_LOOK_SECONDS)


def _failed(
    category: Category, job: Job, observed: Observed, now: datetime, settings: OperatorSettings
) -> Plan:
    """Tell why, and make the Job anew after a while: its failure is counted in the status then."""
    fate = fate_of(job, observed.words)
    why = fate.message if isinstance(fate, Failed | Refused) else "it failed without a word"
    at = _retry_at(job, settings)
    text = f"{why}; the next try is at {at:%Y-%m-%dT%H:%M:%SZ}; {_HOW_TO_LET_GO}"
    situation = Situation(Reason.CLEANUP_FAILED, text)
    plan = _told(category, situation, now, settings, failures=job.failures + 1)
    if now < at:
        return replace(plan, again_after=(at - now).total_seconds())
    due = () if job.deleting else (job,)
    return replace(plan, delete=due, again_after=_LOOK_SECONDS)


def _retry_at(job: Job, settings: OperatorSettings) -> datetime:
    seconds = backoff_seconds(
        job.failures + 1, first=settings.failure_backoff_seconds, longest=_LONGEST_WAIT
    )
    return (job.ended_at or job.created) + timedelta(seconds=seconds)


def _failures(category: Category) -> int:
    """Return the cleanup Jobs that failed; before that, failures were those of scrapes."""
    ready = found(category.status.conditions, CategoryCondition.READY)
    ending = ready is not None and ready.reason in (Reason.CLEANING_UP, Reason.CLEANUP_FAILED)
    return (category.status.failures or 0) if ending else 0


def _told(
    category: Category,
    situation: Situation,
    now: datetime,
    settings: OperatorSettings,
    *,
    failures: int,
) -> Plan:
    conditions = conditions_of(category, situation, None, health_of(category, None, now), now)
    told = {"failures": failures or None, "next_run_at": None}
    return told_plan(category, category.status.model_copy(update=told), conditions, settings)
