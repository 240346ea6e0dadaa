"""A decoder that is taken over finds no file, no connection and no process to go to."""

import ctypes
import json
import subprocess
import sys
from collections.abc import Mapping
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
REFUSED = {
    "a packet by UDP": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
    "a socket of this machine": "socket.socket(socket.AF_UNIX)",
    "starting a program": "os.execv('/bin/true', ['true'])",
    "another process": "os.fork()",
    "ending who started it": "os.kill(os.getppid(), 0)",
    "a limit for who started it": "resource.prlimit(os.getppid(), resource.RLIMIT_CORE, (0, 0))",
    "signals for who started it": "fcntl.fcntl(0, fcntl.F_SETOWN, os.getppid())",
    "signals by another way": "fcntl.ioctl(0, 0x8901, (0).to_bytes(4, 'little'))",
    "typing for a terminal": "fcntl.ioctl(0, termios.TIOCSTI, b'x')",
    "rights of a file": "os.chmod(sys.argv[0] or '.', 0o755)",
    "times of a file": "os.utime('.')",
    "memory that no limit counts": "os.memfd_create('x')",
    "memory that outlives it": "call('shmget', 0, 4096, 0o1600)",
    "looking into who started it": "call('process_vm_readv', os.getppid(), None, 0, None, 0, 0)",
    "a ring of orders to the kernel": "call('io_uring_setup', 1, None)",
    "a namespace": "call('unshare', 0)",
}
IMPORTS = {"importing a module": "import xml.dom.minidom, numpy.ma"}
PROGRAM = """
import ctypes, fcntl, json, os, resource, socket, sys, termios
from artgrab.images.confinement import confine
from artgrab.images.system_calls import refuse_system_calls
def call(name, *arguments):
    number = ctypes.CDLL("libseccomp.so.2").seccomp_syscall_resolve_name(name.encode())
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(number, *arguments) < 0:
        raise OSError(ctypes.get_errno(), name)
found = {"locked": globals()[sys.argv[1]]()}
for name, deed in json.loads(sys.argv[2]).items():
    try:
        exec(deed)
        found[name] = "done"
    except PermissionError:
        found[name] = "denied"
print(json.dumps(found))
"""


def _tried(lock: str, deeds: Mapping[str, str]) -> dict[str, object]:
    """Return what became of deeds in a process that locks itself in first."""
    command = [sys.executable, "-c", PROGRAM, lock, json.dumps(dict(deeds))]
    said = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    found: dict[str, object] = json.loads(said)
    return found


def _has_seccomp() -> bool:
    """Tell whether both are there, the kernel's part and the library."""
    try:
        ctypes.CDLL("libseccomp.so.2")
    except OSError:
        return False
    return Path("/proc/sys/kernel/seccomp").exists()


def _landlock() -> int:
    """Return the version that the kernel has; 0 where it has none."""
    create, ask_version = 444, 1
    version = ctypes.CDLL(None).syscall(create, None, ctypes.c_size_t(0), ask_version)
    return max(0, int(version))


def test_who_is_confined_can_import_and_nothing_else_that_the_kernel_can_deny() -> None:
    version = _landlock()
    deeds = {name: deed for name, (since, deed) in DEEDS.items() if since <= version}
    found = _tried("confine", deeds | IMPORTS)
    assert found.pop("locked") == (version > 0)
    assert found == dict.fromkeys(deeds, "denied") | dict.fromkeys(IMPORTS, "done")


def test_what_no_decoder_asks_of_the_kernel_is_refused_for_ever() -> None:
    deeds = REFUSED if _has_seccomp() else {}
    found = _tried("refuse_system_calls", deeds | IMPORTS)
    assert found.pop("locked") == _has_seccomp()
    assert found == dict.fromkeys(deeds, "denied") | dict.fromkeys(IMPORTS, "done")


async def test_decoders_are_confined_and_alone_in_their_process() -> None:
    async with DecodePool(workers=1) as pool:
        await pool.process(jpeg(1))
        (worker,) = (one for one in psutil.Process().children() if _is_decoder(one))
        status = Path(f"/proc/{worker.pid}/status").read_text()
        assert "NoNewPrivs:\t1" in status or not _landlock()
        assert "Seccomp:\t2" in status or not _has_seccomp()
        assert worker.num_threads() == 1


def _is_decoder(process: psutil.Process) -> bool:
    return "artgrab.images.worker" in process.cmdline()
