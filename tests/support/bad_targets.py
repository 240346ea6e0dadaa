"""Targets of the fuzzer that do what it looks for, each at an input of its own."""

import os
import tempfile
import time

from tests.fuzz.targets import Target


def _abort(data: bytes) -> object:
    if data == b"abort":
        tempfile.mkdtemp()
        os.abort()
    return data


def _hang(data: bytes) -> object:
    while data == b"hang":
        pass
    return data


def _sleep(data: bytes) -> object:
    if data == b"sleep":
        time.sleep(600)  # the parent has to end it
    return data


def _greed(data: bytes) -> object:
    return len(bytearray(2**30)) if data == b"greed" else data


def _raise(data: bytes) -> object:
    if data == b"raise":
        raise KeyError("nobody expects this")
    raise ValueError("expected")


def _seeds(word: bytes) -> list[bytes]:
    return [b"good", word, b"good as well"]


ABORT = Target(_abort, lambda: _seeds(b"abort"))
HANG = Target(_hang, lambda: _seeds(b"hang"))
SLEEP = Target(_sleep, lambda: _seeds(b"sleep"))
GREED = Target(_greed, lambda: _seeds(b"greed"), memory_bytes=2**28)
RAISE = Target(_raise, lambda: _seeds(b"raise"), may_raise=(ValueError,))
