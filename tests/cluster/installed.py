"""artgrab installed by its chart beside the demo world, and what tests ask of both."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from artgrab.common.store import Store
from tests.cluster.commands import wait_until
from tests.cluster.former import LABEL, SESSION, remove_former
from tests.cluster.forwards import Forward, forwarded
from tests.cluster.holdings import Holding, look, recorded
from tests.cluster.images import Images
from tests.cluster.kubectl import Kubectl
from tests.cluster.learning import learning
from tests.cluster.packages import learning_values, offer_packages
from tests.cluster.providers import Provider
from tests.cluster.releases import Release, changed
from tests.cluster.sharing import Shared
from tests.cluster.storage import empty_storage_folder, offer_storage, remove_storage_folder
from tests.cluster.worlds import WorldPods, start_world, world_pods

RELEASE = "artgrab-test"
SYSTEM = RELEASE
"""Namespace of operator, downloaders and object store."""
README_RELEASE = "artgrab"
"""Release and namespace of the README."""
PICTURES = "artgrab-test-pictures"
"""Namespace of most categories."""
APART = "artgrab-test-apart"
"""Namespace of a classifier with categories of its own."""
WORLD = "artgrab-test-world"
FLEETING = "artgrab-test-fleeting"
"""Namespace that a test makes and deletes."""
NAMESPACES = (SYSTEM, PICTURES, APART, WORLD, FLEETING)

OPERATOR = f"{RELEASE}-operator"
DOWNLOADER = f"{RELEASE}-downloader"
DOWNLOADER_PORT = 50051
SPACING_SECONDS = 1.0
"""Between two requests to one site: what makes a run of some pictures last."""
LATE_SECONDS = 0.75
"""By which a busy machine may delay a request on its way to a site; 0.5 has been seen."""
PATIENCE_SECONDS = 180
MOST_PODS = 3

_BUCKET, _S3_PORT = "artgrab", 8333
_ACCESS_KEY, _SECRET_KEY = "TESTKEY", "secret-of-the-test-key"  # of a server of ours
_RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"


@dataclass(frozen=True)
class Ground:
    """What a release finds there: images, the world, and namespaces; `kubectl` is in PICTURES."""

    images: Images
    kubectl: Kubectl
    world: WorldPods


@dataclass(frozen=True)
class Installation:
    """A release, its store and the world; `kubectl` is in the namespace of most categories."""

    provider: Provider
    shared: Shared
    images: Images
    kubectl: Kubectl
    system: Kubectl
    world: WorldPods
    forward: Forward
    opened: Store
    release: Release
    values: Mapping[str, Any]
    """Of the release as it was installed."""

    @property
    def store(self) -> Store:
        """The object store, reached anew where the way to it has broken."""
        assert self.forward.port
        return self.opened

    def inside(self, namespace: str) -> Kubectl:
        """Return kubectl in another namespace."""
        return Kubectl(self.kubectl.program, self.kubectl.kubeconfig, namespace)

    def status(self, category: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.kubectl.read("artcategory", category).get("status", {})
        return found

    def condition(self, category: str, kind: str = "Ready") -> Mapping[str, str]:
        """Return a condition of a category, empty where it has none yet."""
        conditions = self.status(category).get("conditions", ())
        return next((one for one in conditions if one["type"] == kind), {})

    def wait_ready(self, *categories: str) -> None:
        """Return when all of them are Ready."""
        for name in categories:
            self.kubectl.wait(f"artcategory/{name}", "condition=Ready")

    def wait_reason(self, category: str, reason: str) -> None:
        """Return when the Ready condition has this reason."""
        self.kubectl.wait(f"artcategory/{category}", f"jsonpath={_reason_path()}={reason}")

    def holding(self, category: str) -> Holding:
        """Look at all that the store has of a category."""
        return look(self.store, namespace=PICTURES, category=category)

    def wait_recorded(self, category: str, count: int) -> None:
        """Return when so many candidates have a record."""
        self.wait_until(
            lambda: recorded(self.store, namespace=PICTURES, category=category) >= count,
            f"{category} has {count} records",
        )

    def wait_until(self, condition: Callable[[], object], what: str) -> None:
        """Wait for what no watch tells: what the store has, what the sites saw."""
        wait_until(condition, what, seconds=PATIENCE_SECONDS, pause=0.3)

    def install(self) -> None:
        """Install the release again, after it was uninstalled."""
        self.release.install(self.values)
        self.forward.close()  # it leads to the pod of the store before

    def upgrade(self, **changes: Any) -> None:
        """Upgrade the release to some other values, while no test needs it as it is."""
        with self.shared.turn("release"):
            self.release.upgrade(changed(self.values, **changes))

    def pods(self, component: str, *, namespace: str = SYSTEM) -> list[Any]:
        """Return the pods of a component that are not about to end."""
        selector = f"--selector=app.kubernetes.io/component={component}"
        found = self.inside(namespace).read("pods", selector)["items"]
        return [one for one in found if "deletionTimestamp" not in one["metadata"]]


def _reason_path() -> str:
    return '{.status.conditions[?(@.type=="Ready")].reason}'


def install(provider: Provider, images: Images, shared: Shared) -> None:
    """Install all of it."""
    with prepared(provider, images, shared) as found:
        system = _namespace(_admin(provider), SYSTEM)
        folder = empty_storage_folder()
        offer_storage(system, folder, claim=f"data-{RELEASE}-object-store-0")
        _release(provider).install(_values_of_all(images, found.world))


@contextmanager
def prepared(provider: Provider, images: Images, shared: Shared) -> Iterator[Ground]:
    """Yield what a release finds there, made by whoever comes first."""
    admin = _admin(provider)
    world = begin_world(admin, images, shared)
    shared.once("namespaces", lambda: _make_namespaces(admin))
    with world_pods(world) as pods:
        yield Ground(images, _inside(provider, PICTURES), pods)


def _make_namespaces(admin: Kubectl) -> None:
    for name in (PICTURES, APART):
        make_namespace(admin, name)
        offer_packages(admin, name)


def begin_world(admin: Kubectl, images: Images, shared: Shared) -> Kubectl:
    """Start the world unless another test has; return kubectl in its namespace."""
    shared.once("world", lambda: start_world(_namespace(admin, WORLD), images.world))
    return Kubectl(admin.program, admin.kubeconfig, WORLD)


@contextmanager
def installation(provider: Provider, images: Images, shared: Shared) -> Iterator[Installation]:
    """Yield what was installed, as one process of the tests uses it."""
    kubectl, system, world = (_inside(provider, name) for name in (PICTURES, SYSTEM, WORLD))
    with ExitStack() as stack:
        pods = stack.enter_context(world_pods(world))
        forward = stack.enter_context(
            forwarded(system, f"service/{RELEASE}-object-store", _S3_PORT)
        )
        store = stack.enter_context(_opened(forward))
        yield Installation(
            provider=provider,
            shared=shared,
            images=images,
            kubectl=kubectl,
            system=system,
            world=pods,
            forward=forward,
            opened=store,
            release=_release(provider),
            values=_values_of_all(images, pods),
        )


def _release(provider: Provider) -> Release:
    return Release(provider.tool("helm"), provider.kubeconfig(), RELEASE, SYSTEM)


def load_images(provider: Provider, images: Images) -> None:
    """Make our images known to the nodes."""
    images.load_into(provider, known=_known_images(_admin(provider)))


def removed(provider: Provider) -> None:
    """Remove all installations of tests from a cluster, also those of a session that was killed."""
    admin = _admin(provider)
    remove_former(admin, session=SESSION, releases=(RELEASE, README_RELEASE))
    remove_storage_folder()


def _admin(provider: Provider) -> Kubectl:
    return _inside(provider, "default")


def _inside(provider: Provider, namespace: str) -> Kubectl:
    return Kubectl(provider.tool("kubectl"), provider.kubeconfig(), namespace)


def _known_images(admin: Kubectl) -> set[str]:
    """Return the names of images that every node says it has."""
    nodes = admin.read("nodes")["items"]
    found = [
        {name for one in node["status"]["images"] for name in one.get("names") or ()}
        for node in nodes
    ]
    return set.intersection(*found)


def _namespace(admin: Kubectl, name: str) -> Kubectl:
    make_namespace(admin, name)
    return Kubectl(admin.program, admin.kubeconfig, name)


def make_namespace(admin: Kubectl, name: str) -> None:
    """Make a namespace that enforces the restricted profile and is known to be of the tests."""
    key, _, value = _RESTRICTED.partition("=")
    labels = {LABEL: SESSION, key: value}
    admin.apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
    )


def _values_of_all(images: Images, world: WorldPods) -> dict[str, Any]:
    """Return the values of the release: also what learns, and a store that outlives a release."""
    kept = {"embedded": {"persistence": {"enabled": True}}}
    chosen = changed(values(images, world), objectStore=kept)
    packages = learning_values(images.learning)
    return changed(changed(chosen, **packages), **learning(PICTURES, APART))


def values(images: Images, world: WorldPods) -> dict[str, Any]:
    """Return the values of the release: small, polite, and quick to follow load."""
    return {
        "image": {"registry": images.registry, "tag": images.tag, "pullPolicy": "Never"},
        "logLevel": "INFO",
        "operator": {"resources": _requests("20m", "96Mi")},
        "scraper": {"resources": _requests("50m", "256Mi"), "backoffLimit": 1},
        "downloader": {
            "resources": _requests("50m", "256Mi"),
            "autoscaling": _autoscaling(),
            "settings": {
                "hostSpacingSeconds": SPACING_SECONDS,
                "decodeWorkers": 1,
                "resolveSeconds": 5,  # twice the two seconds for which CoreDNS keeps an answer
            },
        },
        "objectStore": {
            "embedded": {
                "enabled": True,
                "image": images.object_store,
                "bucket": _BUCKET,
                "accessKey": _ACCESS_KEY,
                "secretKey": _SECRET_KEY,
                "persistence": {"enabled": False},
                "size": "1Gi",
                "resources": _requests("50m", "128Mi"),
            }
        },
        "network": {
            "contact": "https://artgrab.test/",
            "resolve": world.resolve,
            "allowedTargets": world.allowed_targets,
        },
        "networkPolicies": {"namespaces": [PICTURES, APART]},
    }


def _requests(cpu: str, memory: str) -> dict[str, Any]:
    return {"requests": {"cpu": cpu, "memory": memory}}


def _autoscaling() -> dict[str, Any]:
    """More pods at a little load, and fewer soon after it: a cluster that lasts would wait."""
    policies = [{"type": "Pods", "value": MOST_PODS, "periodSeconds": 5}]
    behavior = {"stabilizationWindowSeconds": 5, "policies": policies}
    return {
        "enabled": True,
        "minReplicas": 2,
        "maxReplicas": MOST_PODS,
        "targetCPUUtilizationPercentage": 80,
        "behavior": {"scaleUp": behavior, "scaleDown": behavior},
    }


@contextmanager
def _opened(forward: Forward) -> Iterator[Store]:
    """Open the object store as any artgrab would, by the environment."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in _environment(forward).items():
            patch.setenv(name, value)
        yield Store.open(f"s3://{_BUCKET}")


def _environment(forward: Forward) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": _ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": _SECRET_KEY,
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_S3": f"http://{forward.address}",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
