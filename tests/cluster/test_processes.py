"""Processes of a cluster: which they are, and that they are gone when it was said so."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import psutil

from tests.cluster.processes import end, processes_of_cgroups

STUBBORN = """
import signal, socket, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
server = socket.create_server(("127.0.0.1", 0))
held = bytearray(500_000_000)  # takes a moment to be given back
print(server.getsockname()[1], flush=True)
signal.pause()
"""


def test_a_killed_process_has_left_its_port() -> None:
    with subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        port = int(child.stdout.readline())
        process = psutil.Process(child.pid)
        end([process], grace_seconds=0)
        assert not process.is_running()
        socket.create_server(("127.0.0.1", port)).close()


def test_a_process_that_ends_while_cgroups_are_read_is_left_out(tmp_path: Path) -> None:
    with subprocess.Popen(["true"]) as child:
        pass
    below = tmp_path / "pod"
    below.mkdir()
    for cgroup, pids in ((tmp_path, [child.pid]), (below, [child.pid, os.getpid()])):
        (cgroup / "cgroup.procs").write_text("".join(f"{pid}\n" for pid in pids))
    found = list(processes_of_cgroups([tmp_path, tmp_path / "vanished"]))
    assert found == [psutil.Process()]
