"""What files hold, read again when they change: secrets are rotated while their service runs."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

import structlog

from artgrab.common.errors import BadInputError

T = TypeVar("T")
_Signature = tuple[tuple[int, int, int] | None, ...]

_logger = structlog.get_logger(__name__)


class Reread(Generic[T]):
    """A value that is made of files, and made anew when one of them is another."""

    def __init__(self, files: Sequence[Path], read: Callable[[], T]) -> None:
        """Read it for the first time.

        Args:
            files: whose change is looked for; a Secret's are changed by a link.
            read: returns the value; raises BadInputError where the files hold none.

        Raises:
            BadInputError: as read.
        """
        self._files = tuple(files)
        self._read = read
        self._seen = self._told = self._signature()
        self._value = read()

    def current(self) -> T:
        """Return the value of now; while the files hold none, the last one. For any thread."""
        seen = self._signature()
        if seen != self._seen:
            self._renew(seen)
        return self._value

    def _renew(self, seen: _Signature) -> None:
        try:
            value = self._read()
        except BadInputError as error:
            if self._told != seen:
                _logger.warning("a changed file is not used", why=str(error))
            self._told = seen
            return
        if self._signature() == seen:  # else they were changed between two reads
            self._value, self._seen = value, seen

    def _signature(self) -> _Signature:
        return tuple(map(_signature_of, self._files))


def _signature_of(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
