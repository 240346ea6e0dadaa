"""What a person wants to read of a cluster in which a test has failed, bounded in size."""

import json
from collections.abc import Callable, Iterable, Iterator

from artgrab.common.errors import SurroundingsError
from tests.cluster.kubectl import Kubectl

LOG_LINES = 60
MOST_PODS = 20
MOST_CHARACTERS = 8_000
"""Of one answer: its end is kept, where the newest is."""
_SECONDS = 30
_KINDS = ("artcategories", "artclassifiers")
_OURS = (
    *_KINDS,
    *("jobs", "deployments", "replicasets", "statefulsets"),
    *("horizontalpodautoscalers", "services"),
)


def story_of(kubectl: Kubectl, namespaces: Iterable[str]) -> str:
    """Return events, objects, conditions, pods and their logs of some namespaces.

    It asks whatever can still be asked: what fails is told in place of an answer.
    """
    return "\n".join(
        part
        for namespace in namespaces
        for part in _parts(Kubectl(kubectl.program, kubectl.kubeconfig, namespace))
    )


def _parts(kubectl: Kubectl) -> Iterator[str]:
    yield f"===== namespace {kubectl.namespace}"
    yield _asked(kubectl, "get", "events", "--sort-by=.lastTimestamp")
    for kind in _OURS:
        yield _asked(kubectl, "get", kind, "--output=wide", "--ignore-not-found")
    yield from (_conditions(kubectl, kind) for kind in _KINDS)
    yield _asked(kubectl, "describe", "deployments")
    yield _asked(kubectl, "describe", "pods")
    for pod, container, restarted in _containers(kubectl)[:MOST_PODS]:
        log = ("logs", pod, f"--container={container}", f"--tail={LOG_LINES}")
        yield _asked(kubectl, *log)
        if restarted:
            yield _asked(kubectl, *log, "--previous")


def _asked(kubectl: Kubectl, *words: str) -> str:
    told = _answer(lambda: kubectl(*words, seconds=_SECONDS)).strip()
    return f"--- {' '.join(words)}\n{bounded(told)}" if told else ""


def _answer(ask: Callable[[], str]) -> str:
    try:
        return ask()
    except SurroundingsError as error:
        return str(error)


def bounded(text: str, most: int = MOST_CHARACTERS) -> str:
    """Return the end of a text that is too long, and say how much is missing."""
    if len(text) <= most:
        return text
    return f"[... {len(text) - most} characters before this]\n{text[-most:]}"


def _conditions(kubectl: Kubectl, kind: str) -> str:
    """Return the status of each object of a kind in one line."""
    try:
        found = kubectl.read(kind)["items"]
    except SurroundingsError as error:
        return str(error)
    lines = [f"{one['metadata']['name']}: {json.dumps(one.get('status', {}))}" for one in found]
    return bounded("\n".join([f"--- status of {kind}", *lines])) if lines else ""


def _containers(kubectl: Kubectl) -> list[tuple[str, str, bool]]:
    """Return pod, container and whether it was started again."""
    try:
        pods = kubectl.read("pods")["items"]
    except SurroundingsError:
        return []
    return [
        (pod["metadata"]["name"], container["name"], container["restartCount"] > 0)
        for pod in pods
        for container in pod.get("status", {}).get("containerStatuses", ())
    ]
