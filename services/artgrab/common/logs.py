"""Logs: structured, on stderr."""

import logging
import os
import sys
from io import TextIOBase
from typing import TextIO, cast

import structlog

from artgrab.common.errors import BadInputError

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def configure_logs() -> None:
    """Send the logs of this process to stderr, from ARTGRAB_LOG_LEVEL up; call once, at start.

    Raises:
        BadInputError: there is no such level.
    """
    level = os.environ.get("ARTGRAB_LOG_LEVEL", "WARNING").upper()
    if level not in _LEVELS:
        raise BadInputError(f"ARTGRAB_LOG_LEVEL {level!r} is none of {', '.join(_LEVELS)}")
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty() and not os.environ.get("NO_COLOR")
            ),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, _CurrentStderr())),
        cache_logger_on_first_use=True,
    )


class _CurrentStderr(TextIOBase):
    """Whatever sys.stderr is at the moment: progress bars put themselves in its place."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()
