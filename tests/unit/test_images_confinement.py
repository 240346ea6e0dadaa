"""A decoder that is taken over finds no file, no connection and no process to go to."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from artgrab.images import DecodePool
from tests.support.drawn import jpeg

DEEDS = {
    "reading a file": "open('/etc/hostname')",
    "writing a file": "open('/tmp/artgrab-never-written', 'w')",
    "listing a folder": "os.listdir('/')",
    "starting a program": "os.execv('/bin/true', ['true'])",
    "connecting": "socket.create_connection(('127.0.0.1', 9))",
    "listening": "socket.create_server(('127.0.0.1', 0))",
    "ending who started it": "os.kill(os.getppid(), 0)",
}
PROGRAM = """
import os, socket
from artgrab.images.confinement import confine
if not confine():
    print("unknown")
try:
    {deed}
except PermissionError:
    print("denied")
"""


def outcome(deed: str) -> str:
    command = [sys.executable, "-c", PROGRAM.format(deed=deed)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_who_is_confined_still_imports_what_it_needs() -> None:
    assert outcome("import xml.dom.minidom, numpy.ma; print('imported')") == "imported"


@pytest.mark.parametrize("deed", DEEDS)
def test_who_is_confined_is_denied(deed: str) -> None:
    assert outcome(DEEDS[deed]) == "denied"


async def test_decoders_are_confined_and_alone_in_their_process() -> None:
    async with DecodePool(workers=1) as pool:
        await pool.process(jpeg(1))
        workers = [
            one for one in psutil.Process().children() if "artgrab.images" in str(one.cmdline())
        ]
        assert workers
        for worker in workers:
            status = Path(f"/proc/{worker.pid}/status").read_text()
            assert "NoNewPrivs:\t1" in status
            assert worker.num_threads() == 1
