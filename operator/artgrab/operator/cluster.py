"""The API server: what is written to it and asked of it, and what its refusals mean."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
from lightkube import ALL_NS, ApiError, AsyncClient
from lightkube.generic_resource import create_namespaced_resource
from lightkube.types import CascadeType, PatchType

from artgrab.common.statuses import ArtCategoryStatus, ArtClassifierStatus
from artgrab.operator import names
from artgrab.operator.classifiers.observed import Classifier, LearningJob
from artgrab.operator.observed import Body, Category, Job
from artgrab.operator.settings import Manifest
from artgrab.operator.work import LookAgainError

_SECONDS = 15.0
"""Longest wait for an answer: a server that hangs must not hold a worker for long."""
_CHUNK = 500
_LONGEST = 1000
_NOT_FOUND = 404
_CONFLICT = 409
_REFUSALS = {400, 403, 422}
_NOT_LISTED = {403, 404}

Kind = Any
"""A class of lightkube's; the client tells its objects by it."""
Labels = Mapping[str, str | Sequence[str]]
"""Labels that objects must have: one value, or one of several."""


class NamespaceEndsError(Exception):
    """A namespace that is being deleted takes nothing new."""


class RefusedError(Exception):
    """A quota, an admission rule or missing rights refuse it: somebody has to change something."""


class NotListedError(Exception):
    """What a list is asked of is not there, or not for us: its rights go with a namespace."""


def _kind(group: str, version: str, kind: str, plural: str) -> Kind:
    return create_namespaced_resource(group, version, kind, plural)


CATEGORY = _kind(names.GROUP, names.VERSION, names.KIND, names.PLURAL)
CLASSIFIER = _kind(names.GROUP, names.VERSION, names.CLASSIFIER_KIND, names.CLASSIFIER_PLURAL)
JOB = _kind("batch", "v1", "Job", "jobs")
POD = _kind("", "v1", "Pod", "pods")
SECRET = _kind("", "v1", "Secret", "secrets")
SERVICE = _kind("", "v1", "Service", "services")
DEPLOYMENT = _kind("apps", "v1", "Deployment", "deployments")
AUTOSCALER = _kind("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers")
BUDGET = _kind("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets")
EVENT = _kind("events.k8s.io", "v1", "Event", "events")


@dataclass(frozen=True)
class Listing:
    """All objects of a kind, as they were at a resource version."""

    bodies: list[Body]
    version: int


