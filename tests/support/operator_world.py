"""A played API server with its Job controller, and an operator that works against it."""

import copy
import itertools
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from artgrab.common.statuses import ArtCategoryStatus, RunCounts
from artgrab.operator import names
from artgrab.operator.admissions import Admissions
from artgrab.operator.cluster import JOB, RefusedError
from artgrab.operator.mirror import Mirror
from artgrab.operator.observed import Body, Category, Job, Key
from artgrab.operator.pod_reports import PodReports
from artgrab.operator.reconciler import Reconciler, Tools
from artgrab.operator.refusals import Refusals
from artgrab.operator.settings import OperatorSettings
from artgrab.operator.work import LookAgainError

T = TypeVar("T")
START = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
KEY = b"k" * 32


def settings_of(**given: Any) -> OperatorSettings:
    """Return settings as a chart would give them."""
    usual = {
        "namespace": "artgrab",
        "store": "s3://bucket/art",
        "downloader": "artgrab-downloader.artgrab.svc:50051",
        "scraper_image": "artgrab-scraper:1",
        "cleanup_image": "artgrab-downloader:1",
    }
    return OperatorSettings(**{**usual, **given})


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never has to wait."""
    try:
        work.send(None)
    except StopIteration as end:
        value: T = end.value
        return value
    raise AssertionError("it waits")


def kubernetes_time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


class LostError(Exception):
    """The connection broke during a write."""


def _nothing() -> None:
    pass


@dataclass
class World:
    """What the API server holds; each change is an event that a watch may deliver later."""

    now: datetime = START
    categories: dict[Key, dict[str, Any]] = field(default_factory=dict)
    jobs: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    secrets: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    pods: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    news: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    writes: int = 0
    lose: str = ""
    """`before` or `after`: the next write is lost, with or without its effect."""
    refuse_jobs: bool = False
    meanwhile: Callable[[], None] = _nothing
    """What happens once, while the pods of a Job are asked for."""
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def number(self) -> str:
        return str(next(self._numbers))

    def touch(self, kind: str, body: dict[str, Any], *, what: str = "changed") -> dict[str, Any]:
        """Give an object its next version, and let the watches know."""
        body["metadata"]["resourceVersion"] = self.number()
        self.news.append((kind, what, copy.deepcopy(body)))
        return copy.deepcopy(body)

    # What users do.

    def apply(self, key: Key, spec: dict[str, Any]) -> None:
        """Create a category, or change its spec."""
        body = self.categories.get(key)
        if body is None:
            metadata = {
                "name": key.name,
                "namespace": key.namespace,
                "uid": f"uid-{self.number()}",
                "generation": 1,
                "creationTimestamp": kubernetes_time(self.now),
            }
            body = {"apiVersion": "artgrab.dev/v1alpha1", "kind": "ArtCategory"}
            body |= {"metadata": metadata, "spec": spec}
            self.categories[key] = body
        elif body["spec"] != spec:
            body["spec"] = spec
            body["metadata"]["generation"] += 1
        else:
            return
        self.touch("category", body)

    def delete(self, key: Key) -> None:
        """Delete a category: it stays while it has finalizers."""
        body = self.categories.get(key)
        if body is None:
            return
        body["metadata"]["deletionTimestamp"] = kubernetes_time(self.now)
        self.touch("category", body)
        self._let_go(key, body)

    def delete_job(self, namespace: str, name: str) -> None:
        body = self.jobs.get((namespace, name))
        if body is not None and "deletionTimestamp" not in body["metadata"]:
            body["metadata"]["deletionTimestamp"] = kubernetes_time(self.now)
            self.touch("job", body)

    def _let_go(self, key: Key, body: dict[str, Any]) -> None:
        metadata = body["metadata"]
        if "deletionTimestamp" in metadata and not metadata.get("finalizers"):
            del self.categories[key]
            self.touch("category", body, what="gone")

    # What controllers do.

    def collect_garbage(self) -> None:
        """End what is being deleted, and what lost its owner."""
        uids = {body["metadata"]["uid"] for body in self.categories.values()}
        for where, body in list(self.jobs.items()):
            owners = [one["uid"] for one in body["metadata"].get("ownerReferences", [])]
            orphan = bool(owners) and not set(owners) & uids
            if orphan or "deletionTimestamp" in body["metadata"]:
                del self.jobs[where]
                self.pods.pop(body["metadata"]["uid"], None)
                self.touch("job", body, what="gone")

    def end_job(self, where: tuple[str, str], kind: str, reason: str, message: str) -> None:
        """End a Job that runs; its pod says the message."""
        body = self.jobs[where]
        status = body.setdefault("status", {})
        status["startTime"] = body["metadata"]["creationTimestamp"]
        condition = {"type": kind, "status": "True", "reason": reason}
        condition["lastTransitionTime"] = kubernetes_time(self.now)
        status["conditions"] = [condition]
        ended = {"message": message, "finishedAt": kubernetes_time(self.now), "exitCode": 0}
        pod = {"status": {"containerStatuses": [{"state": {"terminated": ended}}]}}
        self.pods[body["metadata"]["uid"]] = [pod]
        self.touch("job", body)

    def unfinished(self) -> list[dict[str, Any]]:
        """Return the scrape Jobs that may have pods."""
        return [
            body
            for body in self.jobs.values()
            if body["metadata"]["labels"].get(names.LABEL_COMPONENT) == names.COMPONENT_SCRAPER
            and body["metadata"]["labels"].get(names.LABEL_MANAGED_BY) == names.FIELD_MANAGER
            and not body.get("status", {}).get("conditions")
        ]


class PlayedCluster:
    """The calls of Cluster, answered by a world."""

    def __init__(self, world: World) -> None:
        self.world = world

    def _written(self, *, lost: str) -> None:
        if self.world.lose == lost:
            self.world.lose = ""
            raise LostError
        if lost == "before":
            self.world.writes += 1

    async def pods_of(self, job: Job) -> list[Body]:
        pods: list[Body] = list(self.world.pods.get(job.uid, []))
        meanwhile, self.world.meanwhile = self.world.meanwhile, _nothing
        meanwhile()
        return pods

    async def get(self, kind: Any, name: str, namespace: str) -> Body | None:
        assert kind is JOB
        return copy.deepcopy(self.world.jobs.get((namespace, name)))

    async def create(self, kind: Any, manifest: dict[str, Any]) -> Body | None:
        self._written(lost="before")
        body = copy.deepcopy(manifest)
        metadata = body["metadata"]
        where = (metadata["namespace"], metadata["name"])
        if kind is JOB:
            made = self._create_job(where, body)
        else:
            held = self.world.secrets if body["kind"] == "Secret" else {}
            made = None if where in held else held.setdefault(where, body)
            if body["kind"] == "Event":
                self.world.events.append(body)
        self._written(lost="after")
        return made

    def _create_job(self, where: tuple[str, str], body: dict[str, Any]) -> Body | None:
        if self.world.refuse_jobs:
            raise RefusedError("exceeded quota")
        if where in self.world.jobs:
            return None
        body["metadata"]["uid"] = f"uid-{self.world.number()}"
        body["metadata"]["creationTimestamp"] = kubernetes_time(self.world.now)
        self.world.jobs[where] = body
        return self.world.touch("job", body)

    async def let_run(self, job: Job) -> Body:
        self._written(lost="before")
        body = self.world.jobs.get((job.namespace, job.name))
        if body is None or body["metadata"]["uid"] != job.uid:
            raise LookAgainError("gone")
        assert (job.namespace, job.secret) in self.world.secrets
        body["spec"]["suspend"] = False
        told = self.world.touch("job", body)
        self._written(lost="after")
        return told

    async def delete_job(self, job: Job) -> None:
        self._written(lost="before")
        body = self.world.jobs.get((job.namespace, job.name))
        assert body is None or body["metadata"]["uid"] == job.uid
        self.world.delete_job(job.namespace, job.name)
        self._written(lost="after")

    async def apply_status(self, category: Category, status: ArtCategoryStatus) -> Body:
        self._written(lost="before")
        body = self.world.categories.get(category.key)
        if body is None or body["metadata"]["uid"] != category.uid:
            raise LookAgainError("gone")
        told = status.model_dump(mode="json", by_alias=True, exclude_none=True)
        assert body.get("status") != told, "the same status is written twice"
        body["status"] = told
        answer = self.world.touch("category", body)
        self._written(lost="after")
        return answer

    async def set_finalizers(self, category: Category, finalizers: Sequence[str]) -> Body:
        self._written(lost="before")
        body = self.world.categories.get(category.key)
        version = str(category.seen.resource_version)
        if body is None or body["metadata"]["resourceVersion"] != version:
            raise LookAgainError("changed")
        body["metadata"]["finalizers"] = list(finalizers)
        answer = self.world.touch("category", body)
        self.world._let_go(category.key, body)
        self._written(lost="after")
        return answer


async def _no_progress(address: str) -> RunCounts | None:
    return None


class PlayedOperator:
    """An operator that sees the world through watches that may be late."""

    def __init__(self, world: World, settings: OperatorSettings) -> None:
        self.world = world
        self.settings = settings
        self.restart()

    def restart(self) -> None:
        """Forget everything, and list what is there."""
        cluster: Any = PlayedCluster(self.world)
        self.mirror = Mirror()
        self.admissions = Admissions(self.settings.max_concurrent_scrapes)
        self.tools = Tools(
            cluster=cluster,
            mirror=self.mirror,
            admissions=self.admissions,
            reports=PodReports(cluster, _no_progress, self._now, seconds=30),
            refusals=Refusals(self._now),
            settings=self.settings,
            token_key=KEY,
            clock=self._now,
        )
        self.reconciler = Reconciler(self.tools)
        self.world.news.clear()
        for body in self.world.categories.values():
            self.mirror.put_category(copy.deepcopy(body))
        for body in self.world.jobs.values():
            self.mirror.put_job(copy.deepcopy(body))

    def _now(self) -> datetime:
        return self.world.now

    def watch(self, count: int | None = None) -> None:
        """Deliver the next events, or all of them."""
        taken = self.world.news[:count]
        self.world.news = self.world.news[len(taken) :]
        for kind, what, body in taken:
            if kind == "category":
                put, remove = self.mirror.put_category, self.mirror.remove_category
                remove(body) if what == "gone" else put(body)
            else:
                self.mirror.remove_job(body) if what == "gone" else self.mirror.put_job(body)

    def look(self, key: Key) -> float | None:
        """Look at one category, as a worker would."""
        try:
            return at_once(self.reconciler.reconcile(key))
        except (LookAgainError, LostError):
            return 1.0

    def advance(self, **passed: float) -> None:
        self.world.now += timedelta(**passed)
