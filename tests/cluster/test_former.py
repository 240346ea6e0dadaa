"""What a killed session leaves in a cluster that is still up is gone before the next one begins."""

from collections.abc import Iterator
from typing import Any

import pytest

from artgrab.common.errors import SurroundingsError
from tests.cluster.categories import category
from tests.cluster.former import LABEL, remove_former
from tests.cluster.kubectl import Kubectl

pytestmark = pytest.mark.xdist_group("former")

SESSION = RELEASE = NAMESPACE = "artgrab-former"
RELIC = "crd/relics.artgrab-former.test"
CLUSTER_ROLE = f"clusterrole/{RELEASE}"
NOTES = {
    "meta.helm.sh/release-name": RELEASE,
    "meta.helm.sh/release-namespace": NAMESPACE,
}
WIKI = {"mediawiki": {"url": "https://commons.wikimedia.org/w/api.php"}}


@pytest.fixture
def left(kubectl: Kubectl, definitions: None) -> Iterator[None]:
    """A namespace with a category that nobody lets go, and what helm makes outside of it."""
    inside = Kubectl(kubectl.program, kubectl.kubeconfig, NAMESPACE)
    kubectl.apply(_namespace(), _cluster_role(), _relic())
    document = category("held", WIKI)
    document["metadata"]["finalizers"] = ["artgrab.dev/cleanup"]
    inside.apply(document)
    yield
    kubectl("delete", RELIC, CLUSTER_ROLE, "--ignore-not-found")


def _namespace() -> dict[str, Any]:
    metadata = {"name": NAMESPACE, "labels": {LABEL: SESSION}}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def _cluster_role() -> dict[str, Any]:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": RELEASE, "annotations": NOTES},
        "rules": [],
    }


def _relic() -> dict[str, Any]:
    """A definition that a chart made."""
    schema = {"openAPIV3Schema": {"type": "object"}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    names = {"plural": "relics", "kind": "Relic"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": RELIC.removeprefix("crd/"), "annotations": NOTES},
        "spec": {
            "group": "artgrab-former.test",
            "scope": "Namespaced",
            "names": names,
            "versions": [version],
        },
    }


def _remove(kubectl: Kubectl) -> None:
    remove_former(kubectl, session=SESSION, releases=[RELEASE])


@pytest.mark.usefixtures("left")
def test_nothing_of_a_former_session_is_left(kubectl: Kubectl) -> None:
    _remove(kubectl)
    for name in (f"namespace/{NAMESPACE}", CLUSTER_ROLE, RELIC):
        with pytest.raises(SurroundingsError, match="NotFound"):
            kubectl("get", name)


@pytest.fixture
def foreign(kubectl: Kubectl) -> Iterator[str]:
    """A namespace of another session."""
    name = f"{NAMESPACE}-not"
    document = _namespace()
    document["metadata"] = {"name": name, "labels": {LABEL: name}}
    kubectl.apply(document)
    yield f"namespace/{name}"
    kubectl("delete", f"namespace/{name}", "--wait=false")


def test_what_another_session_has_stays(kubectl: Kubectl, foreign: str) -> None:
    _remove(kubectl)
    assert "deletionTimestamp" not in kubectl.read(foreign)["metadata"]
