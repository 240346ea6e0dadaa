"""What became of the candidates of a category, counted without reading whole records."""

from collections import Counter
from collections.abc import Iterable

import msgspec

from artgrab.common.errors import ObjectCorruptError
from artgrab.common.keys import check_schema_version, records_prefix
from artgrab.common.record_parts import read_lines
from artgrab.common.records import PRECEDENCE, RecordOutcome
from artgrab.common.store import Store
from artgrab.common.stored import refuse_newer_lines


class OutcomeCount(msgspec.Struct, frozen=True, kw_only=True):
    """Candidates of one outcome, and why it is theirs."""

    candidates: int = 0
    reasons: dict[str, int] = {}
    """By reason, the most frequent first; empty for stored pictures, which need none."""


class _Id(msgspec.Struct, frozen=True):
    candidate_id: str


class _Line(msgspec.Struct, frozen=True):
    """The few fields of a record or sighting that decide how it counts."""

    type: str
    candidate: _Id
    outcome: str = ""
    reason: str = ""
    passing: bool = False
    retrieved_at: str = ""
    schema_version: int = 0


_decoder = msgspec.json.Decoder(_Line)


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
        version = max((line.schema_version for line in final.values()), default=0)
        check_schema_version(version, where=where)
        outcomes = [(RecordOutcome(line.outcome), line.reason) for line in final.values()]
    except ValueError as error:
        raise ObjectCorruptError(f"{where}: {error}") from error
    return {one: _counted(reason for what, reason in outcomes if what is one) for one in PRECEDENCE}


def _counted(reasons: Iterable[str]) -> OutcomeCount:
    counts = Counter(reasons)
    named = {reason: count for reason, count in counts.most_common() if reason}
    return OutcomeCount(candidates=counts.total(), reasons=named)


def _final(chunks: Iterable[bytes], where: str) -> dict[str, _Line]:
    final: dict[str, _Line] = {}
    for chunk in chunks:
        for line in _lines(chunk, where):
            if line.type == "record":
                key = line.candidate.candidate_id
                known = final.get(key)
                final[key] = line if known is None else _first(known, line)
    return final


def _lines(chunk: bytes, where: str) -> list[_Line]:
    try:
        return _decoder.decode_lines(chunk)
    except msgspec.MsgspecError:
        refuse_newer_lines(chunk, where=where)
        raise


def _first(known: _Line, line: _Line) -> _Line:
    """Return which of two records of a candidate counts; see records.merge."""
    ranks = [(PRECEDENCE[RecordOutcome(one.outcome)], one.passing) for one in (known, line)]
    if ranks[0] != ranks[1]:
        return known if ranks[0] < ranks[1] else line
    return max(known, line, key=lambda one: (one.retrieved_at, one.reason))
