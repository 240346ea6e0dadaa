"""A played API server with classifiers, and an operator that looks after them."""

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from artgrab.operator import names
from artgrab.operator.classifiers.mirror import ClassifierMirror
from artgrab.operator.classifiers.observed import Classifier, LearningJob
from artgrab.operator.classifiers.reconciler import ClassifierReconciler, ClassifierTools
from artgrab.operator.classifiers.reports import LearningReports
from artgrab.operator.cluster import CLASSIFIER, JOB, SERVICE, NamespaceEndsError, RefusedError
from artgrab.operator.mirror import Mirror
from artgrab.operator.observed import Body, Job, Key
from artgrab.operator.refusals import Refusals
from artgrab.operator.settings import OperatorSettings
from artgrab.operator.work import LookAgainError
from tests.support.operator_world import (
    LostError,
    PlayedCluster,
    World,
    at_once,
    kubernetes_time,
)

DATASET, MODEL, CONTENT = "d" * 64, "e" * 64, "c" * 64
Where = tuple[str, str, str]
"""Kind, namespace and name."""


@dataclass
class LearningWorld(World):
    """What the API server holds, with classifiers and what serves them."""

    classifiers: dict[Key, dict[str, Any]] = field(default_factory=dict)
    objects: dict[Where, dict[str, Any]] = field(default_factory=dict)
    ending: set[str] = field(default_factory=set)
    """Namespaces that are being deleted."""
    refused: set[str] = field(default_factory=set)
    """Kinds that are not taken."""
    lose_write: int = -1
    """So many writes before one is lost."""
    lose_effect: bool = False
    """Whether that one has no effect either."""
    blind: bool = False
    """Whether the operator does not know yet that a write had its effect."""

    # What users do.

    def apply_classifier(self, key: Key, spec: dict[str, Any]) -> None:
        """Create a classifier, or change its spec."""
        body = self.classifiers.get(key)
        if body is None:
            metadata = self.metadata(key.namespace, key.name) | {"generation": 1}
            body = {"apiVersion": "artgrab.dev/v1alpha1", "kind": "ArtClassifier"}
            body |= {"metadata": metadata, "spec": spec}
            self.classifiers[key] = body
        elif body["spec"] != spec:
            body["spec"] = spec
            body["metadata"]["generation"] += 1
        self.touch("classifier", body)

    def delete_classifier(self, key: Key) -> None:
        self.touch("classifier", self.classifiers.pop(key), what="gone")

    def collected(self, key: Key, labels: dict[str, str], *, stored: int) -> None:
        """Let a category be ready, with so many pictures."""
        body = self.categories.get(key)
        if body is None:
            source = {"mediawiki": {"url": "https://wiki.test/w/api.php"}}
            self.apply(key, {"sources": [source]})
            body = self.categories[key]
        body["metadata"]["labels"] = labels
        condition = {"type": "Ready", "status": "True", "reason": "TargetReached", "message": ""}
        condition["lastTransitionTime"] = kubernetes_time(self.now)
        counts = {"candidates": stored, "stored": stored, "rejected": 0, "failed": 0}
        body["status"] = {
            "observedGeneration": body["metadata"]["generation"],
            "conditions": [condition],
            "counts": counts,
            "endedAt": kubernetes_time(self.now),
        }
        self.touch("category", body)

    def metadata(self, namespace: str, name: str) -> dict[str, Any]:
        return {
            "name": name,
            "namespace": namespace,
            "uid": f"uid-{self.number()}",
            "creationTimestamp": kubernetes_time(self.now),
            "resourceVersion": self.number(),
        }

    # What controllers do.

    def end_deleted_jobs(self) -> None:
        """End the Jobs that are being deleted; what they own goes later."""
        for where, body in list(self.jobs.items()):
            if "deletionTimestamp" in body["metadata"]:
                del self.jobs[where]
                self.pods.pop(body["metadata"]["uid"], None)
                self.touch("job", body, what="gone")

    def collect_garbage(self) -> None:
        """End what is being deleted, and what lost its owner."""
        uids = {body["metadata"]["uid"] for body in self.classifiers.values()}
        uids |= {body["metadata"]["uid"] for body in self.jobs.values()}
        for where, body in list(self.jobs.items()):
            if _is_orphan(body, uids) or "deletionTimestamp" in body["metadata"]:
                del self.jobs[where]
                self.pods.pop(body["metadata"]["uid"], None)
                self.touch("job", body, what="gone")
        for place, body in list(self.objects.items()):
            if _is_orphan(body, uids):
                self.delete_object(place)

    def delete_object(self, where: Where) -> None:
        body = self.objects.pop(where)
        if where[0] == "Deployment":
            self.touch("deployment", body, what="gone")

    def roll_out(self, where: Where, *, fails: str = "") -> None:
        """Let the pods of a Deployment become available, or not in time."""
        body, count = self.objects[where], 0 if fails else 1
        reason = "ProgressDeadlineExceeded" if fails else "NewReplicaSetAvailable"
        progress = {"type": "Progressing", "status": "False" if fails else "True"}
        body["status"] = {
            "observedGeneration": body["metadata"]["generation"],
            "replicas": 1,
            "updatedReplicas": count,
            "availableReplicas": 1,
            "readyReplicas": 1,
            "conditions": [progress | {"reason": reason, "message": fails}],
        }
        self.touch("deployment", body)


