"""The cache folder of the demo world: parts that are either wholly there or not at all."""

import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from artgrab.common.errors import SurroundingsError

VERSION = "2"
"""Goes up with every change of what the cache holds."""


def cache_root() -> Path:
    """Return `${ARTGRAB_CACHE:-${XDG_CACHE_HOME:-~/.cache}/artgrab}/world-VERSION`."""
    base = os.environ.get("ARTGRAB_CACHE")
    if not base:
        base = os.path.join(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "artgrab")
    return Path(base).expanduser().absolute() / f"world-{VERSION}"


def progress(line: str) -> None:
    """Tell people what is going on; standard output stays free for results."""
    print(f"world: {line}", file=sys.stderr, flush=True)


def ensure_part(root: Path, name: str, fill: Callable[[Path], None]) -> Path:
    """Return the folder of a part, filled by `fill` where it is missing.

    A part is filled in a folder beside it and renamed, so a kill at any moment leaves nothing half;
    a second process waits for the first by a lock that the kernel drops when its holder dies.
    Raises SurroundingsError where there can be no cache, and whatever `fill` raises.
    """
    part = root / name
    if part.is_dir():
        return part
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SurroundingsError(
            f"{root} cannot be made ({error.strerror}): name another folder in ARTGRAB_CACHE"
        ) from error
    with _locked(root / f".{name}.lock"):
        if not part.is_dir():
            _sweep(root, name)
            fresh = Path(tempfile.mkdtemp(prefix=f".{name}.new-", dir=root))
            try:
                fill(fresh)
                fresh.chmod(0o755)
                fresh.rename(part)
            finally:
                # Once more: a child of a killed process may have gone on writing for a moment.
                _sweep(root, name)
    return part


def _sweep(root: Path, name: str) -> None:
    for leftover in root.glob(f".{name}.new-*"):
        shutil.rmtree(leftover, ignore_errors=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
