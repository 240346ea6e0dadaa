"""What pods say: the last word of those that ended, and why one does not start."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from artgrab.common.statuses import RunCounts, RunReason
from artgrab.common.terminations import Counts, decode
from artgrab.operator.observed import Body, Result, Trouble, Word

_LONGEST = 500
_RESOURCES = "scraper.resources"
_MOST = 2**63 - 1
"""That a status can hold."""
_NO_START = {
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
}
_OUT_OF_MEMORY = "OOMKilled"
_KILLED = {
    "DeadlineExceeded": "it ran longer than it may",
    "Evicted": "its pod was evicted from its node",
}


def last_word(pods: Iterable[Body]) -> Word | None:
    """Return what the pods of an ended Job say, the last one first; None where none says anything.

    Strangers may have written it: it is bounded, and one line.
    """
    words = [_word(one) for one in endings(pods)]
    results = [word for word in words if isinstance(word, Result)]
    return next(iter(results), None) or next(iter(words), None)


def start_trouble(pods: Iterable[Body]) -> str:
    """Return why no pod of a running Job does its work; empty where one does, or soon may."""
    for pod in pods:
        for status in _all_statuses(pod):
            reason = (status.get("state", {}).get("waiting") or {}).get("reason", "")
            if reason in _NO_START:
                return f"{reason} ({status.get('image', 'its image')})"
        for one in pod.get("status", {}).get("conditions") or ():
            if one.get("type") == "PodScheduled" and one.get("reason") == "Unschedulable":
                return "Unschedulable: no node has room for it"
    return ""


def running_ip(pods: Iterable[Body]) -> str:
    """Return the address of the pod that runs; empty where none does."""
    running = (pod["status"] for pod in pods if pod.get("status", {}).get("phase") == "Running")
    return next((status.get("podIP", "") for status in running), "")


def _statuses(pod: Body) -> Iterable[dict[str, Any]]:
    return pod.get("status", {}).get("containerStatuses") or ()


def _all_statuses(pod: Body) -> Iterable[dict[str, Any]]:
    return [*(pod.get("status", {}).get("initContainerStatuses") or ()), *_statuses(pod)]


def endings(pods: Iterable[Body]) -> list[dict[str, Any]]:
    """Return how the containers of some pods ended, the last one first."""
    found = _endings(pods)
    return sorted(found, key=lambda one: str(one.get("finishedAt", "")), reverse=True)


def said_without_form(ended: Mapping[str, Any], *, resources: str) -> str:
    """Return what a container said that is no last word of ours, or why it ended, in one line.

    Args:
        ended: how, as the API server tells it.
        resources: the value that limits its memory.
    """
    said = "" if ended.get("reason") == _OUT_OF_MEMORY else str(ended.get("message") or "")
    return _last_line(said) or _reason(ended, resources)  # the log of who was killed says nothing


def _endings(pods: Iterable[Body]) -> Iterator[dict[str, Any]]:
    for pod in pods:
        for status in _statuses(pod):
            ended = status.get("state", {}).get("terminated")
            if ended:
                yield ended
        if not _statuses(pod) and (reason := pod.get("status", {}).get("reason")):
            yield {"reason": reason}


def _word(ended: dict[str, Any]) -> Word:
    text = str(ended.get("message") or "")
    found = decode(text.strip())
    if found is None:
        return Trouble(said_without_form(ended, resources=_RESOURCES))
    if found.error:
        return Trouble(one_line(found.error) or _reason(ended, _RESOURCES))
    if found.reason not in set(RunReason):
        return Trouble(one_line(f"it ended with a reason that is not known: {found.reason}"))
    problems = tuple(map(one_line, found.problems))
    return Result(found.run_id, RunReason(found.reason), _counts(found.counts), problems)


def _counts(counts: Counts | None) -> RunCounts:
    told = counts or Counts()
    fields = type(told).__struct_fields__
    return RunCounts(**{name: min(max(0, getattr(told, name)), _MOST) for name in fields})


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return one_line(lines[-1]) if lines else ""


def one_line(text: str) -> str:
    """Return a text as one short line in which nothing moves the cursor of whoever reads it."""
    return "".join(char if char.isprintable() else " " for char in text).strip()[:_LONGEST]


def _reason(ended: Mapping[str, Any], resources: str) -> str:
    reason = str(ended.get("reason") or "")
    if reason == _OUT_OF_MEMORY:
        return f"its pod used more memory than {resources} allows ({reason})"
    code = ended.get("exitCode")
    return _KILLED.get(reason) or f"its pod ended with exit code {code} ({reason or 'no reason'})"
