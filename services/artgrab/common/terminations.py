"""Termination messages: the last word of a Job's process, which the kubelet hands to whoever asks.

At most 4096 bytes of JSON: the kubelet cuts off what is longer, anywhere.
"""

from pathlib import Path
from typing import Any

import msgspec
import structlog

from artgrab.common.keys import SCHEMA_VERSION

MAX_BYTES = 4096
_MAX_WORD = 128
_MAX_PROBLEM = 400
_MAX_PROBLEMS = 20
_MAX_ERROR = 1024
_MAX_COUNT = 2**63 - 1

_log = structlog.get_logger()


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Candidates of a category by what became of them."""

    candidates: int = 0
    stored: int = 0
    rejected: int = 0
    failed: int = 0


class Termination(msgspec.Struct, frozen=True, kw_only=True):
    """How a process ended: well for a reason, or by an error."""

    run_id: str = ""
    """Of what it was to do; empty where that has none, as a cleanup."""
    reason: str = ""
    """TargetReached, SourcesExhausted, SourcesFailed, CleanedUp; empty with an error."""
    counts: Counts | None = None
    problems: tuple[str, ...] = ()
    """Of sources that could not be gone through to their end; the first of very many."""
    error: str = ""
    """One line for people; empty where all went well."""
    schema_version: int = SCHEMA_VERSION


_decoder = msgspec.json.Decoder(Termination)


def encode(termination: Termination) -> bytes:
    """Return a message of at most 4096 bytes, whatever goes in: long texts lose their ends."""
    fields = _bounded(termination)
    while len(data := msgspec.json.encode(fields)) > MAX_BYTES:
        if fields.get("problems"):
            fields["problems"].pop()
        else:
            fields["error"] = fields["error"][: len(fields["error"]) // 2]
    return data


def decode(data: bytes | str) -> Termination | None:
    """Return what a message says; None where it is something else, as the end of a log."""
    if not data or len(data) > MAX_BYTES:
        return None
    try:
        found = _decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    return found if found.schema_version == SCHEMA_VERSION else None


def write_termination(path: Path | None, termination: Termination) -> None:
    """Write a message where there is a place for it; what fails is told in the log only."""
    if path is None:
        return
    try:
        path.write_bytes(encode(termination))  # in place: the kubelet mounts this very file
    except OSError as error:
        _log.warning("no termination message", path=str(path), why=error.strerror)


def _bounded(termination: Termination) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "run_id": _line(termination.run_id, _MAX_WORD),
    }
    if termination.error:
        return fields | {"error": _line(termination.error, _MAX_ERROR) or "no reason was given"}
    problems = [_line(one, _MAX_PROBLEM) for one in termination.problems[:_MAX_PROBLEMS]]
    fields["reason"] = _line(termination.reason, _MAX_WORD)
    if termination.counts is not None:
        counts = msgspec.structs.asdict(termination.counts)
        fields["counts"] = {name: min(max(n, 0), _MAX_COUNT) for name, n in counts.items()}
    return fields | ({"problems": problems} if problems else {})


def _line(text: str, limit: int) -> str:
    """Return a text as one line that UTF-8 can hold."""
    sound = text[: 2 * limit].encode("utf-8", "replace").decode()
    return "".join(char if char.isprintable() else " " for char in sound).strip()[:limit]
