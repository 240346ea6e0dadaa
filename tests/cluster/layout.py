"""Where things of the local cluster lie, and which addresses and names are its own."""

from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

NETWORK = IPv4Network("10.199.0.0/16")
"""All addresses of the cluster; nothing else on the host may route here."""
NODE_ADDRESS = "10.199.0.1"
POD_RANGE = "10.199.1.0/24"
SERVICE_RANGE = "10.199.128.0/17"
API_SERVICE_ADDRESS = "10.199.128.1"
"""The first of SERVICE_RANGE, by Kubernetes' own rule."""
DNS_ADDRESS = "10.199.128.10"
LOOPBACK = "127.77.0.1"
"""For ports that only this host needs: standard ports, yet no clash with anybody on 127.0.0.1."""
NODE_NAME = "node0"
NODE_BRIDGE = "artgrab-node"
POD_BRIDGE = "artgrab-pods"
POD_NETWORK = "artgrab-pods"
API_SERVER = f"https://{NODE_ADDRESS}:6443"
PAUSE_IMAGE = "localhost/artgrab/pause:1"


@dataclass(frozen=True)
class Layout:
    """The folders of one cluster: `state` is its own, `programs` is shared and read only."""

    state: Path
    programs: Path

    @property
    def pki(self) -> Path:
        return self.state / "pki"

    @property
    def config(self) -> Path:
        return self.state / "config"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def containerd_root(self) -> Path:
        """Where it keeps images and what containers write."""
        return self.state / "containerd/root"

    @property
    def containerd_socket(self) -> Path:
        return self.state / "containerd.sock"

    @property
    def kubeconfig(self) -> Path:
        return self.config / "admin.kubeconfig"

    def has_loaded(self, archive: Path) -> bool:
        """Return whether an archive of the cache was loaded: its path tells its content."""
        return self._loaded(archive).exists()

    def note_loaded(self, archive: Path) -> None:
        """Remember that an archive of the cache was loaded."""
        self._loaded(archive).parent.mkdir(exist_ok=True)
        self._loaded(archive).touch()

    def _loaded(self, archive: Path) -> Path:
        return self.state / "loaded" / f"{archive.parent.name}-{archive.name}"

    def program(self, name: str) -> str:
        return str(self.programs / name)

    def values(self) -> dict[str, str]:
        """Return what the templates in config/ and manifests/ may name."""
        return {
            "state": str(self.state),
            "pki": str(self.pki),
            "config": str(self.config),
            "containerd_root": str(self.containerd_root),
            "containerd_socket": str(self.containerd_socket),
            "node_address": NODE_ADDRESS,
            "node_name": NODE_NAME,
            "pod_range": POD_RANGE,
            "pod_bridge": POD_BRIDGE,
            "pod_network": POD_NETWORK,
            "dns_address": DNS_ADDRESS,
            "loopback": LOOPBACK,
            "pause_image": PAUSE_IMAGE,
        }
