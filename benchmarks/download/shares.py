"""A share of a processor for a process and all below it, as a pod's CPU limit gives.

By a control group (cpu.max of version 2, cpu.cfs_quota_us of version 1) where this user may make
one. Else all are stopped and continued in turns, which limits the time they run, whether they have
work or not.
"""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

_ROOT = Path("/sys/fs/cgroup")
_PERIOD_SECONDS = 0.02
_TURN_SECONDS = 0.1
_ATTEMPTS = 50


@contextmanager
def limited(pid: int, share: float) -> Iterator[str]:
    """Let a process and all below it have this share of one processor; yields by what means."""
    group = _made(f"artgrab-bench-{pid}", share)
    if group is None:
        with _stopped_in_turns(pid, share):
            yield "stopped in turns"
        return
    try:
        for one in _tree(pid):
            (group / "cgroup.procs").write_text(str(one.pid))
        yield "control group"
    finally:
        _removed(group)


def _removed(group: Path) -> None:
    """Give all that is in a group back to the one above, and remove it."""
    for _ in range(_ATTEMPTS):
        for left in (group / "cgroup.procs").read_text().split():
            with suppress(OSError):  # it has ended meanwhile
                (group.parent / "cgroup.procs").write_text(left)
        with suppress(OSError):  # one has just begun
            group.rmdir()
            return
        time.sleep(_TURN_SECONDS)  # processes of others: there is nothing to wait on


def _made(name: str, share: float) -> Path | None:
    """Return a new control group with that limit; None where there can be none."""
    period, quota = round(_PERIOD_SECONDS * 1e6), round(_PERIOD_SECONDS * share * 1e6)
    limits = (
        (_ROOT / "cpu", {"cpu.cfs_period_us": f"{period}", "cpu.cfs_quota_us": f"{quota}"}),
        (_ROOT, {"cpu.max": f"{quota} {period}"}),
    )
    for parent, files in limits:
        group = parent / name
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            for file, value in files.items():
                (group / file).write_text(value)
            return group
        except OSError:
            group.rmdir()
    return None


@contextmanager
def _stopped_in_turns(pid: int, share: float) -> Iterator[None]:
    over = threading.Event()
    thread = threading.Thread(target=_take_turns, args=(pid, share, over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        _signal(pid, signal.SIGCONT)


def _take_turns(pid: int, share: float, over: threading.Event) -> None:
    while not over.wait(_TURN_SECONDS * share):
        _signal(pid, signal.SIGSTOP)
        over.wait(_TURN_SECONDS * (1 - share))
        _signal(pid, signal.SIGCONT)


def _signal(pid: int, number: int) -> None:
    for one in _tree(pid):
        with suppress(psutil.NoSuchProcess):
            one.send_signal(number)


def _tree(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
