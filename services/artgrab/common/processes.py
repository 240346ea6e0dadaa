"""Child processes that never outlive their parent, not even its SIGKILL (Linux)."""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


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
