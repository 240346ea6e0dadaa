"""From a Job as the API server tells it to what a plan looks at."""

from collections.abc import Iterable
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
    notes, spec, status = metadata.get("annotations") or {}, body["spec"], body.get("status") or {}
    end = _end(status)
    return Job(
        namespace=metadata["namespace"],
        name=metadata["name"],
        seen=read_seen(metadata),
        owner=_owner(metadata),
        category=key,
        component=component,
        created=read_time(metadata["creationTimestamp"]),
        run_id=notes.get(names.ANNOTATION_RUN, ""),
        spec_digest=notes.get(names.ANNOTATION_SPEC, ""),
        template=notes.get(names.ANNOTATION_TEMPLATE, ""),
        failures=_number(notes.get(names.ANNOTATION_FAILURES, "")),
        alone_at=frozenset(filter(None, notes.get(names.ANNOTATION_ALONE, "").split(","))),
        secret=_secret(spec),
        suspended=bool(spec.get("suspend")),
        deleting="deletionTimestamp" in metadata,
        started_at=_time(status.get("startTime")),
        end=JobEnd(end["type"]) if end else None,
        end_reason=end.get("reason", "") if end else "",
        end_message=end.get("message", "") if end else "",
        ended_at=_ended_at(end, status) if end else None,
    )


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 9 else 0


def _time(text: str | None) -> datetime | None:
    return read_time(text) if text else None


def _owner(metadata: Body) -> str:
    owners: Iterable[Body] = metadata.get("ownerReferences") or ()
    return next((one["uid"] for one in owners if _is_category(one)), "")


def _is_category(owner: Body) -> bool:
    group = owner["apiVersion"].partition("/")[0]
    return bool(owner.get("controller")) and (group, owner["kind"]) == (names.GROUP, names.KIND)


def _secret(spec: Body) -> str:
    volumes = spec.get("template", {}).get("spec", {}).get("volumes") or ()
    found = (one["secret"]["secretName"] for one in volumes if "secret" in one)
    return next(found, "")


def _end(status: Body) -> Body | None:
    conditions: Iterable[Body] = status.get("conditions") or ()
    ended = (one for one in conditions if one["type"] in set(JobEnd) and one["status"] == "True")
    return next(ended, None)


def _ended_at(end: Body, status: Body) -> datetime | None:
    return _time(status.get("completionTime") or end.get("lastTransitionTime"))
