"""What became of the candidates of a category, counted without reading whole records."""

from collections import Counter
from collections.abc import Iterable

import msgspec

from artgrab.common.errors import ObjectCorruptError
from artgrab.common.keys import check_schema_version, records_prefix
from artgrab.common.record_parts import read_lines
from artgrab.common.records import PRECEDENCE, Order, RecordOutcome, final_order
from artgrab.common.store import Store
from artgrab.common.stored import refuse_newer_lines
from artgrab.common.unreadable import UNREADABLE


class OutcomeCount(msgspec.Struct, frozen=True, kw_only=True):
    """Candidates of one outcome, and why it is theirs."""

    candidates: int = 0
    reasons: dict[str, int] = {}
    """By reason, the most frequent first; empty for stored pictures, which need none."""


class _Id(msgspec.Struct, frozen=True):
    candidate_id: str


class _Record(msgspec.Struct, frozen=True, kw_only=True, tag="record", tag_field="type"):
    """The few fields of a record that decide how it counts."""

    candidate: _Id
    outcome: RecordOutcome
    reason: str = ""
    passing: bool = False
    source_sha256: str = ""
    retrieved_at: str = ""
    schema_version: int = 0


class _Sighting(msgspec.Struct, frozen=True, tag="sighting", tag_field="type"):
    """Counts for nothing."""


_decoder = msgspec.json.Decoder(_Record | _Sighting)


def count_outcomes(
    store: Store, *, namespace: str, category: str
) -> dict[RecordOutcome, OutcomeCount]:
    """Count candidates as their merged records would: each once, by its final outcome.

    Raises:
        ObjectCorruptError: records cannot be read.
        BadInputError: a newer artgrab wrote them.
    """
    where = store.uri_of(records_prefix(namespace, category))
    try:
        final = _final(read_lines(store, namespace=namespace, category=category), where)
    except (ValueError, *UNREADABLE) as error:
        raise ObjectCorruptError(f"{where}: {error}") from error
    version = max((record.schema_version for record in final), default=0)
    check_schema_version(version, where=where)
    outcomes = [(record.outcome, record.reason) for record in final]
    return {one: _counted(reason for what, reason in outcomes if what is one) for one in PRECEDENCE}


def _counted(reasons: Iterable[str]) -> OutcomeCount:
    counts = Counter(reasons)
    named = {reason: count for reason, count in counts.most_common() if reason}
    return OutcomeCount(candidates=counts.total(), reasons=named)


def _final(chunks: Iterable[bytes], where: str) -> list[_Record]:
    final: dict[str, tuple[_Record, bytes]] = {}
    for chunk in chunks:
        for entry, line in zip(_entries(chunk, where), chunk.splitlines(), strict=True):
            if isinstance(entry, _Record):
                key = entry.candidate.candidate_id
                known = final.get(key)
                found = (entry, line)
                final[key] = found if known is None else min(known, found, key=_order)
    return [record for record, _ in final.values()]


def _order(found: tuple[_Record, bytes]) -> Order:
    return final_order(*found)


def _entries(chunk: bytes, where: str) -> list[_Record | _Sighting]:
    try:
        return _decoder.decode_lines(chunk)
    except UNREADABLE:
        refuse_newer_lines(chunk, where=where)
        raise
