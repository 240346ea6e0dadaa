"""A child that asked for it ends with its parent, and those of a folder are found and ended."""

import platform
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

from artgrab.common.processes import end_those_at_home

CHILD = """
import sys, os, signal
from artgrab.common.processes import die_with_parent
die_with_parent(int(sys.argv[1]))
print("ready", flush=True)
signal.pause()
"""
PARENT = f"""
import os, subprocess, sys
command = [sys.executable, "-c", {CHILD!r}, str(os.getpid())]
child = subprocess.Popen(command, stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
child.wait()
"""


def test_a_child_is_gone_after_its_parent_was_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
        child.wait(timeout=30)


def test_a_child_that_comes_too_late_ends_at_once() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    late = subprocess.run([sys.executable, "-c", CHILD, str(gone.pid)], timeout=60)
    assert late.returncode == -9


def _sleeper(words: str, environment: Mapping[str, str] = {}) -> subprocess.Popen[bytes]:
    """Start a process whose options are parts of its name, as Chromium rewrites those of some."""
    return subprocess.Popen([words, "600"], executable="/bin/sleep", env=environment)


@pytest.mark.parametrize(
    ("words", "environment", "ended"),
    [
        ("chromium --user-data-dir={}/profile", {}, True),
        ("chromium --type=zygote --user-data-dir={}/profile --lang=en", {}, True),
        ("chromium --type=zygote --user-data-dir={}", {}, True),
        ("chromium", {"HOME": "{}"}, True),
        ("chromium --user-data-dir={}-other/profile", {}, False),
        ("chromium", {"HOME": "{}-other"}, False),
        ("editor {}/profile", {"PWD": "{}"}, False),
    ],
)
def test_those_with_a_folder_as_their_home_or_in_an_option_are_ended(
    tmp_path: Path, words: str, environment: dict[str, str], ended: bool
) -> None:
    folder = str(tmp_path / "home")
    given = {name: value.format(folder) for name, value in environment.items()}
    with _sleeper(words.format(folder), given) as sleeper:
        try:
            end_those_at_home(folder)
            assert (sleeper.wait(30) if ended else sleeper.poll()) == (-9 if ended else None)
        finally:
            sleeper.kill()


FAULTS = """
import resource, sys
from artgrab.common.processes import keep_memory
if sys.argv[1] == "keeping":
    keep_memory()
held = bytearray(300_000)
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(100):
        several = [bytearray(9_000_000) for _ in range(3)]
        del several
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults()
print(faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="nothing else can be asked so")
def test_memory_that_is_kept_is_not_asked_of_the_kernel_again() -> None:
    def faults(mode: str) -> int:
        told = subprocess.run([sys.executable, "-c", FAULTS, mode], capture_output=True, check=True)
        return int(told.stdout)

    assert faults("keeping") < 1000 < faults("giving back")
