"""Whether a host can carry the local cluster, what it must be given first, and what is put back."""

import ipaddress
import json
import os
import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster import builds, firewall
from tests.cluster.commands import progress, run
from tests.cluster.layout import NETWORK, NODE_BRIDGE, POD_BRIDGE

CGROUPS = Path("/sys/fs/cgroup")
CONTROLLERS = ("cpu", "cpuset", "memory", "pids")
MEMORY_BYTES = 2 * 1024**3
"""The control plane takes 0.7 GB; pods need the rest."""
DISK_BYTES = 12 * 1024**3
"""Go's caches take 6 GB, programs and images 1, containers what they write."""
SYSCTLS = (
    "kernel.panic",
    "kernel.panic_on_oops",
    "net.ipv4.conf.all.route_localnet",
    "net.ipv4.ip_forward",
    "vm.overcommit_memory",
    "vm.panic_on_oom",
)
"""What kubelet, kube-proxy and we set; `down` sets it back."""


@dataclass(frozen=True)
class Host:
    """What decides; `foreign` says which other cluster is in the way."""

    system: str
    machine: str
    is_root: bool
    has_apt: bool
    missing_packages: tuple[str, ...]
    missing_controllers: tuple[str, ...]
    has_overlay: bool
    memory_bytes: int
    disk_bytes: int
    needs_building: bool
    foreign: str = ""


def reason_against(host: Host) -> str:
    """Return in one line why the host cannot carry a cluster, or nothing."""
    packages = " ".join(host.missing_packages)
    needed_disk = DISK_BYTES if host.needs_building else DISK_BYTES // 6
    reasons = (
        (
            f"{host.system} on {host.machine}, and it needs Linux on x86_64",
            host.system != "Linux" or host.machine != "x86_64",
        ),
        ("it needs root, to make containers and network devices", not host.is_root),
        (
            f"missing, and there is no apt-get to install them: {packages}",
            bool(packages) and not host.has_apt,
        ),
        (
            f"the kernel offers no cgroup controllers for {', '.join(host.missing_controllers)}",
            bool(host.missing_controllers),
        ),
        ("the kernel has no overlay file system", not host.has_overlay),
        (
            f"{host.memory_bytes / 1e9:.1f} GB of memory, and it needs {MEMORY_BYTES / 1e9:.1f}",
            host.memory_bytes < MEMORY_BYTES,
        ),
        (
            f"{host.disk_bytes / 1e9:.0f} GB free on the disk of the cache, and it needs "
            f"{needed_disk / 1e9:.0f}",
            host.disk_bytes < needed_disk,
        ),
        (host.foreign, bool(host.foreign)),
    )
    return next((reason for reason, holds in reasons if holds), "")


def this_host(*, ours: bool) -> Host:
    """Look at this host; what a cluster of ours has made is not foreign where `ours`."""
    return Host(
        system=platform.system(),
        machine=platform.machine(),
        is_root=os.geteuid() == 0,
        has_apt=shutil.which("apt-get") is not None,
        missing_packages=missing_packages(),
        missing_controllers=_missing_controllers(),
        has_overlay="overlay" in _read(Path("/proc/filesystems")).split(),
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        disk_bytes=_free_bytes(builds.cluster_cache()),
        needs_building=builds.needs_building(),
        foreign="" if ours else _foreign(),
    )


def _missing_controllers() -> tuple[str, ...]:
    unified = _read(CGROUPS / "cgroup.controllers").split()
    there = {*unified, *(folder.name for folder in CGROUPS.glob("*") if folder.is_dir())}
    return tuple(name for name in CONTROLLERS if name not in there)


def _foreign() -> str:
    """Return what another cluster, or a claim to our addresses, looks like from here."""
    if kubepods():
        return f"another Kubernetes runs here ({kubepods()[0]} exists)"
    if Path("/sys/class/net", NODE_BRIDGE).exists() or Path("/sys/class/net", POD_BRIDGE).exists():
        return (
            f"another test cluster is up (device {NODE_BRIDGE}): end it with its own state folder"
        )
    if shutil.which("ip"):
        return _route_in_the_way(json.loads(run("ip", "-json", "route") or "[]"))
    return ""


