"""Errors named by what the caller should do about them; each carries its exit code.

0 done, 1 a bug in artgrab, 2 bad input, 3 partly done, 4 the surroundings failed (try again).
"""

from typing import ClassVar


class ArtgrabError(Exception):
    """Base of all errors meant for people: the message is one sentence that says what to change."""

    exit_code: ClassVar[int] = 1


class BadInputError(ArtgrabError):
    """The user's document, option or file must change; trying again is of no use."""

    exit_code = 2


class PartlyDoneError(ArtgrabError):
    """Some of the work is done and kept; the message says what is missing and why."""

    exit_code = 3


class SurroundingsError(ArtgrabError):
    """Store, disk, browser, network or credentials failed; the same command may work later."""

    exit_code = 4


class StoreBusyError(SurroundingsError):
    """Another process has the store for itself at the moment."""


class ObjectMissingError(SurroundingsError):
    """A key is not in the store."""


class ObjectCorruptError(SurroundingsError):
    """An object's bytes do not have the digest its record names."""
