"""The pictures that a command line names: files, folders, patterns, standard input."""

import glob
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from artgrab.client.requests import PICTURE_BYTES
from artgrab.common.errors import BadInputError

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif"})
STANDARD_INPUT = "-"

Pictures = Mapping[str, Callable[[], bytes]]
"""How to get the bytes of pictures, by name; only when they are wanted, as there may be many."""


def find_pictures(names: Sequence[str | Path]) -> list[Path]:
    """Return each picture once: files as named, and what folders and patterns hold, by name.

    A name that is there is never a pattern, whatever is in it. `**` goes through folders.

    Raises:
        BadInputError: a name stands for nothing, or holds no picture.
    """
    found = [file for name in names for file in _pictures_of(os.fspath(name))]
    return list(dict.fromkeys(found))


def _pictures_of(name: str) -> Sequence[Path]:
    if name == STANDARD_INPUT or os.path.isfile(name):
        return [Path(name)]
    if os.path.isdir(name):
        return _or_refused(_below(Path(name)), f"{name}: no picture in it")
    if os.path.exists(name):
        raise BadInputError(f"{name}: is neither a file nor a folder")
    if not glob.has_magic(name):
        raise BadInputError(f"{name}: {_absence(name)}")
    matches = map(Path, sorted(glob.glob(name, recursive=True)))
    return _or_refused(
        [file for one in matches for file in ([one] if os.path.isfile(one) else _below(one))],
        f"{name}: no picture is called so",
    )


def _absence(name: str) -> str:
    """Say why there is no such file: it may be there, in a folder that is closed to us."""
    try:
        os.stat(name)
    except (FileNotFoundError, NotADirectoryError):
        return "no such file or folder"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return "no such file or folder"  # it has come this moment


def _below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if os.path.isfile(path))


def _or_refused(files: Iterable[Path], problem: str) -> list[Path]:
    pictures = [file for file in files if file.suffix.lower() in PICTURE_SUFFIXES]
    if not pictures:
        raise BadInputError(f"{problem} ({', '.join(sorted(PICTURE_SUFFIXES))})")
    return pictures


def pictures_of(files: Sequence[Path]) -> Pictures:
    """Return how to read files, by name."""
    return {str(file): partial(_read, file) for file in files}


def _read(path: Path) -> bytes:
    """Return the bytes of a file, of a longer one only as many as show that it is too long."""
    if str(path) == STANDARD_INPUT:
        return sys.stdin.buffer.read(PICTURE_BYTES + 1)
    with path.open("rb") as file:
        return file.read(PICTURE_BYTES + 1)
