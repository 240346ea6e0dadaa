"""Termination messages: the last word of a Job's process, which the kubelet hands to whoever asks.

At most 4096 bytes of JSON: the kubelet cuts off what is longer, anywhere.
"""

from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
import structlog

from artgrab.common.keys import SCHEMA_VERSION
from artgrab.common.unreadable import UNREADABLE

MAX_BYTES = 4096
_MAX_WORD = 128
_MAX_PROBLEM = 400
_MAX_PROBLEMS = 20
_MAX_ERROR = 1024
_MAX_COUNT = 2**63 - 1
_MAX_URI = 2048
_NO_REASON = "no reason was given"

Key = Annotated[str, msgspec.Meta(pattern=r"\A([0-9a-f]{64})?\Z")]
"""A SHA-256 in lower-case hexadecimal digits, or empty."""
Uri = Annotated[str, msgspec.Meta(max_length=_MAX_URI, pattern=r"\A[^\x00-\x1f\x7f]*\Z")]
Permille = Annotated[int, msgspec.Meta(ge=0, le=1000)]
Count = Annotated[int, msgspec.Meta(ge=0, le=_MAX_COUNT)]
Line = Annotated[str, msgspec.Meta(max_length=_MAX_ERROR)]

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


class DatasetTermination(msgspec.Struct, frozen=True, kw_only=True):
    """How a dataset process ended: with a snapshot, or by an error."""

    key: Key = ""
    """input_key of the snapshot; empty with an error."""
    uri: Uri = ""
    content_sha256: Key = ""
    images: Count = 0
    error: Line = ""
    """One line for people; empty where all went well."""
    schema_version: int = SCHEMA_VERSION


class TrainingTermination(msgspec.Struct, frozen=True, kw_only=True):
    """How a training process ended: with a model, or by an error."""

    key: Key = ""
    """input_key of the model; empty with an error."""
    uri: Uri = ""
    content_sha256: Key = ""
    dataset: Key = ""
    """Key of the snapshot that was learned from."""
    accuracy_permille: Permille | None = None
    """Right answers on the test split; None where no picture of it is left."""
    left_out_accuracy_permille: Permille | None = None
    baseline_accuracy_permille: Permille | None = None
    served_accuracy_permille: Permille | None = None
    """Of the model that was served, on the same pictures; None where it could not be judged."""
    served: Key = ""
    """content_sha256 of that model."""
    test_images: Count = 0
    error: Line = ""
    """One line for people; empty where all went well."""
    schema_version: int = SCHEMA_VERSION


LastWordT = TypeVar("LastWordT", DatasetTermination, TrainingTermination)

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
    except UNREADABLE:
        return None
    return found if found.schema_version == SCHEMA_VERSION else None


def encode_last_word(word: DatasetTermination | TrainingTermination) -> bytes:
    """Return a message of at most 4096 bytes; with an error it says that alone.

    Args:
        word: its keys and numbers are as their types say, of which an error is any text. An
            address that is too long is left out.
    """
    if word.error:
        word = type(word)(error=_line(word.error, _MAX_ERROR) or _NO_REASON)
    elif len(word.uri.encode()) > _MAX_URI:
        word = msgspec.structs.replace(word, uri="")
    while len(data := msgspec.json.encode(word)) > MAX_BYTES:
        shorter = {"error": word.error[: len(word.error) // 2]} if word.error else {"uri": ""}
        word = msgspec.structs.replace(word, **shorter)
    return data


def decode_last_word(data: bytes | str, kind: type[LastWordT]) -> LastWordT | None:
    """Return what a message says; None where it is something else, as the end of a log.

    One with neither an error nor a key and digest says nothing.
    """
    if not data or len(data) > MAX_BYTES:
        return None
    try:
        found = msgspec.json.decode(data, type=kind)
    except UNREADABLE:
        return None
    if found.schema_version != SCHEMA_VERSION:
        return None
    return found if found.error or (found.key and found.content_sha256) else None


def write_termination(
    path: Path | None, termination: Termination | DatasetTermination | TrainingTermination
) -> None:
    """Write a message where there is a place for it; what fails is told in the log only."""
    if path is None:
        return
    if isinstance(termination, Termination):
        data = encode(termination)
    else:
        data = encode_last_word(termination)
    try:
        path.write_bytes(data)  # in place: the kubelet mounts this very file
    except OSError as error:
        _log.warning("no termination message", path=str(path), why=error.strerror)


def _bounded(termination: Termination) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "run_id": _line(termination.run_id, _MAX_WORD),
    }
    if termination.error:
        return fields | {"error": _line(termination.error, _MAX_ERROR) or _NO_REASON}
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
