"""What reading a document may raise, whoever wrote it."""

import msgspec

UNREADABLE = (msgspec.MsgspecError, UnicodeError, RecursionError)
"""msgspec lets two of Python's own errors through: for what is no UTF-8, and what is nested too
deeply."""
