"""Running other programs, and telling people about it."""

import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from artgrab.common.errors import SurroundingsError


def progress(line: str) -> None:
    """Tell people what is going on; standard output stays free for results."""
    print(f"cluster: {line}", file=sys.stderr, flush=True)


def run(
    *argv: str | Path,
    given: str | None = None,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    seconds: float = 300,
) -> str:
    """Return what a program writes; raises SurroundingsError with its last words if it fails."""
    words = [str(word) for word in argv]
    try:
        done = subprocess.run(
            words,
            input=given,
            cwd=folder,
            env=environment,
            timeout=seconds,
            capture_output=True,
            text=True,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SurroundingsError(f"{words[0]} did not run: {error}") from error
    if done.returncode:
        raise SurroundingsError(_failure(words, done.returncode, done.stderr or done.stdout))
    return done.stdout


def _failure(words: Sequence[str], code: int, said: str) -> str:
    last = " | ".join(said.strip().splitlines()[-8:])
    return f"`{' '.join(words)[:200]}` ended with {code}: {last or 'it said nothing'}"


def succeeds(*argv: str | Path, seconds: float = 60) -> bool:
    """Return whether a program ran and ended with 0."""
    try:
        run(*argv, seconds=seconds)
    except SurroundingsError:
        return False
    return True


def wait_until(
    condition: Callable[[], object], what: str, *, seconds: float = 120, pause: float = 0.05
) -> None:
    """Return when the condition holds; raises SurroundingsError naming `what` at the deadline."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise SurroundingsError(f"{what}: not so within {seconds:.0f} s")
        time.sleep(pause)  # what no watch tells: there is nothing to wait on
