"""One small interface to a real Kubernetes for tests, and the choice of who offers it."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from artgrab.common.errors import SurroundingsError

BASE_IMAGE = "docker.io/library/python:3.11-slim-bookworm"
"""What our Dockerfiles stand on. The local provider makes its like out of Debian packages."""


@dataclass(frozen=True)
class Capabilities:
    """What a cluster can do that not every one can; tests that need more are deselected by it."""

    network_policies: bool
    """NetworkPolicy objects are enforced, not only accepted."""
    pod_autoscaling: bool
    """There is a metrics API: `kubectl top` and HorizontalPodAutoscalers on CPU work."""


class Provider(Protocol):
    """A cluster of one kind on this host; all may be repeated.

    All but `prepare_host`, `up` and `measure` are quick.
    """

    name: str

    def unable(self) -> str:
        """Return in one line why this host cannot carry it, or nothing."""

    def exists(self) -> bool:
        """Return whether `up` was called and `down` was not, whatever became of it since."""

    def prepare_host(self) -> None:
        """Install what the cluster and the building of images need of this host; part of `up`."""

    def up(
        self, *, images: Sequence[Path] = (), with_node: Callable[[], None] = lambda: None
    ) -> None:
        """Return when the node is Ready and DNS answers; heal what is not running.

        `images` are archives of the cache that will be loaded: a new node may have them sooner.
        `with_node` is called in between, as soon as images can be loaded.

        Raises SurroundingsError, with the last lines of the log of whatever failed.
        """

    def measure(self) -> None:
        """Return when the pods of a cluster that is up are measured: 15 seconds after it."""

    def load_image(self, archive: Path) -> None:
        """Make the images of an OCI or docker archive known to the nodes."""

    def load_base_image(self) -> str:
        """Make BASE_IMAGE known to the nodes and return its name."""

    def kubeconfig(self) -> Path:
        """Return the file that lets one be the cluster's administrator."""

    def tool(self, name: str) -> str:
        """Return the path of `kubectl` or `helm` of a version that fits."""

    def restart_api_server(self) -> None:
        """Kill the API server and return when another answers; pods are left alone."""

    def capabilities(self) -> Capabilities:
        """Return what this cluster can do."""

    def status(self) -> Mapping[str, str]:
        """Return the state of each part."""

    def down(self) -> None:
        """End it and leave no process, mount, device or rule of it; done twice is no error."""


def state_root() -> Path:
    """Return `${ARTGRAB_STATE:-${XDG_STATE_HOME:-~/.local/state}/artgrab}/cluster`."""
    base = os.environ.get("ARTGRAB_STATE")
    if not base:
        base = os.path.join(os.environ.get("XDG_STATE_HOME") or "~/.local/state", "artgrab")
    return Path(base).expanduser().absolute() / "cluster"


def known_providers() -> dict[str, Provider]:
    """Return all there are, the preferred first."""
    from tests.cluster.kind import KindProvider  # they know this module
    from tests.cluster.local import LocalProvider

    return {"kind": KindProvider(), "local": LocalProvider()}


def choose(name: str = "auto") -> Provider:
    """Return the provider of that name; `auto` is the one that is up, else the first that can be.

    Raises SurroundingsError, with the reason of each, where none can be.
    """
    known = known_providers()
    if name != "auto":
        return known[name]
    up = (provider for provider in known.values() if provider.exists())
    return next(up, None) or _first_able(known)


def _first_able(known: Mapping[str, Provider]) -> Provider:
    reasons = {name: provider.unable() for name, provider in known.items()}
    for name, reason in reasons.items():
        if not reason:
            return known[name]
    told = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
    raise SurroundingsError(f"this host cannot carry a test cluster ({told})")
