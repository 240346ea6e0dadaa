"""Looks at one category, plans, and does what the plan says: the thin shell around plan()."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from artgrab.operator import names
from artgrab.operator.admissions import Admissions
from artgrab.operator.cleanup_jobs import build_cleanup_job
from artgrab.operator.cluster import (
    EVENT,
    JOB,
    SECRET,
    Cluster,
    NamespaceEndsError,
    RefusedError,
)
from artgrab.operator.jobs import read_job
from artgrab.operator.mirror import Mirror
from artgrab.operator.notes import build_note
from artgrab.operator.observed import Category, Job, Key, Observed
from artgrab.operator.plan import plan
from artgrab.operator.plans import NewScrape, Plan, last_ended
from artgrab.operator.pod_reports import PodReports
from artgrab.operator.refusals import Refusals
from artgrab.operator.scrape_jobs import build_scrape_job
from artgrab.operator.secrets import build_secret
from artgrab.operator.settings import OperatorSettings
from artgrab.operator.work import LookAgainError

_NOT_ASKED = "no place was asked for"
_AT_ONCE = 0.0

_log = structlog.get_logger()


@dataclass(frozen=True)
class Tools:
    """What a reconciler works with."""

    cluster: Cluster
    mirror: Mirror
    admissions: Admissions
    reports: PodReports
    refusals: Refusals
    settings: OperatorSettings
    token_key: bytes
    clock: Callable[[], datetime]
    instance: str = "artgrab-operator"


class Reconciler:
    """Brings the cluster nearer to what categories want, one category at a time."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._own_namespace_ends = False
        self._surveyed = False

    async def reconcile(self, key: Key) -> float | None:
        """Do what is to be done for a category now; return when time alone asks for more.

        Raises:
            LookAgainError: what was planned for has changed meanwhile.
        """
        cleanup = await self._find_cleanup(key)
        await self._ask_pods(key)
        category = self._tools.mirror.category(key)
        if category is None:
            self._forget(key)
            return None
        observed = self._observe(category, cleanup)
        planned = self._plan(category, observed)
        try:
            await self._do(category, planned)
        except RefusedError as error:
            return self._refused(key, str(error))
        except NamespaceEndsError as error:
            return self._namespace_ends(key, planned, str(error))
        finally:
            if planned.create:  # its Job is seen now, or there is none
                self._tools.admissions.leave(key)
        if not observed.refusal:  # all that is wanted now was taken
            self._tools.refusals.forget(key)
        return self._again_after(key, planned)

    def _forget(self, key: Key) -> None:
        self._tools.admissions.leave(key)
        self._tools.refusals.forget(key)

    async def _ask_pods(self, key: Key) -> None:
        """Hear what the status does not say yet: how the last Job ended, how far one is."""
        category = self._tools.mirror.category(key)
        if category is None or (category.deleting and not category.held):
            return
        for job in self._own(category):
            if not job.finished and not job.deleting:
                await self._tools.reports.look(job)
        while (ended := self._owing(key)) is not None:
            await self._tools.reports.hear(ended)  # at last, and again: a Job may end meanwhile

    def _owing(self, key: Key) -> Job | None:
        """Return the last Job that ended, if neither its word nor the status tells how."""
        category = self._tools.mirror.category(key)
        ended = last_ended(self._own(category)) if category is not None else None
        if category is None or ended is None or ended.run_id == category.status.run_id:
            return None
        return ended if self._tools.reports.owes_word(ended) else None

    def _own(self, category: Category) -> list[Job]:
        jobs = self._tools.mirror.scrapes(category.key)
        return [job for job in jobs if job.owner == category.uid]

    async def _find_cleanup(self, key: Key) -> Job | None:
        """Return the cleanup Job of a category that is being deleted: asked for, never watched."""
        category = self._tools.mirror.category(key)
        if category is None or not (category.deleting and category.held):
            return None
        name = names.cleanup_name(namespace=key.namespace, category=key.name, uid=category.uid)
        body = await self._tools.cluster.get(JOB, name, self._tools.settings.namespace)
        job = read_job(body) if body else None
        if job is not None and self._tools.reports.owes_word(job):
            await self._tools.reports.hear(job)
        return job

    def _observe(self, category: Category, cleanup: Job | None) -> Observed:
        reports, jobs = self._tools.reports, self._tools.mirror.scrapes(category.key)
        live = [job for job in jobs if job.owner == category.uid and not job.finished]
        asked = [*jobs, cleanup] if cleanup else jobs
        return Observed(
            jobs=jobs,
            cleanup=cleanup,
            words=reports.words(asked),
            progress=reports.progress(live),
            start_trouble=reports.trouble(live),
            wait=_NOT_ASKED,
            refusal=self._tools.refusals.why(category.key),
            own_namespace_ends=self._own_namespace_ends,
        )

    def _plan(self, category: Category, observed: Observed) -> Plan:
        """Plan; where a Job is wanted, ask for a place and plan with the answer."""
        now, settings = self._tools.clock(), self._tools.settings
        draft = plan(category, observed, now, settings)
        if draft.ticket is None:
            self._tools.admissions.leave(category.key)
            return draft
        self._survey(now)
        wait = self._tools.admissions.ask(draft.ticket, self._tools.mirror.unfinished())
        return plan(category, replace(observed, wait=wait), now, settings)

    def _survey(self, now: datetime) -> None:
        """Let all that wait take their place in line before the first place is given."""
        if self._surveyed:
            return
        self._surveyed = True
        for category in self._tools.mirror.categories():
            draft = plan(category, self._observe(category, None), now, self._tools.settings)
            if draft.ticket is not None:
                self._tools.admissions.join(draft.ticket)

    async def _do(self, category: Category, planned: Plan) -> None:
        if planned.hold:
            await self._hold(category, on=True)
        if planned.create:
            await self._create(category, planned.create)
        if planned.release and category.resource:
            await self._release(category, planned.release)
        if planned.clean_up is not None:
            await self._clean_up(category, planned.clean_up)
        if planned.status:
            body = await self._tools.cluster.apply_status(category, planned.status)
            self._tools.mirror.put_category(body)
        await self._tell(category, planned)
        for job in planned.delete:
            await self._tools.cluster.delete_job(job)
        if planned.let_go:
            await self._hold(category, on=False)

    async def _hold(self, category: Category, *, on: bool) -> None:
        """Add our finalizer to those that there are by now, or remove it from them."""
        known = self._tools.mirror.category(category.key)
        if known is None or known.uid != category.uid:
            raise LookAgainError("the category is gone")
        others = [one for one in known.finalizers if one != names.FINALIZER]
        finalizers = [*others, names.FINALIZER] if on else others
        body = await self._tools.cluster.set_finalizers(known, finalizers)
        if finalizers or "deletionTimestamp" not in body["metadata"]:
            self._tools.mirror.put_category(body)
        else:
            self._tools.mirror.remove_category(body)

    async def _create(self, category: Category, new: NewScrape) -> None:
        now = self._tools.clock()
        manifest = build_scrape_job(category, new, self._tools.settings, made_at=now.isoformat())
        body = await self._tools.cluster.create(JOB, manifest)
        if body is None:
            raise LookAgainError(f"job/{manifest['metadata']['name']} is there already")
        self._tools.refusals.forget(category.key)
        self._tools.mirror.put_job(body)
        job = read_job(body)
        if job is not None:
            await self._release(category, job)

    async def _release(self, category: Category, job: Job) -> None:
        """Make the Secret, where it is not there yet, and let the Job run."""
        tools = self._tools
        assert category.resource is not None
        secret = build_secret(
            category.resource, job, tools.token_key, tools.clock(), tools.settings
        )
        await tools.cluster.create(SECRET, secret)
        tools.mirror.put_job(await tools.cluster.let_run(job))
        tools.refusals.forget(category.key)

    async def _clean_up(self, category: Category, failures: int) -> None:
        manifest = build_cleanup_job(category, self._tools.settings, failures=failures)
        await self._tools.cluster.create(JOB, manifest)
        self._tools.refusals.forget(category.key)

    async def _tell(self, category: Category, planned: Plan) -> None:
        """Tell events: at most once, and never a reason to stop."""
        for event in planned.events:
            note = build_note(category, event, self._tools.clock(), instance=self._tools.instance)
            try:
                await self._tools.cluster.create(EVENT, note)
            except (RefusedError, NamespaceEndsError, LookAgainError) as error:
                _log.info("an event was not taken", category=str(category.key), why=str(error))

    def _refused(self, key: Key, why: str) -> float:
        """Say so in the status; where that is what is refused, only after a while."""
        _log.warning("the cluster refuses it", category=str(key), why=why)
        refusals = self._tools.refusals
        known = refusals.why(key)
        refusals.note(key, why)
        return (refusals.again_after(key) or _AT_ONCE) if known else _AT_ONCE

    def _namespace_ends(self, key: Key, planned: Plan, why: str) -> float | None:
        """Leave a namespace that ends alone; where it is our own, categories are let go."""
        _log.info("a namespace ends", category=str(key), why=why)
        if planned.clean_up is None:
            return None
        self._own_namespace_ends = True
        return _AT_ONCE

    def _again_after(self, key: Key, planned: Plan) -> float | None:
        waits = (planned.again_after, self._tools.refusals.again_after(key))
        return min((wait for wait in waits if wait is not None), default=None)
