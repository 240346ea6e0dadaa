"""A decoder that is taken over finds no file, no connection and no process to go to."""

import json
import subprocess
import sys
from pathlib import Path

import psutil

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
    "importing a module": "import xml.dom.minidom, numpy.ma",
}
PROGRAM = """
import json, os, socket, sys
from artgrab.images.confinement import confine
assert confine()
found = {}
for name, deed in json.loads(sys.argv[1]).items():
    try:
        exec(deed)
        found[name] = "done"
    except PermissionError:
        found[name] = "denied"
print(json.dumps(found))
"""


def test_who_is_confined_can_import_and_nothing_else() -> None:
    command = [sys.executable, "-c", PROGRAM, json.dumps(DEEDS)]
    found = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    assert found == {**dict.fromkeys(DEEDS, "denied"), "importing a module": "done"}


async def test_decoders_are_confined_and_alone_in_their_process() -> None:
    async with DecodePool(workers=1) as pool:
        await pool.process(jpeg(1))
        (worker,) = (one for one in psutil.Process().children() if _is_decoder(one))
        status = Path(f"/proc/{worker.pid}/status").read_text()
        assert "NoNewPrivs:\t1" in status
        assert worker.num_threads() == 1


def _is_decoder(process: psutil.Process) -> bool:
    return "artgrab.images.worker" in process.cmdline()
