"""Libraries of the system, bound by ctypes where they are installed."""

import ctypes
from collections.abc import Mapping, Sequence
from typing import Any

Signatures = Mapping[str, tuple[Any, Sequence[Any]]]
"""Of each function that is called: the type of its result, None for none, and of its arguments."""


def loaded(name: str, functions: Signatures) -> ctypes.CDLL | None:
    """Return a library by its file's name; None where it, or one of the functions, is not there."""
    try:
        library = ctypes.CDLL(name)
        for called, (result, arguments) in functions.items():
            function = getattr(library, called)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError):
        return None
    return library
