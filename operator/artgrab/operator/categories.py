"""From an ArtCategory as the API server tells it to one that can be planned for."""

from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from artgrab.common.documents.problems import check
from artgrab.common.resources import ArtCategory, DeletionPolicy
from artgrab.common.statuses import ArtCategoryStatus
from artgrab.operator.observed import Body, Category, Key, Seen

_LONGEST_PROBLEM = 2000


def read_category(body: Body) -> Category:
    """Return the category; a spec that breaks a rule is told in words that name the field."""
    metadata = body["metadata"]
    resource, problem = _resource(body)
    return Category(
        key=Key(metadata["namespace"], metadata["name"]),
        seen=read_seen(metadata),
        generation=metadata.get("generation", 0),
        created=read_time(metadata["creationTimestamp"]),
        deleting="deletionTimestamp" in metadata,
        finalizers=tuple(metadata.get("finalizers") or ()),
        deletes=_spec(body).get("deletionPolicy") == DeletionPolicy.DELETE,
        status=_status(body.get("status") or {}),
        resource=resource,
        problem=problem,
        labels=dict(metadata.get("labels") or {}),
    )


def read_seen(metadata: Body) -> Seen:
    """Return which object, and which version of it, this is."""
    return Seen(metadata["uid"], int(metadata["resourceVersion"]))


def read_time(text: str) -> datetime:
    """Return a time of the API server."""
    return datetime.fromisoformat(text).astimezone(UTC)


def _spec(body: Body) -> dict[str, Any]:
    spec = body.get("spec")
    return spec if isinstance(spec, dict) else {}


def _resource(body: Body) -> tuple[ArtCategory | None, str]:
    metadata = {name: body["metadata"][name] for name in ("name", "namespace")}
    document = {
        "apiVersion": body.get("apiVersion"),
        "kind": body.get("kind"),
        "metadata": metadata,
        "spec": body.get("spec"),
    }
    resource, problems = check(ArtCategory, document)
    return resource, "; ".join(map(str, problems))[:_LONGEST_PROBLEM]


def _status(status: dict[str, Any]) -> ArtCategoryStatus:
    """Return the status; one that nobody could have written is as good as none."""
    try:
        return ArtCategoryStatus.model_validate(status)
    except ValidationError:
        return ArtCategoryStatus()
