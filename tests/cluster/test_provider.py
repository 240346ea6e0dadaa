"""Any provider's cluster is a real Kubernetes: what our charts and tests stand on works.

Node, a pod to its end with its log, a Deployment behind a Service with DNS, exec, metrics and an
autoscaler that reads them, and admission that refuses what the restricted profile forbids.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from artgrab.common.errors import SurroundingsError
from tests.cluster.builds import kubernetes_version
from tests.cluster.commands import run
from tests.cluster.kubectl import Kubectl
from tests.cluster.providers import Provider

RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "runAsUser": 10001,
    "seccompProfile": {"type": "RuntimeDefault"},
    "readOnlyRootFilesystem": True,
}
ANSWER = "who asks the name is answered"
SERVER = f"""
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write({ANSWER!r}.encode())
http.server.ThreadingHTTPServer(("", 8080), Handler).serve_forever()
"""

ASKING = """
import time, urllib.request
deadline = time.monotonic() + 60
while True:  # a Service is not known to the node in the moment in which its pods are ready
    try:
        print(urllib.request.urlopen({url!r}, timeout=30).read())
        break
    except OSError:
        if time.monotonic() > deadline:
            raise
        time.sleep(0.2)  # nothing tells a pod that a Service is known
"""


@pytest.fixture(scope="module")
def image(provider: Provider) -> str:
    return provider.load_base_image()


@pytest.fixture(scope="module")
def web(kubectl: Kubectl, image: str) -> str:
    """A Deployment of two behind a Service of the same name."""
    labels = {"app": "web"}
    container = _container(image, SERVER)
    container["resources"] = {"requests": {"cpu": "10m", "memory": "32Mi"}}
    container["readinessProbe"] = {"httpGet": {"port": 8080}, "periodSeconds": 1}
    template = {"metadata": {"labels": labels}, "spec": _pod_spec(container, "Always")}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
    service = {"selector": labels, "ports": [{"port": 80, "targetPort": 8080}]}
    kubectl.apply(
        _document("apps/v1", "Deployment", "web", spec), _document("v1", "Service", "web", service)
    )
    kubectl.wait("deployment/web", "condition=Available")
    return "web"


def _container(image: str, code: str) -> dict[str, Any]:
    return {
        "name": "main",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-u", "-c", code],
        "securityContext": RESTRICTED,
    }


def _pod_spec(container: Mapping[str, Any], restart: str) -> dict[str, Any]:
    return {
        "containers": [container],
        "restartPolicy": restart,
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 1,
    }


def _document(version: str, kind: str, name: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec}


def _run_to_end(kubectl: Kubectl, name: str, image: str, code: str) -> str:
    """Run a pod and return its log."""
    spec = _pod_spec(_container(image, code), "Never")
    kubectl.apply(_document("v1", "Pod", name, spec))
    kubectl.wait(f"pod/{name}", "jsonpath={.status.phase}=Succeeded")
    return kubectl("logs", name)


def test_the_node_is_ready_and_of_the_version_that_is_pinned(kubectl: Kubectl) -> None:
    nodes = kubectl.read("nodes")["items"]
    conditions = {one["type"]: one["status"] for one in nodes[0]["status"]["conditions"]}
    assert conditions["Ready"] == "True"
    minor = kubernetes_version().rpartition(".")[0]
    assert nodes[0]["status"]["nodeInfo"]["kubeletVersion"].startswith(minor)


def test_a_pod_runs_to_its_end_and_its_log_can_be_read(kubectl: Kubectl, image: str) -> None:
    log = _run_to_end(kubectl, "greets", image, "import os; print('done by', os.getuid())")
    assert log == "done by 10001\n"


def test_a_pod_finds_a_service_by_name(kubectl: Kubectl, image: str, web: str) -> None:
    assert ANSWER in _run_to_end(kubectl, "asks", image, ASKING.format(url=f"http://{web}"))


def test_commands_run_in_a_pod_of_a_deployment(kubectl: Kubectl, web: str) -> None:
    deployment = kubectl.read("deployment", web)
    assert deployment["status"]["readyReplicas"] == 2
    assert kubectl("exec", f"deployment/{web}", "--", "python3", "-c", "print(6 * 7)") == "42\n"


@pytest.mark.usefixtures("measured")
def test_pods_can_be_measured(kubectl: Kubectl, web: str) -> None:
    rows = kubectl.wait_for_answer("top", "pods", "--selector=app=web", "--no-headers")
    assert rows.startswith("web-")
    assert "Mi" in rows


@pytest.mark.usefixtures("measured")
def test_an_autoscaler_reads_the_measurements(kubectl: Kubectl, web: str) -> None:
    kubectl("autoscale", "deployment", web, "--min=1", "--max=3", "--cpu=50%")
    try:
        kubectl.wait(f"horizontalpodautoscaler/{web}", "condition=ScalingActive")
    finally:
        kubectl("delete", "horizontalpodautoscaler", web)


def test_a_restricted_namespace_refuses_a_pod_of_root(kubectl: Kubectl, image: str) -> None:
    label = "pod-security.kubernetes.io/enforce"
    kubectl("label", "namespace", kubectl.namespace, f"{label}=restricted")
    container = _container(image, "print('never')")
    container["securityContext"] = RESTRICTED | {"runAsNonRoot": False, "runAsUser": 0}
    document = _document("v1", "Pod", "root", _pod_spec(container, "Never"))
    try:
        with pytest.raises(SurroundingsError, match=r"violates PodSecurity.*runAsNonRoot"):
            kubectl.apply(document)
        assert _run_to_end(kubectl, "restricted", image, "print('let in')") == "let in\n"
    finally:
        kubectl("label", "namespace", kubectl.namespace, f"{label}-")


def test_the_kubeconfig_is_for_its_owner_only(provider: Provider) -> None:
    kubeconfig = provider.kubeconfig()
    assert not kubeconfig.stat().st_mode & 0o077 or not _others_get_to(kubeconfig)


def _others_get_to(path: Path) -> bool:
    return all(folder.stat().st_mode & 0o001 for folder in path.parents)


def test_helm_speaks_to_the_cluster(provider: Provider, kubectl: Kubectl) -> None:
    listed = run(
        provider.tool("helm"),
        f"--kubeconfig={kubectl.kubeconfig}",
        f"--namespace={kubectl.namespace}",
        "list",
        "--output=json",
    )
    assert json.loads(listed) == []
