"""A decoder that is taken over finds no file, no connection and no process to go to."""

import ctypes
import json
import subprocess
import sys
from pathlib import Path

import psutil

from artgrab.images import DecodePool
from tests.support.drawn import jpeg

DEEDS = {
    "reading a file": (1, "open('/etc/hostname')"),
    "writing a file": (1, "open('/tmp/artgrab-never-written', 'w')"),
    "listing a folder": (1, "os.listdir('/')"),
    "starting a program": (1, "os.execv('/bin/true', ['true'])"),
    "connecting": (4, "socket.create_connection(('127.0.0.1', 9))"),
    "listening": (4, "socket.create_server(('127.0.0.1', 0))"),
    "ending who started it": (6, "os.kill(os.getppid(), 0)"),
}
"""Each with the version of Landlock that denies it: 1 is Linux 5.13, 4 is 6.7, 6 is 6.12."""
IMPORTS = {"importing a module": "import xml.dom.minidom, numpy.ma"}
PROGRAM = """
import json, os, socket, sys
from artgrab.images.confinement import confine
found = {"confined": confine()}
for name, deed in json.loads(sys.argv[1]).items():
    try:
        exec(deed)
        found[name] = "done"
    except PermissionError:
        found[name] = "denied"
print(json.dumps(found))
"""


def _landlock() -> int:
    """Return the version that the kernel has; 0 where it has none."""
    create, ask_version = 444, 1
    version = ctypes.CDLL(None).syscall(create, None, ctypes.c_size_t(0), ask_version)
    return max(0, int(version))


def test_who_is_confined_can_import_and_nothing_else_that_the_kernel_can_deny() -> None:
    version = _landlock()
    deeds = {name: deed for name, (since, deed) in DEEDS.items() if since <= version}
    command = [sys.executable, "-c", PROGRAM, json.dumps(deeds | IMPORTS)]
    found = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    assert found.pop("confined") == (version > 0)
    assert found == dict.fromkeys(deeds, "denied") | dict.fromkeys(IMPORTS, "done")


async def test_decoders_are_confined_and_alone_in_their_process() -> None:
    async with DecodePool(workers=1) as pool:
        await pool.process(jpeg(1))
        (worker,) = (one for one in psutil.Process().children() if _is_decoder(one))
        status = Path(f"/proc/{worker.pid}/status").read_text()
        assert "NoNewPrivs:\t1" in status or not _landlock()
        assert worker.num_threads() == 1


def _is_decoder(process: psutil.Process) -> bool:
    return "artgrab.images.worker" in process.cmdline()
