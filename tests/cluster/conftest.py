"""One cluster for all tests of this folder, ended after them, and a namespace for each module."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.kubectl import Kubectl
from tests.cluster.providers import Provider, choose, known_providers

HERE = Path(__file__).parent
FIRST_BUILD_SECONDS = 2 * 3600


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the first test the time to build a Kubernetes; later ones find it there."""
    for item in items:
        if item.path.parent == HERE and "provider" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(FIRST_BUILD_SECONDS))


@pytest.fixture(scope="session")
def provider() -> Iterator[Provider]:
    """A cluster that is up; ARTGRAB_CLUSTER_PROVIDER names another than the first that fits."""
    chosen = _chosen()
    chosen.up()
    yield chosen
    chosen.down()


def _chosen() -> Provider:
    name = os.environ.get("ARTGRAB_CLUSTER_PROVIDER", "auto")
    known = known_providers()
    wanted = list(known.values()) if name == "auto" else [known[name]]
    reasons = {one.name: one.unable() for one in wanted}
    if all(reasons.values()):
        if os.environ.get("ARTGRAB_NO_SKIPS") == "1":
            pytest.fail(f"no cluster here: {reasons}")
        pytest.skip(f"no cluster here: {reasons}")
    return choose(name)


@pytest.fixture(scope="module")
def kubectl(provider: Provider) -> Iterator[Kubectl]:
    """`kubectl` in a namespace of the module's own."""
    namespace = f"test-{uuid.uuid4().hex[:8]}"
    client = Kubectl(provider.tool("kubectl"), provider.kubeconfig(), namespace)
    client("create", "namespace", namespace)
    yield client
    client("delete", "namespace", namespace, "--wait=false", "--ignore-not-found")
