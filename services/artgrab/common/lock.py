"""One collector at a time in a store: another would sweep what this one is about to record."""

import fcntl
from contextlib import AbstractContextManager
from pathlib import Path

from artgrab.common.errors import StoreBusyError, SurroundingsError
from artgrab.common.store import Store

_NAME = ".lock"


def exclusive(store: Store) -> AbstractContextManager[object]:
    """Take a store for oneself, until the context ends or this process does.

    Raises:
        StoreBusyError: another process has it.
        SurroundingsError: it cannot be taken.
    """
    try:
        file = (Path(store.uri) / _NAME).open("wb")
    except OSError as error:
        raise SurroundingsError(f"store {store.uri}: {error.strerror}") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise StoreBusyError(
            f"store {store.uri}: another artgrab run is at work in it ({error.strerror}); "
            "wait for it, or choose another with --store"
        ) from error
    return file
