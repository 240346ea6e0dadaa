"""What objects say of themselves: what is new, whether it is final, all of it at the end."""

from collections.abc import Iterable
from typing import Any

Body = dict[str, Any]

FINAL_REASONS = frozenset(
    {
        "DatasetFailed",
        "InvalidSpec",
        "NamespaceNotPrepared",
        "NoPictures",
        "NotPromoted",
        "RolloutFailed",
        "SourcesFailed",
        "Suspended",
        "TrainingFailed",
    }
)
"""Reasons of Ready=False after which no wait helps, or only one that is longer than a test."""


_NOBODY = (
    "nobody has looked at it; see the operator: kubectl get pods --all-namespaces "
    "--selector app.kubernetes.io/name=artgrab,app.kubernetes.io/component=operator"
)


def title_of(body: Body) -> str:
    """Return what a person calls an object, as kubectl takes it."""
    return f"{body['kind'].lower()}/{body['metadata']['name']}"


def conditions_of(body: Body) -> list[Body]:
    """Return the conditions that an object has so far."""
    return list((body.get("status") or {}).get("conditions") or [])


def ready_of(body: Body) -> Body | None:
    """Return its condition Ready, if it is said of the spec as it is now."""
    for one in conditions_of(body):
        current = one.get("observedGeneration") in (None, body["metadata"].get("generation"))
        if one["type"] == "Ready" and current:
            return one
    return None


def is_ready(body: Body) -> bool:
    """Tell whether an object is ready."""
    ready = ready_of(body)
    return ready is not None and ready["status"] == "True"


def is_final(body: Body) -> bool:
    """Tell whether an object will not become ready by itself."""
    ready = ready_of(body)
    return ready is not None and ready["status"] == "False" and ready["reason"] in FINAL_REASONS


def line_of(body: Body) -> str:
    """Return how far an object is, in one line."""
    ready = ready_of(body)
    if ready is None:
        return f"{title_of(body)}: nobody has looked at it yet"
    return f"{title_of(body)}: {_told(ready)}"


def report_of(bodies: Iterable[Body]) -> str:
    """Return all conditions of all objects, for a person who looks for what went wrong."""
    lines = []
    for body in bodies:
        conditions = conditions_of(body)
        lines.append(f"{title_of(body)}:" + ("" if conditions else f" {_NOBODY}"))
        lines += [f"  {one['type']}={one['status']} {_told(one)}" for one in conditions]
    return "\n".join(lines)


class News:
    """Remembers what was told of each object, so that only changes are told."""

    def __init__(self) -> None:
        self._told: dict[str, str] = {}

    def of(self, bodies: Iterable[Body]) -> list[str]:
        """Return the lines that have changed since they were asked for last."""
        lines = {title_of(body): line_of(body) for body in bodies}
        new = [line for title, line in lines.items() if self._told.get(title) != line]
        self._told |= lines
        return new


def _told(condition: Body) -> str:
    message = str(condition.get("message") or "").strip()
    return f"{condition['reason']}: {message}" if message else str(condition["reason"])
