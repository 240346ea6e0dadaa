"""A child that asked for it ends with its parent, even when that is killed."""

import subprocess
import sys

import psutil

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