def _route_in_the_way(routes: list[Mapping[str, str]]) -> str:
    for route in routes:
        if route["dst"] == "default":
            continue
        if ipaddress.ip_network(route["dst"], strict=False).overlaps(NETWORK):
            return f"{NETWORK} is in use here (route to {route['dst']} by {route.get('dev')})"
    return ""


def kubepods() -> list[Path]:
    """Return the cgroups in which a kubelet keeps its pods, in each hierarchy there is."""
    return [one for one in (CGROUPS / "kubepods", *CGROUPS.glob("*/kubepods")) if one.is_dir()]


def packages_wanted() -> dict[str, list[Path]]:
    """Return what is needed of Debian: package and the files that show that it is there."""
    text = (Path(__file__).parent / "apt-packages.txt").read_text()
    lines = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    return {package: [Path(sign) for sign in signs] for package, *signs in lines}


def missing_packages(*, path: str | None = None) -> tuple[str, ...]:
    """Return the packages that are to be installed; programs of other origin count as well.

    Programs are looked for in the folders of `path`, and in those of PATH where none is given.
    """
    return tuple(
        package
        for package, signs in packages_wanted().items()
        if not any(_is_there(sign, path) for sign in signs)
    )


def _is_there(sign: Path, path: str | None) -> bool:
    """Tell whether a file is there, or a program of its name on the path.

    What lies elsewhere is not looked for by its name: iproute2 has a `bridge` as well.
    """
    is_program = sign.parent.name in ("bin", "sbin") and sign.is_relative_to("/usr")
    return sign.exists() or (is_program and shutil.which(sign.name, path=path) is not None)


def install_packages() -> None:
    """Install what is missing by apt-get."""
    missing = missing_packages()
    if not missing:
        return
    progress(f"installing with apt-get: {' '.join(missing)}")
    apt = ("apt-get", "-o", "DPkg::Lock::Timeout=300", "-qq")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run(*apt, "update", environment=environment, seconds=1200)
    install = ("install", "--no-install-recommends", "--yes", *missing)
    run(*apt, *install, environment=environment, seconds=1800)


def remember(state: Path) -> None:
    """Write down, once, what of the host the cluster will change."""
    memory = state / "host.json"
    if memory.exists():
        return
    found = {
        "sysctls": {name: read_sysctl(name) for name in SYSCTLS},
        "chains": {family: sorted(names) for family, names in firewall.present().items()},
    }
    new = memory.with_suffix(".new")
    new.write_text(json.dumps(found))
    new.rename(memory)


def remembered(state: Path) -> dict[str, dict[str, Any]]:
    """Return what `remember` wrote down: `sysctls` by name, `chains` by family."""
    memory = state / "host.json"
    empty: dict[str, dict[str, Any]] = {"sysctls": {}, "chains": {}}
    return empty | (json.loads(memory.read_text()) if memory.exists() else {})


def put_back(state: Path) -> None:
    """Set the host back to what `remember` wrote down, if it did."""
    if not (state / "host.json").exists():
        return  # what there is of rules was made by others
    found = remembered(state)
    firewall.clean({family: set(names) for family, names in found["chains"].items()})
    for name, value in found["sysctls"].items():
        if value and read_sysctl(name) != value:
            _sysctl(name).write_text(value)


def read_sysctl(name: str) -> str:
    """Return a kernel setting, or nothing where this kernel has none of that name."""
    return _read(_sysctl(name)).strip()


def set_sysctl(name: str, value: str) -> None:
    """Set a kernel setting."""
    _sysctl(name).write_text(value)


def _sysctl(name: str) -> Path:
    return Path("/proc/sys", *name.split("."))


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _free_bytes(folder: Path) -> int:
    there = next(one for one in (folder, *folder.parents) if one.exists())
    return shutil.disk_usage(there).free
