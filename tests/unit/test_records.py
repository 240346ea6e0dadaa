"""Merging: one final record for each candidate, whatever came twice or in another order."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from artgrab.common.records import (
    Candidate,
    Entry,
    Record,
    RecordOutcome,
    Sighting,
    decode_entries,
    encode_entries,
    merge,
)

IDS = [digit * 64 for digit in "abc"]


def candidates() -> st.SearchStrategy[Candidate]:
    return st.builds(
        Candidate,
        candidate_id=st.sampled_from(IDS),
        url=st.just("http://a.test/"),
        source=st.sampled_from(["gallery", "mediawiki"]),
        query=st.sampled_from(["", "cats"]),
        page_url=st.sampled_from(["", "http://page.test/"]),
        rank=st.integers(0, 3),
        title=st.text(max_size=5),
    )


def records() -> st.SearchStrategy[Record]:
    return st.builds(
        Record,
        candidate=candidates(),
        outcome=st.sampled_from(RecordOutcome),
        passing=st.booleans(),
        run_id=st.sampled_from(["run-1", "run-2"]),
        retrieved_at=st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"]),
        source_sha256=st.sampled_from(["", "1" * 64, "2" * 64]),
        headers=st.dictionaries(st.sampled_from(["etag"]), st.text(max_size=3)),
    )


def entries() -> st.SearchStrategy[list[Entry]]:
    return st.lists(st.one_of(records(), st.builds(Sighting, candidate=candidates())), max_size=12)


@given(entries().flatmap(lambda found: st.tuples(st.just(found), st.permutations(found))))
def test_the_result_does_not_depend_on_the_order(both: tuple[list[Entry], list[Entry]]) -> None:
    assert merge(both[0]) == merge(both[1])
    assert list(merge(both[0])) == list(merge(both[1]))


@given(entries())
def test_merging_what_was_merged_changes_nothing(found: list[Entry]) -> None:
    once = merge(found)
    again: list[Entry] = []
    for one in once.values():
        again += [one.record, *(Sighting(candidate=c) for c in one.sightings)]
    assert merge(again) == once
    assert merge([*found, *found]) == once


@given(entries())
def test_there_is_one_record_for_each_id_that_has_any(found: list[Entry]) -> None:
    recorded = {one.candidate.candidate_id for one in found if isinstance(one, Record)}
    merged = merge(found)
    assert list(merged) == sorted(recorded)
    assert all(key == one.record.candidate.candidate_id for key, one in merged.items())


@given(entries())
def test_a_stored_record_stands_before_all_others(found: list[Entry]) -> None:
    stored = {
        one.candidate.candidate_id
        for one in found
        if isinstance(one, Record) and one.outcome is RecordOutcome.STORED
    }
    for key, one in merge(found).items():
        assert (one.record.outcome is RecordOutcome.STORED) == (key in stored)


def test_of_attempts_in_vain_the_last_one_counts() -> None:
    candidate = Candidate(candidate_id=IDS[0], url="http://a.test/", source="gallery")
    attempts = [
        Record(
            candidate=candidate,
            outcome=RecordOutcome.FAILED,
            passing=True,
            run_id=run,
            retrieved_at=time,
        )
        for run, time in (("run-2", "2026-01-02T00:00:00Z"), ("run-1", "2026-01-01T00:00:00Z"))
    ]
    assert merge(attempts)[IDS[0]].record.run_id == "run-2"


@given(entries())
def test_every_way_a_picture_was_found_is_kept_best_rank_first(found: list[Entry]) -> None:
    for key, one in merge(found).items():
        ways = {entry.candidate for entry in found if entry.candidate.candidate_id == key}
        assert set(one.sightings) == ways
        assert len(one.sightings) == len(ways)
        assert one.candidate.rank == min(way.rank for way in ways)


@given(entries())
def test_entries_survive_being_written_and_read(found: list[Entry]) -> None:
    assert decode_entries(encode_entries(found)) == found


@given(entries(), st.lists(entries(), max_size=3))
def test_parts_can_be_merged_in_any_grouping(first: list[Entry], others: list[list[Entry]]) -> None:
    flat = [*first, *(entry for other in others for entry in other)]
    assert decode_entries(b"".join(map(encode_entries, [first, *others]))) == flat


@pytest.mark.parametrize(
    "line", [b"{}", b"[]", b'{"type":"record"}', b'{"type":"other"}', b"\xff", b'{"type":']
)
def test_lines_that_are_no_entries_are_refused(line: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_entries(line)


def test_a_title_with_line_breaks_stays_one_line() -> None:
    entry = Sighting(
        candidate=Candidate(candidate_id=IDS[0], url="", source="", title="a\n\r\u2028b")
    )
    data = encode_entries([entry])
    assert data.count(b"\n") == 1
    assert decode_entries(data) == [entry]
