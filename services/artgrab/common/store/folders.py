"""A folder as a store."""

import errno
import os
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from obstore.store import LocalStore

from artgrab.common.errors import BadInputError, SurroundingsError
from artgrab.common.store.failures import system_error_text

_PLAIN_KEY = re.compile(r"\w[\w.-]*(?:/\w[\w.-]*)*", re.ASCII)
"""Others obstore escapes, or refuses."""


def folder_of(uri: str) -> Path:
    """Return the folder that a path or file:// URI names.

    Raises:
        BadInputError: the URI names another machine, or nothing.
    """
    if not uri.startswith("file:"):
        return _absolute(uri)
    parts = urlsplit(uri)
    if parts.netloc not in ("", "localhost"):
        raise BadInputError(f"store {uri}: names the host {parts.netloc}; give file:///FOLDER")
    return _absolute(unquote(parts.path))


def open_folder(folder: Path, *, to_write: bool) -> LocalStore:
    """Open a folder; where it is to be written it is made when missing.

    Raises:
        BadInputError: it is only to be read, and there is none.
        SurroundingsError: it cannot be made, read or written.
    """
    try:
        if to_write:
            folder.mkdir(parents=True, exist_ok=True)
        with os.scandir(folder):
            pass
    except FileNotFoundError as error:
        if to_write:  # some places take no folder, such as /proc
            raise SurroundingsError(
                f"store {folder}: cannot be made there; choose another with --store"
            ) from error
        raise BadInputError(f"store {folder}: there is none; check --store") from error
    except OSError as error:
        raise folder_failure(folder, error.errno) from error
    if to_write and not os.access(folder, os.W_OK | os.X_OK, effective_ids=_EFFECTIVE):
        raise folder_failure(folder, errno.EROFS if _is_read_only(folder) else errno.EACCES)
    return LocalStore(folder)


def create_at_once(folder: Path, key: str, data: bytes) -> bool | None:
    """Make an object in four system calls, whole or not at all, and tell whether it was new.

    A file without a name is filled and then given one (open(2), O_TMPFILE). obstore wakes three
    threads for each put, which costs 0.2 ms more, and disturbs decoders besides (measured).

    Returns:
        None where it must be made in another way: its folder is missing, the file system is none
        of this machine or knows no such files, the disk is full.
    """
    if not _PLAIN_KEY.fullmatch(key):
        return None
    path = f"{folder}/{key}"
    nameless = getattr(os, "O_TMPFILE", 0)  # without it no folder can be opened to be written
    try:
        number = os.open(os.path.dirname(path), nameless | os.O_WRONLY, 0o666)
        try:
            if os.write(number, data) < len(data):
                return None
            # Told of a folder it is linkat(2), which goes where the link in /proc leads.
            os.link(f"/proc/self/fd/{number}", path, src_dir_fd=number, follow_symlinks=True)
        finally:
            os.close(number)
    except FileExistsError:
        return False
    except OSError:
        return None
    return True


_EFFECTIVE = os.access in os.supports_effective_ids


def _absolute(path: str) -> Path:
    if not path or "\0" in path:
        raise BadInputError("store: --store names nothing; give a folder or s3://BUCKET/PREFIX")
    return Path(path).absolute()


def _is_read_only(folder: Path) -> bool:
    return bool(os.statvfs(folder).f_flag & os.ST_RDONLY)


def folder_failure(folder: Path, number: int | None) -> SurroundingsError:
    # mkdir calls a file in the way of the last part "File exists".
    number = errno.ENOTDIR if number == errno.EEXIST else number
    return SurroundingsError(f"store {folder}: {system_error_text(number or errno.EIO)}")
