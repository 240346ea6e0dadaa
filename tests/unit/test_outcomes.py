"""Counts of outcomes, taken without reading whole records, are those of the merged records."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from artgrab.common.errors import BadInputError, ObjectCorruptError
from artgrab.common.outcomes import count_outcomes
from artgrab.common.record_parts import compact, read_records
from artgrab.common.records import Entry, Record, RecordOutcome, Sighting
from artgrab.common.store import Store
from tests.support.stored import candidate, put_entries

NAMED = {"namespace": "default", "category": "fish"}


def _record(number: int, outcome: RecordOutcome, reason: str, passing: bool, day: int) -> Record:
    return Record(
        candidate=candidate(f"http://a.test/{number}"),
        outcome=outcome,
        reason="" if outcome is RecordOutcome.STORED else reason,
        passing=passing,
        run_id="run-1",
        retrieved_at=f"2026-11-{day:02}T00:00:00Z",
    )


_NUMBERS = st.integers(0, 6)
_RECORDS = st.builds(
    _record,
    _NUMBERS,
    st.sampled_from(RecordOutcome),
    st.sampled_from(["too-small", "http-404"]),
    st.booleans(),
    st.integers(1, 3),  # few days: of records of one moment one counts as well
)
_SIGHTINGS = st.builds(lambda n: Sighting(candidate=candidate(f"http://a.test/{n}")), _NUMBERS)
_PARTS = st.lists(st.lists(_RECORDS | _SIGHTINGS, min_size=1, max_size=6), max_size=4)


def _merged(store: Store) -> Counter[tuple[RecordOutcome, str]]:
    records = [one.record for one in read_records(store, **NAMED).values()]
    return Counter((record.outcome, record.reason) for record in records if record.reason)


@settings(max_examples=40)  # each writes and reads files
@given(parts=_PARTS, later=_PARTS)
def test_counts_are_those_of_the_merged_records(
    tmp_path_factory: pytest.TempPathFactory, parts: list[list[Entry]], later: list[list[Entry]]
) -> None:
    store = Store.open(str(tmp_path_factory.mktemp("store")))
    for part in parts:
        put_entries(store, "fish", part)
    compact(store, namespace="default", category="fish")
    for part in later:
        put_entries(store, "fish", part)
    counted = count_outcomes(store, **NAMED)
    reasons = {(what, why): n for what, one in counted.items() for why, n in one.reasons.items()}
    assert reasons == dict(_merged(store))
    records = read_records(store, **NAMED).values()
    outcomes = Counter(one.record.outcome for one in records)
    assert {what: one.candidates for what, one in counted.items() if one.candidates} == outcomes


def test_reasons_are_told_the_most_frequent_first_and_each_candidate_once(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path))
    failed = RecordOutcome.FAILED
    records = [_record(n, failed, "http-404" if n else "too-slow", False, 1) for n in range(4)]
    again = _record(3, failed, "too-slow", False, 2)
    put_entries(store, "fish", [*records, again])
    assert count_outcomes(store, **NAMED)[failed].reasons == {"too-slow": 2, "http-404": 2}
    assert count_outcomes(store, **NAMED)[failed].candidates == 4


def test_what_cannot_be_read_or_is_newer_is_refused(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path))
    newer = Record(
        candidate=candidate("http://a.test/1"),
        outcome=RecordOutcome.STORED,
        run_id="r",
        retrieved_at="",
        schema_version=99,
    )
    put_entries(store, "newer", [newer])
    with pytest.raises(BadInputError, match="newer artgrab"):
        count_outcomes(store, namespace="default", category="newer")
    store.put("default/categories/odd/records/index-1.parquet", b"no parquet")
    with pytest.raises(ObjectCorruptError, match="index-1"):
        count_outcomes(store, namespace="default", category="odd")
