"""Logs: structured, on stderr."""

import logging
import os
import sys
from collections.abc import Callable
from io import TextIOBase
from typing import Any, TextIO, cast

import structlog
from structlog.typing import EventDict, Processor

from artgrab.common.errors import BadInputError
from artgrab.common.progress import ForwardingSink

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_FORM = "ARTGRAB_LOGS"
FORWARDED = {_FORM: "forwarded"}
"""Environment of a process whose parent shows its logs, as warnings."""


def configure_logs() -> None:
    """Send the logs of this process to stderr, from ARTGRAB_LOG_LEVEL up; call once, at start.

    Raises:
        BadInputError: there is no such level.
    """
    level = os.environ.get("ARTGRAB_LOG_LEVEL", "WARNING").upper()
    if level not in _LEVELS:
        raise BadInputError(f"ARTGRAB_LOG_LEVEL {level!r} is none of {', '.join(_LEVELS)}")
    forwarded = os.environ.get(_FORM) == FORWARDED[_FORM]
    form, factory = _for_a_parent(level) if forwarded else _for_people()
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, *form],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=factory,
        cache_logger_on_first_use=True,
    )


def _for_people() -> tuple[list[Processor], Callable[..., Any]]:
    form: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty() and not os.environ.get("NO_COLOR")
        ),
    ]
    return form, structlog.PrintLoggerFactory(cast(TextIO, _CurrentStderr()))


def _for_a_parent(level: str) -> tuple[list[Processor], Callable[..., Any]]:
    """Return what makes each event a line that is told once: no time, and no stack trace.

    The trace is there where somebody asks for everything (DEBUG).
    """
    form: list[Processor] = [structlog.processors.format_exc_info]
    if level != "DEBUG":
        form.append(_shorten_exception)
    form.append(structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0))
    return form, lambda *_: _Forwarding()


def _shorten_exception(logger: object, name: str, event: EventDict) -> EventDict:
    """Keep the last line of a stack trace: what it is, without where."""
    trace = str(event.pop("exception", "")).strip()
    return {**event, "error": trace.splitlines()[-1]} if trace else event


class _Forwarding:
    """A logger that hands its lines to the parent process."""

    def msg(self, text: str) -> None:
        ForwardingSink().warn(text)

    debug = info = warning = error = critical = msg


class _CurrentStderr(TextIOBase):
    """Whatever sys.stderr is at the moment: progress bars put themselves in its place."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()
