"""A Kubernetes in Docker, by kind: for hosts with Docker, such as CI at GitHub."""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any

from artgrab.common.errors import SurroundingsError
from tests.cluster.builds import HERE
from tests.cluster.commands import progress, run, succeeds, wait_until
from tests.cluster.packages import host_folder
from tests.cluster.providers import BASE_IMAGE, Capabilities, state_root

CLUSTER = "artgrab-test"
NODE_IMAGE = "kindest/node:v1.34.0"
"""The Kubernetes of the local provider, give or take a patch."""
METRICS_IMAGE = "registry.k8s.io/metrics-server/metrics-server:v0.8.0"
PROGRAMS = ("docker", "kind", "kubectl", "helm")
UP_SECONDS = 900


class KindProvider:
    """See `Provider`. It takes kind, kubectl and helm from the path."""

    name = "kind"

    def __init__(self, state: Path | None = None) -> None:
        self._state = state or state_root() / self.name

    def unable(self) -> str:
        """Return in one line why this host cannot carry it, or nothing."""
        missing = [name for name in PROGRAMS if not shutil.which(name)]
        if missing:
            return f"not on the path: {', '.join(missing)}"
        if not succeeds("docker", "info", seconds=20):
            return "docker is there, but its daemon does not answer"
        return ""

    def exists(self) -> bool:
        """Return whether `up` wrote a kubeconfig."""
        return self.kubeconfig().exists()

    def prepare_host(self) -> None:
        """Docker is there, and all else comes in its images."""

    def up(
        self, *, images: Sequence[Path] = (), with_node: Callable[[], None] = lambda: None
    ) -> None:
        """Make the cluster unless there is one that answers."""
        if reason := self.unable():
            raise SurroundingsError(f"no kind cluster here: {reason}")
        if not self._answers():
            self.down()  # half a cluster of a run that was killed
            self._create()
        with_node()

    def _create(self) -> None:
        self._state.mkdir(parents=True, exist_ok=True, mode=0o700)
        options = (f"--image={NODE_IMAGE}", f"--kubeconfig={self.kubeconfig()}", "--wait=5m")
        given = json.dumps(_cluster())
        command = ("kind", "create", "cluster", f"--name={CLUSTER}", "--config=-", *options)
        run(*command, given=given, seconds=UP_SECONDS)

    def _answers(self) -> bool:
        return self.exists() and succeeds(*self._kubectl("get", "--raw", "/readyz"), seconds=20)

    def measure(self) -> None:
        """Bring metrics in, and wait until they answer."""
        self._apply("metrics-server")
        waiting = ("--namespace=kube-system", "rollout", "status", "--timeout=300s")
        run(*self._kubectl(*waiting, "deployment/metrics-server"), seconds=320)
        self._apply("metrics-api")

    def _apply(self, name: str) -> None:
        manifest = (HERE / f"manifests/{name}.yaml").read_text()
        text = Template(manifest).substitute(metrics_image=METRICS_IMAGE)
        run(*self._kubectl("apply", "--filename", "-"), given=text)

    def _kubectl(self, *words: str) -> tuple[str, ...]:
        return (self.tool("kubectl"), f"--kubeconfig={self.kubeconfig()}", *words)

    def load_image(self, archive: Path) -> None:
        """Make the images of an archive known to the nodes."""
        progress(f"loading {archive}")
        run("kind", "load", "image-archive", archive, f"--name={CLUSTER}", seconds=UP_SECONDS)

    def load_base_image(self) -> str:
        """Fetch the real thing and make it known to the nodes."""
        run("docker", "pull", "--quiet", BASE_IMAGE, seconds=UP_SECONDS)
        run("kind", "load", "docker-image", BASE_IMAGE, f"--name={CLUSTER}", seconds=UP_SECONDS)
        return BASE_IMAGE

    def kubeconfig(self) -> Path:
        """Return a kubeconfig of its own: the user's is left alone."""
        return self._state / "kubeconfig"

    def tool(self, name: str) -> str:
        """Return a program of the path."""
        return shutil.which(name) or name

    def restart_api_server(self) -> None:
        """Kill its container; the kubelet starts another."""
        crictl = ("docker", "exec", f"{CLUSTER}-control-plane", "crictl")
        before = run(*crictl, "ps", "--name=kube-apiserver", "--quiet").split()
        run(*crictl, "stop", "--timeout=0", *before)
        wait_until(self._answers, "the API server answers again", seconds=180, pause=1)

    def capabilities(self) -> Capabilities:
        """Its network enforces policies, since kind 0.24."""
        return Capabilities(network_policies=True, pod_autoscaling=True)

    def status(self) -> Mapping[str, str]:
        """Return whether the API server answers."""
        if not self.exists():
            return {"cluster": "down"}
        return {"cluster": "ready" if self._answers() else "not ready"}

    def down(self) -> None:
        """Delete the cluster, and half a one as well."""
        if shutil.which("kind"):
            words = ("--name", CLUSTER, "--kubeconfig", str(self.kubeconfig()))
            run("kind", "delete", "cluster", *words, seconds=UP_SECONDS)
        if self._state.exists():
            shutil.rmtree(self._state)


def _cluster() -> dict[str, Any]:
    """The node has this host's Python packages under the path that they have here."""
    folder = str(host_folder())
    mount = {"hostPath": folder, "containerPath": folder, "readOnly": True}
    return {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "nodes": [{"role": "control-plane", "extraMounts": [mount]}],
    }
