"""A host that cannot carry a cluster is told so in one line, before anything is touched."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import hosts

FITTING = hosts.Host(
    system="Linux",
    machine="x86_64",
    is_root=True,
    has_apt=True,
    missing_packages=("containerd",),
    missing_controllers=(),
    has_overlay=True,
    memory_bytes=8 * 1024**3,
    disk_bytes=50 * 1024**3,
    needs_building=True,
)


def test_a_fitting_host_is_taken() -> None:
    assert hosts.reason_against(FITTING) == ""


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"system": "Darwin"}, "needs Linux"),
        ({"machine": "aarch64"}, "needs Linux on x86_64"),
        ({"is_root": False}, "needs root"),
        ({"has_apt": False}, "no apt-get to install them: containerd"),
        ({"missing_controllers": ("memory", "pids")}, "no cgroup controllers for memory, pids"),
        ({"has_overlay": False}, "no overlay"),
        ({"memory_bytes": 1024**3}, "1.1 GB of memory"),
        ({"disk_bytes": 3 * 1024**3}, "3 GB free"),
        ({"foreign": "another Kubernetes runs here"}, "another Kubernetes"),
    ],
)
def test_each_lack_is_told_in_one_line(change: dict[str, Any], reason: str) -> None:
    told = hosts.reason_against(replace(FITTING, **change))
    assert reason in told
    assert "\n" not in told


def test_less_disk_is_enough_where_all_is_built() -> None:
    small = replace(FITTING, disk_bytes=3 * 1024**3, needs_building=False)
    assert hosts.reason_against(small) == ""


def test_a_program_of_another_package_does_not_stand_for_a_plugin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bridge = tmp_path / "bridge"
    bridge.touch(mode=0o755)
    wanted = {"plugins": [Path("/usr/lib/nowhere/bridge")], "tools": [Path("/usr/bin/bridge")]}
    monkeypatch.setattr(hosts, "packages_wanted", lambda: wanted)
    assert hosts.missing_packages(path=str(tmp_path)) == ("plugins",)