def _is_orphan(body: dict[str, Any], uids: set[str]) -> bool:
    owners = {one["uid"] for one in body["metadata"].get("ownerReferences", [])}
    return bool(owners) and not owners & uids


class LearningCluster(PlayedCluster):
    """The calls of Cluster, answered by a world with classifiers."""

    world: LearningWorld

    def __init__(self, world: LearningWorld) -> None:
        super().__init__(world)

    @contextmanager
    def _write(self, namespace: str, kind: str) -> Iterator[None]:
        """Count a write; the one that is to be lost is, with its effect or without."""
        if namespace in self.world.ending:
            raise NamespaceEndsError(f"namespace {namespace} is being terminated")
        if kind in self.world.refused:
            raise RefusedError(f"exceeded quota of {kind}")
        lost = self.world.lose_write == 0
        self.world.lose_write -= 1
        if lost and self.world.lose_effect:
            raise LostError
        self.world.writes += 1
        yield
        if lost:
            self.world.blind = True
            raise LostError

    async def pods(self, namespace: str, labels: dict[str, str]) -> list[Body]:
        return list(self.world.pods.get(f"{namespace}/{labels[names.LABEL_CLASSIFIER]}", []))

    async def get(self, kind: Any, name: str, namespace: str) -> Body | None:
        if kind is CLASSIFIER:
            return copy.deepcopy(self.world.classifiers.get(Key(namespace, name)))
        if kind is JOB:
            return copy.deepcopy(self.world.jobs.get((namespace, name)))
        where = (kind._api_info.resource.kind, namespace, name)
        return copy.deepcopy(self.world.objects.get(where))

    async def create(self, kind: Any, manifest: dict[str, Any]) -> Body | None:
        metadata = manifest["metadata"]
        with self._write(metadata["namespace"], manifest["kind"]):
            return self._created(kind, copy.deepcopy(manifest))

    def _created(self, kind: Any, body: dict[str, Any]) -> Body | None:
        metadata = body["metadata"]
        namespace, name = metadata["namespace"], metadata["name"]
        if kind is CLASSIFIER:
            self.world.apply_classifier(Key(namespace, name), body["spec"])
            return copy.deepcopy(self.world.classifiers[Key(namespace, name)])
        if kind is JOB:
            return self._create_job((namespace, name), body)
        if kind is SERVICE:
            where = ("Service", namespace, name)
            if where in self.world.objects:
                return None
            body["metadata"] |= self.world.metadata(namespace, name)
            self.world.objects[where] = body
            return body
        self.world.events.append(body)
        return body

    async def apply(self, kind: Any, manifest: dict[str, Any]) -> Body:
        metadata = manifest["metadata"]
        where = (manifest["kind"], metadata["namespace"], metadata["name"])
        with self._write(metadata["namespace"], manifest["kind"]):
            return self._applied(where, copy.deepcopy(manifest))

    def _applied(self, where: Where, body: dict[str, Any]) -> Body:
        before = self.world.objects.get(where)
        given = self.world.metadata(where[1], where[2])
        if before is None:
            body["metadata"] |= given | {"generation": 1}
        else:
            known = ("uid", "creationTimestamp", "generation")
            body["metadata"] |= given | {one: before["metadata"][one] for one in known}
            body["metadata"]["generation"] += body["spec"] != before["spec"]
            body["status"] = before.get("status", {})
        self.world.objects[where] = body
        return self.world.touch("deployment" if where[0] == "Deployment" else "", body)

    async def let_run(self, job: Any) -> Body:
        with self._write(job.namespace, "Job"):
            body = self.world.jobs[job.namespace, job.name]
            service = self.world.objects["Service", job.namespace, job.name]
            owners = [one["uid"] for one in service["metadata"]["ownerReferences"]]
            assert owners == [job.uid], "its Service goes with another object"
            body["spec"]["suspend"] = False
            return self.world.touch("job", body)

    async def delete_job(self, job: Job | LearningJob) -> None:
        with self._write(job.namespace, "Job"):
            body = self.world.jobs.get((job.namespace, job.name))
            assert body is None or body["metadata"]["uid"] == job.uid
            self.world.delete_job(job.namespace, job.name)

    async def apply_status(self, about: Any, status: Any) -> Body:
        assert isinstance(about, Classifier)
        with self._write(about.key.namespace, "status"):
            body = self.world.classifiers.get(about.key)
            if body is None or body["metadata"]["uid"] != about.uid:
                raise LookAgainError("gone")
            told = status.model_dump(mode="json", by_alias=True, exclude_none=True)
            assert self.world.blind or body.get("status") != told, (
                "the same status is written twice"
            )
            body["status"] = told
            return self.world.touch("classifier", body)


