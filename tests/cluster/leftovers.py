"""What a cluster leaves in the kernel and outside its folder, removed also after a crash."""

import os
import shutil
from contextlib import suppress
from pathlib import Path

import psutil

from tests.cluster import hosts
from tests.cluster.commands import run, succeeds, wait_until
from tests.cluster.layout import NODE_BRIDGE, POD_BRIDGE
from tests.cluster.processes import Processes, processes_of_cgroups

DEVICE_PLUGINS = Path("/var/lib/kubelet/device-plugins")
"""A kubelet makes this one outside its own folder, wherever that is."""


def remove_all(state: Path, processes: Processes) -> None:
    """Remove processes, mounts, devices, rules, cgroups and files of a cluster; repeat at will."""
    sockets = _shim_sockets(state)
    processes.stop_all()
    end_pods()
    unmount_below(state)
    hosts.put_back(state)
    for bridge in (POD_BRIDGE, NODE_BRIDGE):
        _remove_device(bridge)
    remove_pod_cgroups()
    _remove_files(state, sockets)


def end_pods() -> None:
    """Kill what runs in pods: their shims are gone, and nobody else would."""

    def none_left() -> bool:
        left = list(processes_of_cgroups(hosts.kubepods()))
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        return not left

    wait_until(none_left, "the processes of all pods have ended", seconds=60)


def mounts_below(folder: Path) -> list[str]:
    """Return what is mounted in a folder, the innermost first."""
    lines = Path("/proc/self/mounts").read_text().splitlines()
    points = [line.split()[1].encode().decode("unicode_escape") for line in lines]
    return [point for point in reversed(points) if Path(point).is_relative_to(folder)]


def unmount_below(folder: Path) -> None:
    """Unmount all that is mounted in a folder."""

    def none_left() -> bool:
        for point in mounts_below(folder):
            succeeds("umount", point) or succeeds("umount", "--lazy", point)
        return not mounts_below(folder)

    wait_until(none_left, f"nothing is mounted below {folder}", seconds=60)


def remove_pod_cgroups() -> None:
    """Remove the cgroups of pods, the innermost first; they go once their last process has."""

    def none_left() -> bool:
        for top in hosts.kubepods():
            for cgroup, _, _ in os.walk(top, topdown=False):
                with suppress(OSError):
                    os.rmdir(cgroup)
        return not hosts.kubepods()

    wait_until(none_left, "the cgroups of pods are gone", seconds=60)


def _remove_device(name: str) -> None:
    if Path("/sys/class/net", name).exists():
        run("ip", "link", "delete", name)


def _shim_sockets(state: Path) -> list[Path]:
    """Return the sockets of shims: containerd puts them at a place of its own choice."""
    tasks = state / "containerd/state/io.containerd.runtime.v2.task"
    named = (file.read_text().strip() for file in tasks.glob("*/*/address"))
    return [Path(name.removeprefix("unix://")) for name in named]


def _remove_files(state: Path, sockets: list[Path]) -> None:
    for socket in sockets:
        socket.unlink(missing_ok=True)
    for link in Path("/var/log/containers").glob("*.log"):
        if link.is_symlink() and link.readlink().is_relative_to(state):
            link.unlink()
    for cached in Path("/var/lib/cni/results").glob("*"):
        if str(state) in cached.read_text(errors="replace"):  # the place of its network namespace
            cached.unlink()
    DEVICE_PLUGINS.joinpath("kubelet.sock").unlink(missing_ok=True)
    _remove_empty("/var/log/containers", "/var/lib/cni/results", "/var/lib/cni")
    _remove_empty(str(DEVICE_PLUGINS), str(DEVICE_PLUGINS.parent))
    _remove_empty("/run/containerd/s", "/run/containerd/fifo", "/run/containerd")
    shutil.rmtree(state)


def _remove_empty(*folders: str) -> None:
    for folder in folders:
        with suppress(OSError):
            Path(folder).rmdir()
