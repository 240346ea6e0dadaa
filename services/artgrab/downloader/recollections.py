"""What a downloader remembers of a category's records: little of each, for there are many.

Whole records take ten times as much memory, and each stream begins with reading them all.
"""

from collections.abc import Iterable
from operator import itemgetter

import msgspec

from artgrab.common.errors import ObjectCorruptError
from artgrab.common.keys import check_schema_version
from artgrab.common.record_parts import Chunk, read_folded
from artgrab.common.records import Candidate, Order, Record, RecordOutcome, final_order
from artgrab.common.store import Store
from artgrab.common.stored import refuse_newer_lines
from artgrab.common.takedowns import Takedowns
from artgrab.common.unreadable import UNREADABLE

MAX_WAYS = 256
"""Ways of finding one URL that are recorded: each one more costs as much as all before it."""


class State(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What of a record decides whether it is taken as it is; many records share one."""

    outcome: RecordOutcome
    passing: bool
    run_id: str
    filters_digest: str
    opted_out: bool
    takedown: str

    def holds(self, *, run_id: str, filters_digest: str, takedowns: Takedowns) -> bool:
        """Tell whether a run with these filters takes the record as it is.

        Whoever opted out is asked again in each run: they may have changed their mind. What a
        takedown withdrew or refused stays so exactly as long as there is that takedown.
        """
        if self.takedown:
            return self.takedown in takedowns
        match self.outcome:
            case RecordOutcome.REJECTED if self.opted_out:
                return self.run_id == run_id
            case RecordOutcome.REJECTED:
                return self.filters_digest == filters_digest
            case RecordOutcome.FAILED:
                return not self.passing or self.run_id == run_id
        return True


class Known(msgspec.Struct, frozen=True, gc=False):
    """What is remembered of a record: there are as many of them as of URLs."""

    state: State
    sightings: tuple[int, ...]
    """Keys of the ways in which it was found."""


class _Way(msgspec.Struct, frozen=True, gc=False):
    """A candidate: its id, and how it was found."""

    candidate_id: str
    source: str
    page_url: str = ""
    query: str = ""


class _Record(msgspec.Struct, frozen=True, kw_only=True, tag="record", tag_field="type", gc=False):
    candidate: _Way
    outcome: RecordOutcome
    run_id: str
    retrieved_at: str
    passing: bool = False
    source_sha256: str = ""
    opt_out_signals: tuple[str, ...] = ()
    filters_digest: str = ""
    takedown: str = ""
    schema_version: int = 0


class _Sighting(
    msgspec.Struct, frozen=True, kw_only=True, tag="sighting", tag_field="type", gc=False
):
    candidate: _Way
    schema_version: int = 0


_decoder = msgspec.json.Decoder(_Record | _Sighting)


def recall(store: Store, *, namespace: str, category: str) -> dict[str, Known]:
    """Return what is to be remembered of a category's merged records, by candidate_id.

    Raises:
        ObjectCorruptError: records cannot be read.
        BadInputError: a newer artgrab wrote them.
    """
    return read_folded(store, namespace=namespace, category=category, fold=_recalled)


def state_of(record: Record | _Record) -> State:
    """Return what of a record decides whether it holds."""
    return State(
        outcome=record.outcome,
        passing=record.passing,
        run_id=record.run_id,
        filters_digest=record.filters_digest,
        opted_out=bool(record.opt_out_signals),
        takedown=record.takedown,
    )


def sighting_key(candidate: Candidate | _Way) -> int:
    """Return what stands for the way in which a candidate was found."""
    return hash((candidate.source, candidate.query, candidate.page_url))


def is_new_way(ways: tuple[int, ...], way: int) -> bool:
    """Return whether a way of finding a URL is to be recorded beside those known."""
    return len(ways) < MAX_WAYS and way not in ways


def with_way(ways: tuple[int, ...], way: int) -> tuple[int, ...]:
    """Return the ways known of a URL after it was found in this one."""
    return (*ways, way) if is_new_way(ways, way) else ways


def _recalled(chunks: Iterable[Chunk]) -> dict[str, Known]:
    final: dict[str, tuple[Order, State]] = {}
    ways: dict[str, tuple[int, ...]] = {}
    states: dict[State, State] = {}
    for chunk in chunks:
        for entry in _decoded(chunk):
            key, way = entry.candidate.candidate_id, sighting_key(entry.candidate)
            ways[key] = with_way(ways.get(key, ()), way)
            if isinstance(entry, _Record):
                state = state_of(entry)
                found = final_order(entry, b""), states.setdefault(state, state)
                final[key] = min(final.get(key, found), found, key=itemgetter(0))
    return {key: Known(state, ways[key]) for key, (_, state) in final.items()}


def _decoded(chunk: Chunk) -> list[_Record | _Sighting]:
    try:
        entries = _decoder.decode_lines(chunk.lines)
    except UNREADABLE as error:
        refuse_newer_lines(chunk.lines, where=chunk.where)
        raise ObjectCorruptError(f"{chunk.where}: {error}") from error
    version = max((entry.schema_version for entry in entries), default=0)
    check_schema_version(version, where=chunk.where)
    return entries
