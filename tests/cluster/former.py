"""What a session that was killed left in a cluster that is still up, and its removal."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from artgrab.common.errors import SurroundingsError
from tests.cluster.commands import progress
from tests.cluster.kubectl import Kubectl

LABEL = "artgrab.dev/session"
"""Marks each namespace, and each volume, of the tests on an installation."""
SESSION = "cluster"
"""The value of that label, of all but a test of it."""
_SHARED = ("clusterroles", "clusterrolebindings", "customresourcedefinitions")
"""Kinds of objects of a chart that lie in no namespace."""
_RUNNING = "deployments,statefulsets,jobs,pods"
_FINALIZED = "artcategories.artgrab.dev"


def remove_former(kubectl: Kubectl, *, session: str, releases: Iterable[str]) -> None:
    """Remove what a former session left: its namespaces, and what its releases have elsewhere.

    A release has the name of its namespace. All that its chart makes lies in the namespaces of the
    session or in none, so Helm is not needed for it.
    """
    ours = f"--selector={LABEL}={session}"
    left = kubectl("get", "namespaces", ours, "--output=name").split()
    if left:
        progress(f"removing what a former session left: {', '.join(left)}")
    inside = [
        Kubectl(kubectl.program, kubectl.kubeconfig, name.removeprefix("namespace/"))
        for name in left
    ]
    for one in inside:
        one("delete", _RUNNING, "--all", "--grace-period=0", "--force", "--wait=false")
    for one in inside:  # whoever might put them on again is gone
        _take_off_finalizers(one)
    for name in [*left, *(name for one in releases for name in _objects_of(kubectl, one))]:
        kubectl("delete", name, "--ignore-not-found", "--wait=false")
    for name in left:
        kubectl.wait(name, "delete")
    kubectl("delete", "persistentvolumes", ours)


def _take_off_finalizers(inside: Kubectl) -> None:
    for name in _categories(inside):
        patch = json.dumps({"metadata": {"finalizers": None}})
        inside("patch", name, "--type=merge", f"--patch={patch}")


def _categories(inside: Kubectl) -> list[str]:
    try:
        return inside("get", _FINALIZED, "--output=name").split()
    except SurroundingsError:  # there is no such kind
        return []


def _objects_of(kubectl: Kubectl, release: str) -> Iterator[str]:
    """Yield what Helm made for a release outside of namespaces, also what it is told to keep."""
    for kind in _SHARED:
        for one in kubectl.read(kind)["items"]:
            if _is_of(one, release):
                yield f"{kind}/{one['metadata']['name']}"


def _is_of(document: Any, release: str) -> bool:
    notes: dict[str, str] = document["metadata"].get("annotations", {})
    wanted = {
        "meta.helm.sh/release-name": release,
        "meta.helm.sh/release-namespace": release,
    }
    return wanted.items() <= notes.items()
