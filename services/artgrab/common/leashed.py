"""`python -m artgrab.common.leashed PARENT PROGRAM ARGUMENT...` runs a program that ends with us.

For programs that are not ours, as java. From an environment variable that they pass on, what they
start in turn learns whom to end with.
"""

import os
import sys

from artgrab.common.processes import die_with_parent

LEASHED_PID = "ARTGRAB_LEASHED_PID"
"""Holds the process id of the program."""


def main() -> None:
    """Become the program; the kernel's promise outlives exec (prctl(2))."""
    parent, *command = sys.argv[1:]
    die_with_parent(int(parent))
    os.environ[LEASHED_PID] = str(os.getpid())
    os.execvp(command[0], command)  # noqa: S606 - whoever calls this names the program


if __name__ == "__main__":
    main()
