"""Categories and classifiers of a cluster, as `artgrab cluster status` tells them."""

from collections.abc import Iterable
from typing import Any

import msgspec
from pydantic import ValidationError

from artgrab.common.statuses import (
    ArtCategoryStatus,
    ArtClassifierStatus,
    CategoryCondition,
    Condition,
    ConditionStatus,
)

Body = dict[str, Any]

_TARGET_IMAGES = 1000
"""What the definitions fill in."""
_NOT_SEEN = (
    "NotSeen",
    "no operator has looked at it yet; if that stays so, see whether one runs and watches this "
    "namespace: kubectl get deployments --all-namespaces -l app.kubernetes.io/name=artgrab",
)
_NOT_UNDERSTOOD = ("NotUnderstood", "its status was written by another artgrab than this one")


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """The condition Ready of an object; Unknown where nobody has said anything."""

    ready: str = ConditionStatus.UNKNOWN.value
    reason: str
    message: str


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What every object has."""

    namespace: str
    name: str
    ready: str
    reason: str
    message: str
    created_at: str

    @property
    def is_ready(self) -> bool:
        """Whether the cluster says so."""
        return self.ready == ConditionStatus.TRUE.value


class CategoryRow(Row, frozen=True, kw_only=True):
    stored: int
    target: int
    next_run_at: str | None


class ClassifierRow(Row, frozen=True, kw_only=True):
    accuracy_permille: int | None
    """Of the served model, or of the newest where none is served."""
    images: int | None
    """Of the newest dataset."""
    served: str
    """The content digest of the served model; empty where none is."""
    ready_replicas: int | None
    endpoint: str


class ClusterStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The document of `artgrab cluster status --output json`."""

    context: str
    namespace: str
    """Empty: all of them."""
    categories: list[CategoryRow]
    classifiers: list[ClassifierRow]


def category_row(body: Body) -> CategoryRow:
    """Return what is told of an ArtCategory."""
    status: ArtCategoryStatus | None
    try:
        status = ArtCategoryStatus.model_validate(body.get("status") or {})
        readiness = _readiness(status.conditions)
    except ValidationError:
        status, readiness = None, Readiness(reason=_NOT_UNDERSTOOD[0], message=_NOT_UNDERSTOOD[1])
    next_run = status.next_run_at if status else None
    return CategoryRow(
        **_told(body, readiness),
        stored=status.counts.stored if status and status.counts else 0,
        target=(body.get("spec") or {}).get("targetImages", _TARGET_IMAGES),
        next_run_at=next_run.isoformat().replace("+00:00", "Z") if next_run else None,
    )


def classifier_row(body: Body) -> ClassifierRow:
    """Return what is told of an ArtClassifier."""
    try:
        status = ArtClassifierStatus.model_validate(body.get("status") or {})
        readiness = _readiness(status.conditions)
    except ValidationError:
        status = ArtClassifierStatus()
        readiness = Readiness(reason=_NOT_UNDERSTOOD[0], message=_NOT_UNDERSTOOD[1])
    serving, model = status.serving, status.model
    best = serving or model
    return ClassifierRow(
        **_told(body, readiness),
        accuracy_permille=best.accuracy_permille if best else None,
        images=status.dataset.images if status.dataset else None,
        served=serving.content_sha256 if serving else "",
        ready_replicas=serving.ready_replicas if serving else None,
        endpoint=serving.endpoint if serving else "",
    )


def cluster_status(
    *, context: str, namespace: str, categories: Iterable[Body], classifiers: Iterable[Body]
) -> ClusterStatus:
    """Return all that is told, by namespace and name."""
    return ClusterStatus(
        context=context,
        namespace=namespace,
        categories=sorted(map(category_row, categories), key=_place),
        classifiers=sorted(map(classifier_row, classifiers), key=_place),
    )


def _place(row: Row) -> tuple[str, str]:
    return row.namespace, row.name


def _readiness(conditions: Iterable[Condition]) -> Readiness:
    ready = next((one for one in conditions if one.type == CategoryCondition.READY), None)
    if ready is None:
        return Readiness(reason=_NOT_SEEN[0], message=_NOT_SEEN[1])
    return Readiness(ready=ready.status.value, reason=ready.reason, message=ready.message)


def _told(body: Body, readiness: Readiness) -> dict[str, Any]:
    metadata = body["metadata"]
    return {
        "namespace": metadata.get("namespace", ""),
        "name": metadata["name"],
        "created_at": metadata.get("creationTimestamp") or "",
        **msgspec.structs.asdict(readiness),
    }
