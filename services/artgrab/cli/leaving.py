"""The end of a process that was interrupted; loads next to nothing."""

import os
import shlex
import signal
from collections.abc import Sequence
from typing import NoReturn

from artgrab.common.errors import SurroundingsError

ENDING = (signal.SIGINT, signal.SIGTERM)
"""What Ctrl-C sends, and what asks a process to end."""


def leave(program: str, arguments: Sequence[str], *, first: str = "") -> NoReturn:
    """Say how to go on, and end this process without waiting for its threads.

    Args:
        program: how this artgrab is called.
        arguments: of this call.
        first: written before all else.
    """
    command = shlex.join([program, *arguments])
    told = f"{first}artgrab: interrupted; the same command goes on from here: {command}\n"
    os.write(2, told.encode(errors="backslashreplace"))
    os._exit(SurroundingsError.exit_code)
