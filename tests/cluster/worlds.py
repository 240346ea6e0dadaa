"""The demo world as pods: the sites that a cluster's scrapers and downloaders visit."""

import json
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from artgrab.common.errors import SurroundingsError
from artgrab.common.urls import candidate_id
from tests.cluster.commands import wait_until
from tests.cluster.forwards import Forward, forwarded
from tests.cluster.kubectl import Kubectl
from tests.world.cache import cache_root
from tests.world.hosts import Gallery, Listing, plan_hosts
from tests.world.pages import View, chosen
from tests.world.pictures import catalogue
from tests.world.sites import LOG_HOST, SeenRequest

PORT = 8080
DOWN = "down.test"
"""A site at which nobody listens."""
_NAME = "world"
_LABELS = {"app.kubernetes.io/name": _NAME}
_RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "runAsUser": 10001,
    "seccompProfile": {"type": "RuntimeDefault"},
}


class WorldPods:
    """The world in its namespace, and what it saw."""

    def __init__(self, kubectl: Kubectl, forward: Forward) -> None:
        self._kubectl = kubectl
        self._forward = forward

    @cached_property
    def _address(self) -> str:
        return str(self._kubectl.read("service", _NAME)["spec"]["clusterIP"])

    @property
    def resolve(self) -> dict[str, str]:
        """Where all hosts of the world are, for pods."""
        return {f"*.{DOWN}": "127.0.0.1:9", "*.test": f"{self._address}:{PORT}"}

    @property
    def allowed_targets(self) -> list[str]:
        """Where pods must be let to: policies see the pod behind the Service's address."""
        pods = self._kubectl.read("pods", f"--selector=app.kubernetes.io/name={_NAME}")["items"]
        addresses = [self._address, *(pod["status"]["podIP"] for pod in pods)]
        return [f"{address}/32:{PORT}" for address in addresses]

    def requests(self, *, host: str = "*", path: str = "*") -> list[SeenRequest]:
        """Return the requests answered so far whose host and path match the shell patterns."""
        query = urllib.parse.urlencode({"host": host, "path": path})
        found: list[list[dict[str, Any]]] = []

        def answered() -> bool:
            try:
                found.append(self._ask(f"/requests?{query}"))
            except (OSError, SurroundingsError):
                return False
            return True

        wait_until(answered, "the world tells its requests", seconds=60, pause=0.5)
        return [SeenRequest(**one) for one in found[-1]]

    def _ask(self, path: str) -> Any:
        url = f"http://{self._forward.address}{path}"
        request = urllib.request.Request(url, headers={"Host": LOG_HOST})
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    @cached_property
    def galleries(self) -> Mapping[str, Gallery]:
        """All galleries by host: pods have the pictures of this host's cache."""
        return plan_hosts(catalogue(cache_root())).galleries


def published(listings: Sequence[Listing]) -> dict[str, str]:
    """Return the digest of each picture's bytes by the id of its URL."""
    return {candidate_id(one.image_url).hex(): one.picture.sha256 for one in listings}


def shown(gallery: Gallery, *, query: str = "", limit: int | None = None) -> Sequence[Listing]:
    """Return what a gallery shows to whoever asks for this."""
    return chosen(gallery, View(query=query, limit=limit))


def start_world(kubectl: Kubectl, image: str) -> None:
    """Start the world in the client's namespace; returns when it answers."""
    kubectl.apply(_deployment(image), _service())
    kubectl.wait(f"deployment/{_NAME}", "condition=Available")


@contextmanager
def world_pods(kubectl: Kubectl) -> Iterator[WorldPods]:
    """Yield the world that was started in the client's namespace."""
    with forwarded(kubectl, f"deployment/{_NAME}", PORT) as forward:
        yield WorldPods(kubectl, forward)


def _service() -> dict[str, Any]:
    spec = {"selector": _LABELS, "ports": [{"port": PORT, "targetPort": PORT}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": _NAME}, "spec": spec}


def _deployment(image: str) -> dict[str, Any]:
    headers = [{"name": "Host", "value": LOG_HOST}]
    probe = {"path": "/requests?host=nobody", "port": PORT, "httpHeaders": headers}
    container = {
        "name": _NAME,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "readinessProbe": {"httpGet": probe, "periodSeconds": 1, "timeoutSeconds": 10},
        # It notes when it was asked, so it must not wait for the processors as others may.
        "resources": {"requests": {"cpu": "400m", "memory": "128Mi"}},
        "securityContext": _RESTRICTED,
    }
    pod = {
        "containers": [container],
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 1,
    }
    template = {"metadata": {"labels": _LABELS}, "spec": pod}
    spec = {"replicas": 1, "selector": {"matchLabels": _LABELS}, "template": template}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": _NAME},
        "spec": spec,
    }
