"""The local provider heals, ends and starts again, whatever was killed, and leaves nothing.

In this order: up twice, the API server killed, everything killed and up, down, up again,
everything killed and down.
"""

from pathlib import Path

import psutil
import pytest

from tests.cluster import firewall, hosts, leftovers
from tests.cluster.commands import wait_until
from tests.cluster.kubectl import Kubectl
from tests.cluster.layout import NODE_BRIDGE, POD_BRIDGE
from tests.cluster.local import LocalProvider
from tests.cluster.processes import end
from tests.cluster.providers import Provider, state_root

pytestmark = [
    pytest.mark.needs("local"),
    pytest.mark.needs("ending"),
    pytest.mark.xdist_group("ending"),
]


@pytest.fixture
def local(provider: Provider) -> LocalProvider:
    assert isinstance(provider, LocalProvider)
    provider.up()
    return provider


@pytest.fixture
def client(local: LocalProvider) -> Kubectl:
    return Kubectl(local.tool("kubectl"), local.kubeconfig(), "kube-system")


def _kill(local: LocalProvider, *names: str) -> None:
    doomed = [process for name in names if (process := local.processes.find(name))]
    assert len(doomed) == len(names)
    for process in doomed:
        process.kill()
    psutil.wait_procs(doomed, timeout=60)


def _traces(state: Path) -> dict[str, object]:
    """Return whatever a cluster could leave, empty where it left nothing."""
    devices = [name for name in (NODE_BRIDGE, POD_BRIDGE) if Path("/sys/class/net", name).exists()]
    return {
        "processes": LocalProvider(state).processes.all(),
        "mounts": leftovers.mounts_below(state),
        "devices": devices,
        "cgroups": hosts.kubepods(),
        "chains": sorted(set().union(*firewall.present().values())),
        "folders": [state] if state.exists() else [],
        "logs": [str(one) for one in Path("/var/log/containers").glob("*")],
        "device plugins": [str(one) for one in Path("/var/lib/kubelet").glob("*")],
        "results of CNI": [str(one) for one in Path("/var/lib/cni/results").glob("*")],
    }


def _nothing_but(chains: set[str]) -> dict[str, object]:
    empty: dict[str, object] = {key: [] for key in _traces(Path("/nowhere"))}
    return empty | {"chains": sorted(chains)}


def test_up_twice_starts_nothing_anew(local: LocalProvider) -> None:
    before = local.status()
    assert {state.partition(",")[0] for state in before.values()} == {"ready"}, before
    local.up()
    assert local.status() == before


def test_an_api_server_that_was_killed_starts_again_and_pods_notice_nothing(
    local: LocalProvider, client: Kubectl
) -> None:
    pods = client.restarts()
    _kill(local, "kube-apiserver")
    assert local.status()["kube-apiserver"] == "not running"
    local.up()
    assert local.status()["kube-apiserver"].startswith("ready")
    assert client.restarts() == pods


def test_a_cluster_whose_every_component_was_killed_is_healed(
    local: LocalProvider, client: Kubectl
) -> None:
    pods = client.restarts()
    _kill(local, *local.status())
    local.up()
    assert {state.partition(",")[0] for state in local.status().values()} == {"ready"}
    wait_until(lambda: client.restarts().keys() == pods.keys(), "the same pods are there")


def test_down_leaves_nothing_and_puts_settings_back(local: LocalProvider) -> None:
    remembered = hosts.remembered(state_root() / "local")
    local.down()
    kept = set().union(*(set(names) for names in remembered["chains"].values()))
    assert _traces(state_root() / "local") == _nothing_but(kept)
    settings = {name: hosts.read_sysctl(name) for name in remembered["sysctls"]}
    assert settings == remembered["sysctls"]
    local.down()


def test_up_works_again_after_down(provider: Provider) -> None:
    provider.down()
    assert provider.status() == {"cluster": "down"}
    provider.up()
    client = Kubectl(provider.tool("kubectl"), provider.kubeconfig(), "kube-system")
    assert len(client.restarts()) == 2


def test_down_leaves_nothing_after_a_crash_either(local: LocalProvider) -> None:
    remembered = hosts.remembered(state_root() / "local")
    end(local.processes.all(), grace_seconds=0)
    local.down()
    kept = set().union(*(set(names) for names in remembered["chains"].values()))
    assert _traces(state_root() / "local") == _nothing_but(kept)
