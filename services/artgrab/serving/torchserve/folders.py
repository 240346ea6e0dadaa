"""A folder for as long as its process lives; what killed ones left is removed by the next."""

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PREFIX = "artgrab-ts-"
_LOCK = "lock"


@contextmanager
def own_folder() -> Iterator[Path]:
    """Yield a new folder below the temporary directory, which nobody removes while this is open."""
    for other in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/{_LOCK}"):
        with suppress(OSError):  # in use, of somebody else, or gone meanwhile
            _remove_unused(other)
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as name:
        folder = Path(name)
        with (folder / "new").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            (folder / "new").rename(folder / _LOCK)  # never seen before it is held
            yield folder


def _remove_unused(lock: Path) -> None:
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the kernel frees it with its process
        shutil.rmtree(lock.parent)
