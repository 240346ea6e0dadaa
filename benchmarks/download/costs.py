"""Processor time of processes with all their children."""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from artgrab.common.errors import SurroundingsError

_FIRST_WORDS = 2000


class Cost(NamedTuple):
    """What a process and all below it took."""

    cpu_seconds: float
    """User and system."""
    wall_seconds: float


class Running:
    """A process that was started to be counted."""

    def __init__(self, command: Sequence[str], *, log: Path, env: Mapping[str, str]) -> None:
        """Start a command; what it writes on stderr goes into a file."""
        self._log = log
        self._began = time.monotonic()
        with log.open("wb") as errors:
            self.process = subprocess.Popen(
                command, env=env, stdout=subprocess.PIPE, stderr=errors, text=True
            )

    def cost(self) -> Cost:
        """Wait for the end and return what all took.

        wait4(2) counts a process with those of its descendants that were waited for in turn.

        Raises:
            SurroundingsError: it did not end well.
        """
        if self.process.stdout is not None:
            self.process.stdout.read()
            self.process.stdout.close()
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        if self.process.returncode:
            words = self._log.read_text(errors="replace")[-_FIRST_WORDS:]
            raise SurroundingsError(f"{self.process.args!r} ended badly: {words}")
        return Cost(usage.ru_utime + usage.ru_stime, time.monotonic() - self._began)
