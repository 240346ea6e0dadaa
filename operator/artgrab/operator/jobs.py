"""From a Job as the API server tells it to what a plan looks at."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from artgrab.operator import names
from artgrab.operator.categories import read_seen, read_time
from artgrab.operator.observed import Body, Job, JobEnd, Key


def category_of(body: Body) -> Key | None:
    """Return the category that a Job of ours names; None where it names none."""
    labels = body["metadata"].get("labels") or {}
    name = labels.get(names.LABEL_CATEGORY)
    namespace = labels.get(names.LABEL_CATEGORY_NAMESPACE)
    return Key(namespace, name) if name and namespace else None


def read_job(body: Body) -> Job | None:
    """Return a Job; None where its labels do not make it one of ours.

    A scrape Job is one of ours only beside its category: no namespace speaks for another.
    """
    metadata, labels = body["metadata"], body["metadata"].get("labels") or {}
    key, component = category_of(body), labels.get(names.LABEL_COMPONENT, "")
    if key is None or labels.get(names.LABEL_MANAGED_BY) != names.FIELD_MANAGER:
        return None
    if component == names.COMPONENT_SCRAPER and key.namespace != metadata["namespace"]:
        return None
    notes, spec = metadata.get("annotations") or {}, body["spec"]
    end = read_end(body.get("status") or {})
    return Job(
        namespace=metadata["namespace"],
        name=metadata["name"],
        seen=read_seen(metadata),
        owner=owner_of_kind(metadata, names.KIND),
        category=key,
        component=component,
        created=read_time(metadata["creationTimestamp"]),
        run_id=notes.get(names.ANNOTATION_RUN, ""),
        spec_digest=notes.get(names.ANNOTATION_SPEC, ""),
        template=notes.get(names.ANNOTATION_TEMPLATE, ""),
        failures=number_of(notes.get(names.ANNOTATION_FAILURES, "")),
        alone_at=frozenset(filter(None, notes.get(names.ANNOTATION_ALONE, "").split(","))),
        secret=_secret(spec),
        suspended=bool(spec.get("suspend")),
        deleting="deletionTimestamp" in metadata,
        started_at=end.started_at,
        end=end.end,
        end_reason=end.reason,
        end_message=end.message,
        ended_at=end.ended_at,
    )


@dataclass(frozen=True)
class End:
    """When a Job was started, and how it ended, if it has."""

    started_at: datetime | None
    end: JobEnd | None = None
    reason: str = ""
    message: str = ""
    ended_at: datetime | None = None


def read_end(status: Body) -> End:
    """Return what the status of a Job says of its beginning and end."""
    started_at = _time(status.get("startTime"))
    conditions: Iterable[Body] = status.get("conditions") or ()
    ended = (one for one in conditions if one["type"] in set(JobEnd) and one["status"] == "True")
    end = next(ended, None)
    if end is None:
        return End(started_at)
    ended_at = _time(status.get("completionTime") or end.get("lastTransitionTime"))
    reason, message = end.get("reason", ""), end.get("message", "")
    return End(started_at, JobEnd(end["type"]), reason, message, ended_at)


def number_of(text: str) -> int:
    """Return the number that an annotation holds; 0 where anybody has written something else."""
    return int(text) if text.isdecimal() and len(text) < 9 else 0


def owner_of_kind(metadata: Body, kind: str) -> str:
    """Return the uid of the controlling owner of a kind of ours; empty where there is none."""
    owners: Iterable[Body] = metadata.get("ownerReferences") or ()
    return next((one["uid"] for one in owners if _controls(one, kind)), "")


def _controls(owner: Body, kind: str) -> bool:
    group = owner["apiVersion"].partition("/")[0]
    return bool(owner.get("controller")) and (group, owner["kind"]) == (names.GROUP, kind)


def _time(text: str | None) -> datetime | None:
    return read_time(text) if text else None


def _secret(spec: Body) -> str:
    volumes = spec.get("template", {}).get("spec", {}).get("volumes") or ()
    found = (one["secret"]["secretName"] for one in volumes if "secret" in one)
    return next(found, "")
