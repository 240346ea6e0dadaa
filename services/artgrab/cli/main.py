"""`artgrab` as a process: interrupts are heard while everything else is still being loaded."""

import signal
import sys
from types import FrameType

from artgrab.cli.leaving import ENDING, leave
from artgrab.cli.program import program


def main() -> None:
    """Run the command line and end this process with its exit code."""
    for one in ENDING:
        if signal.getsignal(one) is not signal.SIG_IGN:
            signal.signal(one, _leave)
    from artgrab.cli.app import run_command  # takes a second

    run_command()


def _leave(signum: int, frame: FrameType | None) -> None:
    """End at once: nothing has been begun."""
    leave(program(), sys.argv[1:])