class Cluster:
    """Our calls, each with a limit, and its refusals as errors named by what to do."""

    def __init__(
        self, client: AsyncClient, *, told: Callable[[str, str], None] = lambda *_: None
    ) -> None:
        """Take a client, and whom to tell of each write: verb and plural."""
        self._client = client
        self._told = told

    async def list_all(
        self, kind: Kind, *, namespace: str | None = None, labels: Labels | None = None
    ) -> Listing:
        """Return all objects of a kind in a namespace, or in all where none is named.

        Raises:
            NotListedError: they may not be read, or the kind is not known.
        """
        try:
            return await self._list(kind, namespace or ALL_NS, labels)
        except ApiError as error:
            if error.status.code in _NOT_LISTED:
                raise NotListedError(str(error)[:_LONGEST]) from error
            raise

    async def _list(self, kind: Kind, namespace: str, labels: Labels | None) -> Listing:
        found = self._client.list(
            kind,
            namespace=namespace,
            chunk_size=_CHUNK,
            labels={**(labels or {})},
        )
        bodies: list[Body] = [body async for body in found]
        return Listing(bodies, int(found.resourceVersion))

    async def pods_of(self, job: Job | LearningJob) -> list[Body]:
        """Return the pods of a Job."""
        return await self.pods(job.namespace, {"batch.kubernetes.io/controller-uid": job.uid})

    async def pods(self, namespace: str, labels: Labels) -> list[Body]:
        """Return the pods of a namespace that have labels."""
        return (await self._list(POD, namespace, labels)).bodies

    async def get(self, kind: Kind, name: str, namespace: str) -> Body | None:
        """Return an object; None where there is none."""
        try:
            found: Body = await self._client.get(kind, name, namespace=namespace)
        except ApiError as error:
            if error.status.code == _NOT_FOUND:
                return None
            raise
        return found

    async def create(self, kind: Kind, manifest: Manifest) -> Body | None:
        """Create an object; return it, or None where its name is taken.

        Raises:
            NamespaceEndsError: its namespace is being deleted.
            RefusedError: it is not wanted as it is.
            LookAgainError: its namespace or its owner is gone.
        """
        with self._writing("create", kind):
            try:
                created: Body = await self._client.create(kind(manifest))
            except ApiError as error:
                if error.status.reason == "AlreadyExists":
                    return None
                raise
            return created

    async def let_run(self, job: Job | LearningJob) -> Body:
        """Let the pods of a suspended Job start."""
        patch = {"metadata": {"uid": job.uid}, "spec": {"suspend": False}}
        return await self._merge(JOB, job.name, job.namespace, patch)

    async def delete_job(self, job: Job | LearningJob) -> None:
        """Delete a Job; it is gone only when its pods are."""
        with self._writing("delete", JOB):
            try:
                await self._client.delete(
                    JOB, job.name, namespace=job.namespace, cascade=CascadeType.FOREGROUND
                )
            except ApiError as error:
                if error.status.code != _NOT_FOUND:
                    raise

    async def apply(self, kind: Kind, manifest: Manifest) -> Body:
        """Create an object, or bring it to what a manifest says of it; return it.

        Raises:
            NamespaceEndsError: its namespace is being deleted.
            RefusedError: it is not wanted as it is.
            LookAgainError: its namespace or its owner is gone.
        """
        metadata = manifest["metadata"]
        with self._writing("apply", kind):
            applied: Body = await self._client.apply(
                kind(manifest), metadata["name"], namespace=metadata["namespace"], force=True
            )
            return applied

    async def apply_status(
        self, about: Category | Classifier, status: ArtCategoryStatus | ArtClassifierStatus
    ) -> Body:
        """Say how a category or a classifier is; return it."""
        kind = CLASSIFIER if isinstance(about, Classifier) else CATEGORY
        namespace, name = about.key
        document = {
            "apiVersion": f"{names.GROUP}/{names.VERSION}",
            "kind": kind._api_info.resource.kind,
            "metadata": {"name": name, "namespace": namespace, "uid": about.uid},
            "status": status.model_dump(mode="json", by_alias=True, exclude_none=True),
        }
        with self._writing("apply", kind):
            told: Body = await self._client.apply(
                kind.Status(document), name, namespace=namespace, force=True
            )
            return told

    async def set_finalizers(self, category: Category, finalizers: Sequence[str]) -> Body:
        """Replace the finalizers of a category, unless somebody has changed it meanwhile."""
        uid, version = category.seen
        metadata = {"uid": uid, "resourceVersion": str(version), "finalizers": list(finalizers)}
        return await self._merge(
            CATEGORY, category.key.name, category.key.namespace, {"metadata": metadata}
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _merge(self, kind: Kind, name: str, namespace: str, patch: Manifest) -> Body:
        with self._writing("patch", kind):
            patched: Body = await self._client.patch(
                kind, name, patch, namespace=namespace, patch_type=PatchType.MERGE
            )
            return patched

    @contextmanager
    def _writing(self, verb: str, kind: Kind) -> Iterator[None]:
        self._told(verb, kind._api_info.plural)
        try:
            yield
        except ApiError as error:
            raise _meaning(error) from error


def connect(told: Callable[[str, str], None] = lambda *_: None) -> Cluster:
    """Return the cluster that a kubeconfig or the pod's service account names."""
    timeout = httpx2.Timeout(_SECONDS)
    client = AsyncClient(timeout=timeout, field_manager=names.FIELD_MANAGER, trust_env=True)
    return Cluster(client, told=told)


def _meaning(error: ApiError) -> Exception:
    """Return the error that says what to do about an answer."""
    status = error.status
    text = (status.message or status.reason or "refused without a reason")[:_LONGEST]
    causes = (status.details.causes if status.details else None) or []
    if any(cause.reason == "NamespaceTerminating" for cause in causes):
        return NamespaceEndsError(text)
    if status.code in (_NOT_FOUND, _CONFLICT):
        return LookAgainError(text)
    if status.code in _REFUSALS:
        return RefusedError(text)
    return error
