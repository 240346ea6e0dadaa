"""A Kubernetes of one node on this very host: no Docker, no virtual machine, but root."""

import fcntl
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from string import Template

from artgrab.common.errors import SurroundingsError
from tests.cluster import builds, components, hosts, leftovers, stock
from tests.cluster.base_image import ensure_base_image
from tests.cluster.commands import progress, run, succeeds, wait_until
from tests.cluster.layout import NODE_ADDRESS, NODE_BRIDGE, NODE_NAME, Layout
from tests.cluster.pki import ensure_pki
from tests.cluster.processes import Component, Processes, answers, end
from tests.cluster.providers import BASE_IMAGE, Capabilities, state_root

METRICS_IMAGE = "localhost/artgrab/metrics-server:1"
SECONDARY = (
    components.controller_manager,
    components.scheduler,
    components.kubelet,
    components.proxy,
)
ALL = (components.containerd, components.etcd, components.apiserver, *SECONDARY)


class LocalProvider:
    """See `Provider`. Two calls at once wait for each other."""

    name = "local"

    def __init__(self, state: Path | None = None) -> None:
        self._state = state or state_root() / self.name
        self._lock = self._state.with_suffix(".lock")
        self.processes = Processes(self._state)

    def unable(self) -> str:
        """Return in one line why this host cannot carry it, or nothing."""
        return hosts.reason_against(hosts.this_host(ours=self.exists()))

    def exists(self) -> bool:
        """Return whether something of it is here, be it only the rest of a crash."""
        return (self._state / "host.json").exists()

    def prepare_host(self) -> None:
        """Install packages where some are missing."""
        if reason := self.unable():
            raise SurroundingsError(f"no local cluster here: {reason}")
        hosts.install_packages()

    def up(
        self, *, images: Sequence[Path] = (), with_node: Callable[[], None] = lambda: None
    ) -> None:
        """Make the cluster complete, whatever is there of it already."""
        started = time.monotonic()
        self.prepare_host()
        built = builds.ensure_built()
        with self._alone():
            self._replace_other_build(built)
            layout = Layout(self._state, built.programs)
            if images:
                archives = (*built.archives, ensure_base_image(), *images)
                stock.lay_in(layout, self.processes, archives, cache=builds.cluster_cache())
            self._start_node(layout, built)
            with_node()
            self._apply(layout, "dns", "metrics-server")
            self._wait_deployment("coredns")
        progress(f"{NODE_NAME} is Ready, after {time.monotonic() - started:.1f} s")

    def _replace_other_build(self, built: builds.Built) -> None:
        """A cluster of other programs than these goes first."""
        note = self._state / "build"
        if note.exists() and note.read_text() != built.digest:
            progress("ending the cluster of another build")
            self._end()
        self._state.mkdir(parents=True, exist_ok=True, mode=0o700)
        hosts.remember(self._state)
        if not note.exists():  # else another process may read it in this very moment
            note.write_text(built.digest)

    def _start_node(self, layout: Layout, built: builds.Built) -> None:
        ensure_pki(layout)
        components.write_config(layout)
        _ensure_network()
        self._start(layout, components.containerd, components.etcd)
        self._start(layout, components.apiserver)
        for archive in built.archives:
            self.load_image(archive)
        self._wait_roles(layout)
        self._start(layout, *SECONDARY)
        self._wait_node()

    def _start(self, layout: Layout, *makers: Callable[[Layout], Component]) -> None:
        """Start components side by side, then wait for each."""
        wanted = [maker(layout) for maker in makers]
        for component in wanted:
            self.processes.start(component)
        for component in wanted:
            self.processes.wait_ready(component)

    def _wait_roles(self, layout: Layout) -> None:
        """Return when the API server knows its own roles.

        It says that it is ready a moment before it does, and the controller-manager exits then.
        """
        configmap = ("get", "configmap", "extension-apiserver-authentication", "--output=name")
        kubeconfig = layout.config / "controller-manager.kubeconfig"
        asking = (
            layout.program("kubectl"),
            f"--kubeconfig={kubeconfig}",
            "--namespace=kube-system",
            *configmap,
        )
        wait_until(lambda: succeeds(*asking), "the API server knows its own roles")

    def _wait_node(self) -> None:
        ready = ("wait", "--for=condition=Ready", f"node/{NODE_NAME}", "--timeout=10s")
        try:
            wait_until(lambda: self._kubectl_succeeds(*ready), f"{NODE_NAME} is Ready", seconds=180)
        except SurroundingsError as error:
            raise SurroundingsError(f"{error}\n{self.processes.last_lines('kubelet')}") from None

    def measure(self) -> None:
        """Let the API server hand questions on to the metrics server, once that answers."""
        self._wait_deployment("metrics-server")
        self._apply(self._layout(), "metrics-api")
        available = ("wait", "--for=condition=Available", "apiservice/v1beta1.metrics.k8s.io")
        run(*self._kubectl(*available, "--timeout=180s"), seconds=200)
        run(*self._kubectl("api-resources"))  # kubectl remembers for hours what a server has

    def _apply(self, layout: Layout, *names: str) -> None:
        values = layout.values() | {"metrics_image": METRICS_IMAGE}
        for name in names:
            manifest = (builds.HERE / f"manifests/{name}.yaml").read_text()
            text = Template(manifest).substitute(values)
            run(*self._kubectl("apply", "--filename", "-"), given=text)

    def _wait_deployment(self, name: str) -> None:
        waiting = ("--namespace=kube-system", "rollout", "status", "--timeout=180s")
        run(*self._kubectl(*waiting, f"deployment/{name}"), seconds=200)

    def _kubectl(self, *words: str) -> tuple[str, ...]:
        return (self.tool("kubectl"), f"--kubeconfig={self.kubeconfig()}", *words)

    def _kubectl_succeeds(self, *words: str) -> bool:
        return succeeds(*self._kubectl(*words))

    def load_image(self, archive: Path) -> None:
        """Make the images of an OCI or docker archive known to the node; one of the cache once."""
        layout = self._layout()
        cached = archive.absolute().is_relative_to(builds.cluster_cache())
        if cached and layout.has_loaded(archive):
            return
        progress(f"loading {archive}")
        stock.import_image(layout.containerd_socket, archive)
        if cached:
            layout.note_loaded(archive)

    def load_base_image(self) -> str:
        """Make BASE_IMAGE if need be, and known to the node."""
        archive = ensure_base_image()
        with self._alone():
            self.load_image(archive)
        return BASE_IMAGE

    def _layout(self) -> Layout:
        digest = (self._state / "build").read_text() if self.exists() else "none"
        return Layout(self._state, builds.cluster_cache() / digest)

    def kubeconfig(self) -> Path:
        """Return the administrator's kubeconfig."""
        return self._layout().kubeconfig

    def tool(self, name: str) -> str:
        """Return the path of `kubectl`, or of `helm`, which is built the first time."""
        if name == "helm":
            return str(builds.ensure_helm())
        return self._layout().program(name)

    def restart_api_server(self) -> None:
        """Kill its process and start another."""
        with self._alone():
            layout = self._layout()
            if running := self.processes.find("kube-apiserver"):
                end([running], grace_seconds=0)
            self._start(layout, components.apiserver)
            self._wait_roles(layout)

    def capabilities(self) -> Capabilities:
        """NetworkPolicies are accepted, but nobody enforces them."""
        return Capabilities(network_policies=False, pod_autoscaling=True)

    def status(self) -> Mapping[str, str]:
        """Return whether each component runs and answers."""
        if not self.exists():
            return {"cluster": "down"}
        layout = self._layout()
        return {one.name: self._state_of(one) for one in (maker(layout) for maker in ALL)}

    def _state_of(self, component: Component) -> str:
        process = self.processes.find(component.name)
        if not process:
            return "not running"
        return f"{'ready' if answers(component.health) else 'not ready'}, process {process.pid}"

    def down(self) -> None:
        """End it and put the host back as it was."""
        with self._alone():
            self._end()

    def _end(self) -> None:
        """Without `host.json` nothing was started yet, and pods and rules are those of others."""
        if self.exists():
            leftovers.remove_all(self._state, self.processes)
        elif self._state.exists():
            shutil.rmtree(self._state)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self._lock.parent.mkdir(parents=True, exist_ok=True)
        with self._lock.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _ensure_network() -> None:
    """Make the bridge whose address is the node's; any kernel has one, not all a dummy device."""
    hosts.set_sysctl("net.ipv4.ip_forward", "1")
    if not Path("/sys/class/net", NODE_BRIDGE).exists():
        run("ip", "link", "add", NODE_BRIDGE, "type", "bridge")
    run("ip", "address", "replace", f"{NODE_ADDRESS}/24", "dev", NODE_BRIDGE)
    run("ip", "link", "set", NODE_BRIDGE, "up")
