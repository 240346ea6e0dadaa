"""Pods reach what they need and nothing else, where the cluster's network enforces policies."""

import uuid
from collections.abc import Mapping
from typing import Any

import pytest

from tests.cluster.installed import DOWNLOADER, RELEASE, SYSTEM, Installation

pytestmark = pytest.mark.needs("network_policies")

SCRAPER = {
    "app.kubernetes.io/name": "artgrab",
    "app.kubernetes.io/part-of": "artgrab",
    "app.kubernetes.io/component": "scraper",
    "app.kubernetes.io/managed-by": "artgrab-operator",
}
STRANGER: Mapping[str, str] = {"app": "stranger"}
DOWNLOADERS = f"{DOWNLOADER}.{SYSTEM}.svc:50051"
OBJECT_STORE = f"{RELEASE}-object-store.{SYSTEM}.svc:8333"
API_SERVER = "kubernetes.default.svc:443"
ASKING = """
import socket, sys
host, _, port = sys.argv[1].rpartition(":")
try:
    socket.create_connection((host, int(port)), timeout=5)
except OSError as error:
    print("not reached:", error)
else:
    print("reached")
"""
RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "runAsUser": 10001,
    "seccompProfile": {"type": "RuntimeDefault"},
}


@pytest.mark.parametrize(
    ("labels", "endpoint", "reached"),
    [
        (SCRAPER, DOWNLOADERS, True),
        (SCRAPER, OBJECT_STORE, False),
        (SCRAPER, API_SERVER, False),
        (STRANGER, DOWNLOADERS, False),
        (STRANGER, OBJECT_STORE, False),
    ],
)
def test_who_reaches_what(
    installed: Installation, labels: Mapping[str, str], endpoint: str, reached: bool
) -> None:
    said = _ask(installed, labels, endpoint)
    assert said.startswith("reached" if reached else "not reached"), said


def _ask(installed: Installation, labels: Mapping[str, str], endpoint: str) -> str:
    """Return what a pod with such labels says of an endpoint."""
    name = f"asks-{uuid.uuid4().hex[:8]}"
    container = {
        "name": "asks",
        "image": installed.provider.load_base_image(),
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-c", ASKING, endpoint],
        "securityContext": RESTRICTED,
    }
    spec: dict[str, Any] = {
        "containers": [container],
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
    }
    metadata = {"name": name, "labels": dict(labels)}
    installed.kubectl.apply({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    try:
        installed.kubectl.wait(f"pod/{name}", "jsonpath={.status.phase}=Succeeded")
        return installed.kubectl("logs", name)
    finally:
        installed.kubectl("delete", "pod", name, "--now")