class PlayedLearning:
    """An operator of classifiers that sees the world through watches that may be late."""

    def __init__(self, world: LearningWorld, settings: OperatorSettings) -> None:
        self.world = world
        self.settings = settings
        self.restart()

    def restart(self) -> None:
        """Forget everything, and list what is there."""
        cluster: Any = LearningCluster(self.world)
        self.mirror, self.categories = ClassifierMirror(), Mirror()
        tools = ClassifierTools(
            cluster=cluster,
            mirror=self.mirror,
            categories=self.categories,
            reports=LearningReports(cluster, self._now, seconds=30),
            refusals=Refusals(self._now),
            settings=self.settings,
            clock=self._now,
        )
        self.reconciler = ClassifierReconciler(tools)
        self.world.news.clear()
        self.world.blind = False
        held: dict[str, dict[Any, dict[str, Any]]] = {
            "category": self.world.categories,
            "classifier": self.world.classifiers,
            "job": self.world.jobs,
        }
        for kind, bodies in held.items():
            for body in bodies.values():
                self._see(kind, "changed", copy.deepcopy(body))
        for where, body in self.world.objects.items():
            if where[0] == "Deployment":
                self._see("deployment", "changed", copy.deepcopy(body))

    def _now(self) -> datetime:
        return self.world.now

    def watch(self) -> None:
        """Deliver all events."""
        news, self.world.news, self.world.blind = self.world.news, [], False
        for kind, what, body in news:
            self._see(kind, what, body)

    def _see(self, kind: str, what: str, body: dict[str, Any]) -> None:
        if kind:
            mirror: Any = self.categories if kind == "category" else self.mirror
            getattr(mirror, f"{'remove' if what == 'gone' else 'put'}_{kind}")(body)

    def look(self, key: Key) -> float | None:
        """Look at one classifier, as a worker would."""
        try:
            return at_once(self.reconciler.reconcile(key))
        except (LookAgainError, LostError):
            return 1.0


def dataset_word(key: str = DATASET, images: int = 40) -> str:
    """Return the last word of a dataset Job."""
    told = {"key": key, "uri": f"s3://bucket/art/art/datasets/{key}", "images": images}
    return json.dumps({"schema_version": 1, "content_sha256": CONTENT, **told})


def model_word(key: str = MODEL, content: str = CONTENT, **told: Any) -> str:
    """Return the last word of a training Job."""
    uri = f"s3://bucket/art/art/models/{key}"
    usual: dict[str, Any] = {"key": key, "uri": uri, "content_sha256": content}
    usual |= {"dataset": DATASET, "accuracy_permille": 950, "test_images": 8}
    return json.dumps({"schema_version": 1, **usual, **told})
