"""What is told where some of several categories failed, or the machine has no more of something."""

import errno
import os
from collections.abc import Mapping

from artgrab.common.errors import ArtgrabError, PartlyDoneError


def raise_together(errors: Mapping[str, ArtgrabError], *, all_failed: bool) -> None:
    """Raise one error for all; categories (the keys) that failed alike share their message.

    Raises:
        PartlyDoneError: not all failed.
        ArtgrabError: all did; the class is that of the first.
    """
    if not errors:
        return
    alike: dict[str, list[str]] = {}
    for name, error in errors.items():
        alike.setdefault(str(error), []).append(name)
    message = "; ".join(f"{', '.join(names)}: {text}" for text, names in alike.items())
    if all_failed:
        raise type(next(iter(errors.values())))(message)
    raise PartlyDoneError(f"{message}; the other categories are done, run the same again")


_REMEDIES = {
    errno.ENOSPC: "make room",
    errno.EDQUOT: "make room",
    errno.EROFS: "make it writable",
    errno.EIO: "look at the disk",
    errno.EMFILE: "raise the limit: ulimit -n 4096",
    errno.ENFILE: "close other programs",
    errno.ENOMEM: "close other programs",
    errno.EAGAIN: "raise the limit: ulimit -u 4096",
}


def exhausted(error: OSError) -> str:
    """Return what the machine lacks and what to do; empty where the error tells of a bug."""
    remedy = _REMEDIES.get(error.errno or 0)
    if remedy is None:
        return ""
    place = f": {os.fspath(error.filename)!r}" if error.filename else ""
    return f"{os.strerror(error.errno or 0)}{place}; {remedy} and give the same command again"
