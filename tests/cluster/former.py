"""What a session that was killed left in a cluster that is still up, and its removal."""

import json
from collections.abc import Iterator
from typing import Any

from artgrab.common.errors import SurroundingsError
from tests.cluster.commands import progress, run
from tests.cluster.kubectl import Kubectl

LABEL = "artgrab.dev/session"
"""Marks each namespace, and each volume, of the tests on an installation."""
_SHARED = ("clusterroles", "clusterrolebindings", "customresourcedefinitions")
"""Kinds of objects of a chart that lie in no namespace."""
_GOING_SECONDS = 180
_FINALIZED = "artcategories.artgrab.dev"


def remove_former(kubectl: Kubectl, *, helm: str, release: str, namespace: str) -> None:
    """Remove namespaces, release and whatever else a former session left; none is no error."""
    left = kubectl("get", "namespaces", f"--selector={LABEL}", "--output=name").split()
    if left:
        progress(f"removing what a former session left: {', '.join(left)}")
    _uninstall(kubectl, helm=helm, release=release, namespace=namespace)
    for name in left:
        _empty(Kubectl(kubectl.program, kubectl.kubeconfig, name.removeprefix("namespace/")))
    for name in [*left, *_objects_of(kubectl, release=release, namespace=namespace)]:
        kubectl("delete", name, "--ignore-not-found", "--wait=false")
    for name in left:
        kubectl.wait(name, "delete")
    kubectl("delete", "persistentvolumes", f"--selector={LABEL}")


def _uninstall(kubectl: Kubectl, *, helm: str, release: str, namespace: str) -> None:
    run(
        helm,
        f"--kubeconfig={kubectl.kubeconfig}",
        f"--namespace={namespace}",
        "uninstall",
        release,
        "--ignore-not-found",
        "--no-hooks",
        seconds=_GOING_SECONDS,
    )


def _empty(inside: Kubectl) -> None:
    """Take off finalizers, which nobody is left to do, and end pods without their grace."""
    for name in _categories(inside):
        patch = json.dumps({"metadata": {"finalizers": None}})
        inside("patch", name, "--type=merge", f"--patch={patch}")
    inside("delete", "jobs,pods", "--all", "--grace-period=0", "--force", "--wait=false")


def _categories(inside: Kubectl) -> list[str]:
    try:
        return inside("get", _FINALIZED, "--output=name").split()
    except SurroundingsError:  # there is no such kind
        return []


def _objects_of(kubectl: Kubectl, *, release: str, namespace: str) -> Iterator[str]:
    """Yield what Helm made for a release outside of namespaces, also what it is told to keep."""
    for kind in _SHARED:
        for one in kubectl.read(kind)["items"]:
            if _is_of(one, release=release, namespace=namespace):
                yield f"{kind}/{one['metadata']['name']}"


def _is_of(document: Any, *, release: str, namespace: str) -> bool:
    notes: dict[str, str] = document["metadata"].get("annotations", {})
    wanted = {
        "meta.helm.sh/release-name": release,
        "meta.helm.sh/release-namespace": namespace,
    }
    return wanted.items() <= notes.items()
