"""What the processes of one run of the tests share: work that one does for all, and turns."""

import fcntl
import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.cluster.commands import wait_until

FINISHED_SECONDS = 3600
"""For all that has to be done before a test; each test has a limit of its own."""


class Shared:
    """A folder that all processes of a run know."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def once(self, name: str, make: Callable[[], object]) -> None:
        """Return when this was made, by whichever process comes first."""
        with self.turn(name):
            if not self.has(name):
                make()
                self._note(name).touch()

    def has(self, name: str) -> bool:
        """Return whether this was made."""
        return self._note(name).exists()

    @contextmanager
    def turn(self, name: str) -> Iterator[None]:
        """Do what must not be done by two processes at a time."""
        with self._locked(name, fcntl.LOCK_EX):
            yield

    @contextmanager
    def beside(self, name: str) -> Iterator[None]:
        """Do what others may do as well, but not while somebody has the turn of that name."""
        with self._locked(name, fcntl.LOCK_SH):
            yield

    def finish(self, test: str) -> None:
        """Note that a test is over, whatever came of it."""
        self._note(f"finished {test}").touch()

    def wait_finished(self, tests: Iterable[str]) -> None:
        """Return when all of these are over."""
        for test in tests:
            over = partial(self.has, f"finished {test}")
            wait_until(over, f"{test} is over", seconds=FINISHED_SECONDS, pause=0.2)

    def _note(self, name: str) -> Path:
        return self.folder / hashlib.sha256(name.encode()).hexdigest()[:16]

    @contextmanager
    def _locked(self, name: str, how: int) -> Iterator[None]:
        with (self.folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, how)
            yield
