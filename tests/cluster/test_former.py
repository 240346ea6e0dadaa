"""What a killed session leaves in a cluster that is still up is gone before the next one begins."""

from collections.abc import Iterator
from typing import Any

import pytest

from artgrab.common.errors import SurroundingsError
from tests.cluster.builds import HERE
from tests.cluster.categories import category
from tests.cluster.former import LABEL, remove_former
from tests.cluster.kubectl import Kubectl

RELEASE = NAMESPACE = "artgrab-former"
OURS = "crd/artcategories.artgrab.dev"
RELIC = "crd/relics.artgrab-former.test"
CLUSTER_ROLE = f"clusterrole/{RELEASE}"
NOTES = {
    "meta.helm.sh/release-name": RELEASE,
    "meta.helm.sh/release-namespace": NAMESPACE,
}
WIKI = {"mediawiki": {"url": "https://commons.wikimedia.org/w/api.php"}}


@pytest.fixture
def left(kubectl: Kubectl) -> Iterator[None]:
    """A namespace with a category that nobody lets go, and what helm makes outside of it."""
    inside = Kubectl(kubectl.program, kubectl.kubeconfig, NAMESPACE)
    ours = OURS in kubectl("get", "crd", "--output=name").replace(
        "customresourcedefinition.apiextensions.k8s.io", "crd"
    )
    if not ours:
        folder = HERE.parents[1] / "k8s/crds"
        kubectl("apply", "--server-side", f"--filename={folder}/artcategories.yaml")
        kubectl.wait(OURS, "condition=Established")
    kubectl.apply(_namespace(), _cluster_role(), _relic())
    document = category("held", WIKI)
    document["metadata"]["finalizers"] = ["artgrab.dev/cleanup"]
    inside.apply(document)
    yield
    kubectl("delete", RELIC, CLUSTER_ROLE, *([] if ours else [OURS]), "--ignore-not-found")


def _namespace() -> dict[str, Any]:
    metadata = {"name": NAMESPACE, "labels": {LABEL: "cluster"}}
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
    remove_former(kubectl, release=RELEASE, namespace=NAMESPACE)


def test_the_session_begins_without_what_a_former_one_left(kubectl: Kubectl) -> None:
    assert not kubectl("get", "namespaces", f"--selector={LABEL}", "--output=name")


@pytest.mark.usefixtures("left")
def test_nothing_of_a_former_session_is_left(kubectl: Kubectl) -> None:
    _remove(kubectl)
    for name in (f"namespace/{NAMESPACE}", CLUSTER_ROLE, RELIC):
        with pytest.raises(SurroundingsError, match="NotFound"):
            kubectl("get", name)


def test_where_nothing_is_left_nothing_happens(kubectl: Kubectl) -> None:
    before = kubectl("get", "namespaces", "--output=name")
    _remove(kubectl)
    assert kubectl("get", "namespaces", "--output=name") == before
