"""What processes ask of their system: to end with their parent (Linux), to keep memory, silence."""

import ctypes
import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_POLL_SECONDS = 0.01
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_KEPT_BYTES = 32 * 1024**2
"""The most that mallopt(3) takes for both."""


def die_with_parent(parent_pid: int, *, with_signal: signal.Signals = signal.SIGKILL) -> None:
    """Ask the kernel to signal this process when its parent ends; call it first in the child.

    The parent must be alive as long as the *thread* that started this process is (prctl(2)).
    On systems without prctl this does nothing.
    """
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, with_signal)
    if os.getppid() != parent_pid:  # it ended before the call
        os.kill(os.getpid(), with_signal)


def adopt_orphans() -> None:
    """Become the parent of every descendant that loses its own (prctl(2))."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def end_descendants() -> None:
    """Kill until no child is left; for a process that has called adopt_orphans()."""
    while True:
        for pid in _descendants(os.getpid()):
            _kill(pid)
        try:
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
        except ChildProcessError:
            return
        time.sleep(_POLL_SECONDS)  # descendants that come while others are killed signal nothing


def end_those_at_home(folder: str, *, seconds: float = 10.0) -> None:
    """Kill every process that has a folder of ours as its HOME or in an option.

    For descendants that were lost because who had adopted them was killed. Not all of a browser's
    processes keep the environment they were started with, and some make one argument of all.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and (found := list(_at_home(folder))):
        for pid in found:
            _kill(pid)
        time.sleep(_POLL_SECONDS)  # no parent of theirs: there is nothing to wait on


def _at_home(folder: str) -> Iterator[int]:
    name = os.fsencode(folder)
    option = re.compile(rb"(?:^|[\0 ])--[\w-]+=" + re.escape(name) + rb"(?=[/\0 ]|$)")
    for entry in _entries():
        with suppress(OSError):  # gone, or not ours to read
            environment = (entry / "environ").read_bytes().split(b"\0")
            if b"HOME=" + name in environment or option.search((entry / "cmdline").read_bytes()):
                yield int(entry.name)


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)


def _descendants(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in _entries():
        if parent := _parent(entry):
            children.setdefault(parent, []).append(int(entry.name))
    found, queue = [], [root]
    while queue:
        of_one = children.get(queue.pop(), [])
        found += of_one
        queue += of_one
    return found


def _entries() -> Iterator[Path]:
    return (entry for entry in Path("/proc").iterdir() if entry.name.isdigit())


def _parent(entry: Path) -> int:
    """Return the parent of a process, 0 where it is gone (proc(5): the name may hold anything)."""
    try:
        return int((entry / "stat").read_bytes().rpartition(b")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return 0


def keep_memory() -> None:
    """Keep what is freed for what comes next, 32 MB of it, where the C library is that of GNU.

    By default it is given back after each picture, and the kernel zeroes it anew for the next one:
    that took up to two fifths of a decoder's time for a small one, a fifth of the downloader's own.
    """
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)
        library.mallopt(_M_MMAP_THRESHOLD, _KEPT_BYTES)


def silence_libraries() -> None:
    """Keep stderr for Python; what libraries in C print there goes nowhere from now on.

    They print a line or more for each damaged picture.
    """
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
