"""Candidates, records and sightings: the types, and how many lines become one record."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Protocol

import msgspec

from artgrab.common.keys import SCHEMA_VERSION
from artgrab.common.likeness import Look


class Licence(msgspec.Struct, frozen=True, gc=False):
    """A licence as a source states it; evidence is api, page, filter or empty."""

    code: str = ""
    url: str = ""
    evidence: str = ""


class Candidate(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A picture that may be worth keeping, and how it was found."""

    candidate_id: str
    """64 hexadecimal digits: SHA-256 of the normalised URL."""
    url: str
    source: str
    page_url: str = ""
    query: str = ""
    partition: str = ""
    rank: int = 0
    """Place in the source's answer, from 0."""
    title: str = ""
    claimed_width: int = 0
    claimed_height: int = 0
    licence: Licence = Licence()
    creator: str = ""
    page_read: bool = False
    """The page it was found on was opened and looked through for opt-outs."""
    page_signals: tuple[str, ...] = ()
    """Opt-outs on that page, as `meta robots: noai`."""


class RecordOutcome(StrEnum):
    STORED = "STORED"
    WITHDRAWN = "WITHDRAWN"
    """It was stored, and a takedown removed it."""
    REJECTED = "REJECTED"
    FAILED = "FAILED"


class Record(msgspec.Struct, frozen=True, kw_only=True, tag="record", tag_field="type", gc=False):
    """What became of a candidate."""

    candidate: Candidate
    outcome: RecordOutcome
    run_id: str
    retrieved_at: str
    """ISO 8601, UTC."""
    reason: str = ""
    passing: bool = False
    """A failure that may be gone in the next run (time-out, 5xx, reset)."""
    final_url: str = ""
    http_status: int = 0
    headers: dict[str, str] = {}
    source_sha256: str = ""
    source_bytes: int = 0
    source_format: str = ""
    source_width: int = 0
    source_height: int = 0
    object_key: str = ""
    object_sha256: str = ""
    width: int = 0
    height: int = 0
    perceptual_hash: str = ""
    """16 hexadecimal digits (64 bits)."""
    opt_out_signals: tuple[str, ...] = ()
    opt_out_decision: str = ""
    filters_digest: str = ""
    takedown: str = ""
    """Id of the takedown by which it was withdrawn or refused."""
    downloader_version: str = ""
    schema_version: int = SCHEMA_VERSION

    @property
    def look(self) -> Look:
        """What tells whether its picture looks like another; no hash where there is no picture."""
        return Look(self.perceptual_hash, self.source_width, self.source_height)


class Sighting(
    msgspec.Struct, frozen=True, kw_only=True, tag="sighting", tag_field="type", gc=False
):
    """A recorded URL met again by another query or source."""

    candidate: Candidate
    schema_version: int = SCHEMA_VERSION


Entry = Record | Sighting


class MergedRecord(msgspec.Struct, frozen=True):
    """The one final record of a candidate, with every way it was found, best rank first."""

    record: Record
    sightings: tuple[Candidate, ...]

    @property
    def candidate(self) -> Candidate:
        """The sighting that stands for all: it does not depend on what arrived first."""
        return self.sightings[0]


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Entry)
PRECEDENCE = {outcome: place for place, outcome in enumerate(RecordOutcome)}
"""Of several outcomes of one candidate the lowest counts: a picture that is fetched again once its
takedown is removed is stored again."""

TAKEN_DOWN = "taken-down"
"""The reason of what a takedown withdrew, and of what one let nobody fetch."""


def encode_entries(entries: Iterable[Entry]) -> bytes:
    """Return JSON lines."""
    return _encoder.encode_lines(entries)


def decode_entries(data: bytes) -> list[Entry]:
    """Read JSON lines back.

    Raises:
        one of UNREADABLE: the lines are not such entries.
    """
    return _decoder.decode_lines(data)


def merge(entries: Iterable[Entry]) -> dict[str, MergedRecord]:
    """Reduce entries to one final record for each candidate_id, in the order of the ids.

    The result does not depend on the order of the entries. A sighting without a record (its
    record was lost with a part that is being written) is left out.
    """
    records: dict[str, Record] = {}
    sightings: dict[str, set[Candidate]] = {}
    for entry in entries:
        key = entry.candidate.candidate_id
        sightings.setdefault(key, set()).add(entry.candidate)
        if isinstance(entry, Record):
            known = records.get(key)
            records[key] = entry if known is None else min(known, entry, key=_record_order)
    return {
        key: MergedRecord(records[key], tuple(sorted(sightings[key], key=sighting_order)))
        for key in sorted(records)
    }


def sighting_order(candidate: Candidate) -> tuple[int, str, str, str, bytes]:
    """Sort key: best rank first, then what does not depend on time."""
    return (
        candidate.rank,
        candidate.source,
        candidate.query,
        candidate.page_url,
        _encoder.encode(candidate),
    )


def _record_order(record: Record) -> "Order":
    return final_order(record, _encoder.encode(record))


class Verdict(Protocol):
    """What of a record decides whether it counts."""

    @property
    def outcome(self) -> RecordOutcome: ...
    @property
    def passing(self) -> bool: ...
    @property
    def source_sha256(self) -> str: ...
    @property
    def retrieved_at(self) -> str: ...


Order = tuple[int, bool, str, tuple[int, ...], bytes]


def final_order(verdict: Verdict, line: bytes) -> Order:
    """Sort key of the records of one candidate: the first of them counts.

    What is kept never depends on time; of attempts in vain the last one counts.

    Args:
        verdict: of a record.
        line: the record in JSON, which decides where all else is the same.
    """
    stored = verdict.outcome is RecordOutcome.STORED
    return (
        PRECEDENCE[verdict.outcome],
        verdict.passing,
        verdict.source_sha256 if stored else "",
        () if stored else tuple(-ord(character) for character in verdict.retrieved_at),
        line,
    )
