"""Looks at one classifier, plans, and does what the plan says: the thin shell around the plan."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from artgrab.operator import names
from artgrab.operator.classifiers.dataset_jobs import build_dataset_job
from artgrab.operator.classifiers.mirror import ClassifierMirror
from artgrab.operator.classifiers.observed import (
    Classifier,
    LearningJob,
    ObservedClassifier,
    Rollout,
)
from artgrab.operator.classifiers.plan import plan_classifier
from artgrab.operator.classifiers.plans import ClassifierPlan, Serve
from artgrab.operator.classifiers.reports import LearningReports
from artgrab.operator.classifiers.serving_manifests import serving_manifests
from artgrab.operator.classifiers.training_jobs import build_rendezvous_service, build_training_job
from artgrab.operator.cluster import (
    AUTOSCALER,
    BUDGET,
    DEPLOYMENT,
    EVENT,
    JOB,
    SERVICE,
    Cluster,
    Kind,
    NamespaceEndsError,
    RefusedError,
)
from artgrab.operator.jobs import owner_of_kind
from artgrab.operator.mirror import Mirror
from artgrab.operator.notes import build_note
from artgrab.operator.observed import Body, Key
from artgrab.operator.refusals import Refusals
from artgrab.operator.settings import Manifest, OperatorSettings
from artgrab.operator.work import LookAgainError

_AT_ONCE = 0.0
_KINDS: dict[str, Kind] = {
    "Service": SERVICE,
    "PodDisruptionBudget": BUDGET,
    "HorizontalPodAutoscaler": AUTOSCALER,
    "Deployment": DEPLOYMENT,
}

_log = structlog.get_logger()


@dataclass(frozen=True)
class ClassifierTools:
    """What a reconciler of classifiers works with."""

    cluster: Cluster
    mirror: ClassifierMirror
    categories: Mirror
    reports: LearningReports
    refusals: Refusals
    settings: OperatorSettings
    clock: Callable[[], datetime]
    instance: str = "artgrab-operator"


class ClassifierReconciler:
    """Brings the cluster nearer to what classifiers want, one of them at a time."""

    def __init__(self, tools: ClassifierTools) -> None:
        self._tools = tools
        self._checked: dict[Key, datetime] = {}

    async def reconcile(self, key: Key) -> float | None:
        """Do what is to be done for a classifier now; return when time alone asks for more.

        Raises:
            LookAgainError: what was planned for has changed meanwhile.
        """
        classifier = self._tools.mirror.classifier(key)
        if classifier is None or classifier.deleting:  # what it owns goes with it
            self._forget(key)
            return None
        asked = await self._ask_pods(classifier)
        observed = self._observe(classifier)
        planned = plan_classifier(classifier, observed, self._tools.clock(), self._tools.settings)
        try:
            await self._do(classifier, planned, refused=bool(observed.refusal))
        except RefusedError as error:
            return self._refused(key, str(error))
        except NamespaceEndsError as error:
            _log.info("a namespace ends", classifier=str(key), why=str(error))
            return None
        if not observed.refusal:  # all that is wanted now was taken
            self._tools.refusals.forget(key)
        return self._again_after(key, planned, asked=asked)

    def _forget(self, key: Key) -> None:
        self._tools.refusals.forget(key)
        self._checked.pop(key, None)

    def _own(self, classifier: Classifier) -> list[LearningJob]:
        jobs = self._tools.mirror.jobs(classifier.key)
        return [job for job in jobs if job.owner == classifier.uid]

    async def _ask_pods(self, classifier: Classifier) -> bool:
        """Hear how Jobs ended, and why others do not start; tell whether something is under way."""
        reports, under_way = self._tools.reports, False
        for job in self._own(classifier):
            if not job.finished and not job.deleting:
                await reports.look(job)
                under_way = True
        rollout = self._rollout(classifier)
        if rollout is not None and not rollout.done:
            await reports.look_at_serving(classifier, rollout)
            under_way = True
        while owing := [job for job in self._own(classifier) if reports.owes_word(job)]:
            await reports.hear(owing[0])  # at last, and again: Jobs end while pods are asked
        return under_way

    def _rollout(self, classifier: Classifier) -> Rollout | None:
        """Return its own Deployment: one of an earlier classifier of its name is about to go."""
        rollout = self._tools.mirror.rollout(classifier.key)
        return rollout if rollout is not None and rollout.owner == classifier.uid else None

    def _observe(self, classifier: Classifier) -> ObservedClassifier:
        tools, key = self._tools, classifier.key
        jobs, rollout = tools.mirror.jobs(key), tools.mirror.rollout(key)
        refusal = tools.refusals.why(key)
        live = [job for job in self._own(classifier) if not job.finished]
        troubles = (self._trouble(job, refusal) for job in live)
        return ObservedClassifier(
            categories=tuple(tools.categories.in_namespace(key.namespace)),
            jobs=jobs,
            words=tools.reports.words(jobs),
            start_trouble=next(filter(None, troubles), ""),
            rollout=self._explained(rollout) if rollout else None,
            refusal=refusal,
            allowed=tools.settings.serves(key.namespace),
        )

    def _trouble(self, job: LearningJob, refusal: str) -> str:
        """Return why a Job does not start."""
        if job.suspended and refusal:
            return f"the cluster does not take the Service of its nodes: {refusal}"
        return self._tools.reports.trouble(job.uid)

    def _explained(self, rollout: Rollout) -> Rollout:
        """Return a rollout that tells what its pods say instead of what the Deployment does."""
        trouble = "" if rollout.done else self._tools.reports.trouble(rollout.seen.uid)
        return replace(rollout, message=trouble or rollout.message)

    async def _do(self, classifier: Classifier, planned: ClassifierPlan, *, refused: bool) -> None:
        tools, settings = self._tools, self._tools.settings
        for job in self._own(classifier) if not refused else ():
            await self._release(job)
        if planned.serve:
            await self._serve(classifier, planned.serve)
        else:
            await self._mend(classifier)
        if planned.dataset:
            await self._create(build_dataset_job(classifier, planned.dataset, settings))
        if planned.training:
            await self._create(build_training_job(classifier, planned.training, settings))
        if planned.status:
            body = await tools.cluster.apply_status(classifier, planned.status)
            tools.mirror.put_classifier(body)
        await self._tell(classifier, planned)
        for job in planned.delete:
            await tools.cluster.delete_job(job)

    async def _create(self, manifest: Manifest) -> None:
        body = await self._tools.cluster.create(JOB, manifest)
        if body is None:
            raise LookAgainError(f"job/{manifest['metadata']['name']} is there already")
        key = self._tools.mirror.put_job(body)
        if key is not None:
            self._tools.refusals.forget(key)
            for job in self._tools.mirror.jobs(key):
                if job.uid == body["metadata"]["uid"]:
                    await self._release(job)

    async def _release(self, job: LearningJob) -> None:
        """Make the Service by which the nodes of a Job find each other, then let them start."""
        if job.suspended and job.nodes > 1 and not job.finished and not job.deleting:
            service = build_rendezvous_service(job)
            if await self._tools.cluster.create(SERVICE, service) is None:
                await self._check_service(job, service)
            self._tools.mirror.put_job(await self._tools.cluster.let_run(job))

    async def _check_service(self, job: LearningJob, service: Manifest) -> None:
        """Refuse to let the nodes of a Job meet by a Service that may go before they do.

        Raises:
            RefusedError: it is of somebody else.
            LookAgainError: it is of an earlier Job of this name, and about to go; or gone.
        """
        found = await self._find(service)
        owners = (found or {}).get("metadata", {}).get("ownerReferences") or ()
        if found is not None and not any(one["kind"] == "Job" for one in owners):
            raise RefusedError(f"{_named(service)} is there already and is not ours; delete it")
        if job.uid not in {one["uid"] for one in owners}:
            raise LookAgainError(f"{_named(service)} is of an earlier job, and not gone yet")

    async def _serve(self, classifier: Classifier, serve: Serve) -> None:
        """Apply all that serves a model; its Deployment last, for that says that all is done."""
        for manifest in serving_manifests(classifier, serve, self._tools.settings):
            await self._check_owner(classifier, manifest)
            body = await self._tools.cluster.apply(_KINDS[manifest["kind"]], manifest)
            if manifest["kind"] == "Deployment":
                self._tools.mirror.put_deployment(body)
        self._checked[classifier.key] = self._tools.clock()
        self._tools.refusals.forget(classifier.key)

    async def _mend(self, classifier: Classifier) -> None:
        """Make anew what somebody has deleted beside a Deployment, of which no watch tells."""
        rollout = self._rollout(classifier)
        if rollout is None or rollout.deleting or classifier.resource is None:
            return
        now, pause = self._tools.clock(), timedelta(seconds=self._tools.settings.resync_seconds)
        if now < self._checked.setdefault(classifier.key, now) + pause:
            return
        self._checked[classifier.key] = now
        serve = Serve(rollout.model_key, rollout.content_sha256)
        for manifest in serving_manifests(classifier, serve, self._tools.settings)[:-1]:
            if await self._find(manifest) is None:
                await self._tools.cluster.apply(_KINDS[manifest["kind"]], manifest)

    async def _find(self, manifest: Manifest) -> Body | None:
        metadata = manifest["metadata"]
        kind = _KINDS[manifest["kind"]]
        return await self._tools.cluster.get(kind, metadata["name"], metadata["namespace"])

    async def _check_owner(self, classifier: Classifier, manifest: Manifest) -> None:
        """Refuse to take over what somebody else has made under the name that ours has.

        Raises:
            RefusedError: it is there, and of somebody else.
            LookAgainError: it is of an earlier classifier, and about to go.
        """
        found = await self._find(manifest)
        if found is None:
            return
        owner = owner_of_kind(found["metadata"], names.CLASSIFIER_KIND)
        what = _named(manifest)
        if not owner:
            raise RefusedError(f"{what} is there already and is not ours; delete or rename it")
        if owner != classifier.uid:
            raise LookAgainError(f"{what} is of an earlier classifier, and not gone yet")

    async def _tell(self, classifier: Classifier, planned: ClassifierPlan) -> None:
        """Tell events: at most once, and never a reason to stop."""
        tools = self._tools
        for event in planned.events:
            note = build_note(classifier, event, tools.clock(), instance=tools.instance)
            try:
                await tools.cluster.create(EVENT, note)
            except (RefusedError, NamespaceEndsError, LookAgainError) as error:
                _log.info("an event was not taken", classifier=str(classifier.key), why=str(error))

    def _refused(self, key: Key, why: str) -> float:
        """Say so in the status; where that is what is refused, only after a while."""
        _log.warning("the cluster refuses it", classifier=str(key), why=why)
        refusals = self._tools.refusals
        known = refusals.why(key)
        refusals.note(key, why)
        return (refusals.again_after(key) or _AT_ONCE) if known else _AT_ONCE

    def _again_after(self, key: Key, planned: ClassifierPlan, *, asked: bool) -> float | None:
        waits: list[Any] = [planned.again_after, self._tools.refusals.again_after(key)]
        if asked:
            waits.append(self._tools.settings.progress_seconds)
        return min((wait for wait in waits if wait is not None), default=None)


def _named(manifest: Manifest) -> str:
    return f"{manifest['kind'].lower()}/{manifest['metadata']['name']}"
