"""Where a decoder is locked in: it reads Python's own files, connects nowhere and signals nobody.

Landlock (landlock(7), Linux 5.13 and later) needs no privileges and cannot be undone. What is open
already stays open; UDP is not covered by it.
"""

import ctypes
import os
import sys
from contextlib import suppress

_CREATE, _ADD, _RESTRICT = 444, 445, 446
"""Numbers of the system calls, the same on all architectures."""
_ASK_VERSION = 1
_PR_SET_NO_NEW_PRIVS = 38
_FILES = {1: 13, 2: 14, 3: 15, 5: 16}
"""How many rights to files there are from which version on: bits from the lowest."""
_CONNECTIONS = {4: 2}
_READ = 0b1100
"""Files and folders."""
_BENEATH = 1
_SCOPES = {6: 2}
"""Abstract sockets of others, and signals to them."""


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("files", ctypes.c_uint64),
        ("connections", ctypes.c_uint64),
        ("scopes", ctypes.c_uint64),
    )


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("rights", ctypes.c_uint64), ("folder", ctypes.c_int32))


def confine() -> bool:
    """Give up all that the kernel lets this thread give up; tell whether it knows how.

    Threads that run already are not confined, those that it starts are. Python goes on to import
    modules in the middle of its work, so where these lie can be read.
    """
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_CREATE, None, ctypes.c_size_t(0), _ASK_VERSION)
    if version < 1:
        return False
    rules = _Ruleset(*(_all_of(bits, version) for bits in (_FILES, _CONNECTIONS, _SCOPES)))
    size = 8 * (1 + (version >= 4) + (version >= 6))
    descriptor = libc.syscall(_CREATE, ctypes.byref(rules), ctypes.c_size_t(size), 0)
    if descriptor < 0:
        return False
    for folder in {sys.prefix, sys.base_prefix, *sys.path}:
        with suppress(OSError):
            _let_read(libc, descriptor, folder)
    confined = libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.syscall(
        _RESTRICT, descriptor, 0
    )
    os.close(descriptor)
    return bool(confined == 0)


def _let_read(libc: ctypes.CDLL, descriptor: int, path: str) -> None:
    folder = os.open(path, os.O_PATH | os.O_DIRECTORY)
    rule = _Beneath(_READ, folder)
    libc.syscall(_ADD, descriptor, _BENEATH, ctypes.byref(rule), 0)
    os.close(folder)


def _all_of(bits: dict[int, int], version: int) -> int:
    known = [count for since, count in bits.items() if since <= version]
    return (1 << max(known, default=0)) - 1
