"""Who holds a lease: enough of a process to tell on its own machine that it is gone."""

import os
import secrets
import socket
from pathlib import Path

import msgspec

from artgrab.common.keys import SCHEMA_VERSION

_GONE_STATES = frozenset("ZXx")
"""Of proc(5): a zombie does nothing any more."""


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """A process that takes a lease. Equal only to itself: each has a token of its own."""

    token: str
    host: str
    pid: int
    boot_id: str = ""
    """Of the kernel; empty where that has none."""
    pid_namespace: str = ""
    """Containers share a kernel and number their processes each for themselves."""
    started: str = ""
    """When the process began, in the kernel's own count: pids are used again."""
    schema_version: int = SCHEMA_VERSION

    @property
    def name(self) -> str:
        """How people find the process."""
        return f"process {self.pid} on {self.host}"


def this_process() -> Holder:
    """Return this process as a holder, under a new token."""
    pid = os.getpid()
    return Holder(
        token=secrets.token_hex(8),
        host=socket.gethostname(),
        pid=pid,
        boot_id=_read("/proc/sys/kernel/random/boot_id"),
        pid_namespace=_namespace(),
        started=_state_and_start(pid)[1],
    )


def is_gone(holder: Holder) -> bool:
    """Tell whether a holder is known to have ended: only on its own machine can that be known."""
    here = (socket.gethostname(), _read("/proc/sys/kernel/random/boot_id"), _namespace())
    if not holder.started or (holder.host, holder.boot_id, holder.pid_namespace) != here:
        return False
    state, started = _state_and_start(holder.pid)
    return started != holder.started or state in _GONE_STATES


def _state_and_start(pid: int) -> tuple[str, str]:
    """Return the third and the 22nd field of /proc/PID/stat; empty where there is none."""
    fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return (fields[0], fields[19]) if len(fields) > 19 else ("", "")


def _namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""
