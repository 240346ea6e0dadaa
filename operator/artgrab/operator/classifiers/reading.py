"""What the API server tells of classifiers, their Jobs and Deployments, read into types."""

from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from artgrab.common.documents.problems import check
from artgrab.common.resources import ArtClassifier
from artgrab.common.statuses import ArtClassifierStatus
from artgrab.operator import names
from artgrab.operator.categories import read_seen, read_time
from artgrab.operator.classifiers.observed import (
    Classifier,
    LearningComponent,
    LearningJob,
    Rollout,
)
from artgrab.operator.jobs import number_of, owner_of_kind, read_end
from artgrab.operator.observed import Body, Key

_LONGEST = 2000
_LATE = "ProgressDeadlineExceeded"
_REFUSED = "ReplicaFailure"
_MAX_REPLICAS = 2**31 - 1


def read_classifier(body: Body) -> Classifier:
    """Return the classifier; a spec that breaks a rule is told in words that name the field."""
    metadata = body["metadata"]
    resource, problem = _resource(body)
    return Classifier(
        key=Key(metadata["namespace"], metadata["name"]),
        seen=read_seen(metadata),
        generation=metadata.get("generation", 0),
        created=read_time(metadata["creationTimestamp"]),
        deleting="deletionTimestamp" in metadata,
        status=_status(body.get("status") or {}),
        resource=resource,
        problem=problem,
    )


def classifier_of(body: Body) -> Key | None:
    """Return the classifier beside it that an object of ours names; None where it names none."""
    metadata = body["metadata"]
    labels = metadata.get("labels") or {}
    name = labels.get(names.LABEL_CLASSIFIER)
    ours = labels.get(names.LABEL_MANAGED_BY) == names.FIELD_MANAGER
    return Key(metadata["namespace"], name) if name and ours else None


def read_learning_job(body: Body) -> LearningJob | None:
    """Return a Job that makes a dataset or a model; None where it is another one."""
    metadata, key = body["metadata"], classifier_of(body)
    component = (metadata.get("labels") or {}).get(names.LABEL_COMPONENT)
    if key is None or component not in set(LearningComponent):
        return None
    notes, spec = metadata.get("annotations") or {}, body["spec"]
    end = read_end(body.get("status") or {})
    return LearningJob(
        namespace=metadata["namespace"],
        name=metadata["name"],
        seen=read_seen(metadata),
        owner=owner_of_kind(metadata, names.CLASSIFIER_KIND),
        classifier=key,
        component=LearningComponent(component),
        created=read_time(metadata["creationTimestamp"]),
        work=notes.get(names.ANNOTATION_WORK, ""),
        inputs=notes.get(names.ANNOTATION_INPUTS, ""),
        stored=number_of(notes.get(names.ANNOTATION_STORED, "")),
        template=notes.get(names.ANNOTATION_TEMPLATE, ""),
        failures=number_of(notes.get(names.ANNOTATION_FAILURES, "")),
        nodes=spec.get("completions") or 1,
        suspended=bool(spec.get("suspend")),
        deleting="deletionTimestamp" in metadata,
        started_at=end.started_at,
        end=end.end,
        end_reason=end.reason,
        end_message=end.message,
        ended_at=end.ended_at,
    )


def read_rollout(body: Body) -> Rollout | None:
    """Return the Deployment of a classifier; None where it is another one."""
    metadata, key = body["metadata"], classifier_of(body)
    if key is None or metadata["name"] != names.serving_name(key.name):
        return None
    notes, status = metadata.get("annotations") or {}, body.get("status") or {}
    progress = _condition(status, "Progressing")
    return Rollout(
        seen=read_seen(metadata),
        owner=owner_of_kind(metadata, names.CLASSIFIER_KIND),
        model_key=notes.get(names.ANNOTATION_MODEL_KEY, ""),
        content_sha256=notes.get(names.ANNOTATION_MODEL, ""),
        digest=notes.get(names.ANNOTATION_TEMPLATE, ""),
        current=status.get("observedGeneration", 0) >= metadata.get("generation", 0),
        replicas=_replicas(status.get("replicas")),
        updated=_replicas(status.get("updatedReplicas")),
        available=_replicas(status.get("availableReplicas")),
        ready=_replicas(status.get("readyReplicas")),
        failed=progress.get("status") == "False" and progress.get("reason") == _LATE,
        message=_message(status, progress),
        deleting="deletionTimestamp" in metadata,
    )


def _message(status: Body, progress: Body) -> str:
    """Return why no pod is made, as where a quota or a rule refuses it; else how far it is."""
    refused = _condition(status, _REFUSED)
    told = refused if refused.get("status") == "True" else progress
    return str(told.get("message", ""))[:_LONGEST]


def _replicas(number: int | None) -> int:
    return min(max(number or 0, 0), _MAX_REPLICAS)


def _condition(status: Body, kind: str) -> Body:
    conditions: Iterable[Body] = status.get("conditions") or ()
    return next((one for one in conditions if one["type"] == kind), {})


def _resource(body: Body) -> tuple[ArtClassifier | None, str]:
    document = {
        "apiVersion": body.get("apiVersion"),
        "kind": body.get("kind"),
        "metadata": {name: body["metadata"][name] for name in ("name", "namespace")},
        "spec": body.get("spec"),
    }
    resource, problems = check(ArtClassifier, document)
    return resource, "; ".join(map(str, problems))[:_LONGEST]


def _status(status: dict[str, Any]) -> ArtClassifierStatus:
    """Return the status without the parts that this version cannot read.

    A part that is missed is made anew, from what is stored and runs; the others are not.
    """
    try:
        return ArtClassifierStatus.model_validate(status)
    except ValidationError:
        known = {name: part for name, part in status.items() if _is_known(name, part)}
        return ArtClassifierStatus.model_validate(known)


def _is_known(name: str, part: Any) -> bool:
    try:
        ArtClassifierStatus.model_validate({name: part})
    except ValidationError:
        return False
    return True
