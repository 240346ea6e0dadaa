"""How this artgrab is called, for commands that people can paste."""

import os
import shlex
import shutil
import sys
from pathlib import Path


def program() -> str:
    """Return how this very artgrab is called from the current folder."""
    ours = Path(sys.executable).with_name("artgrab")
    if shutil.which("artgrab") == str(ours):
        return "artgrab"
    return os.path.relpath(ours) if ours.is_relative_to(Path.cwd()) else str(ours)


def command_line(*arguments: str) -> str:
    """Return the command with these arguments, quoted for a shell."""
    return shlex.join([program(), *arguments])
