"""Processes of a cluster are gone, with their ports, when it was said that they have ended."""

import socket
import subprocess
import sys

import psutil

from tests.cluster.processes import end

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
