"""Termination messages: whatever goes in, they are short, and what fits is read back."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artgrab.common.terminations import (
    MAX_BYTES,
    Counts,
    Termination,
    decode,
    encode,
    write_termination,
)

COUNTS = Counts(candidates=12, stored=7, rejected=3, failed=2)
texts = st.text(st.characters(), max_size=6000)  # lone surrogates and control characters too
counts = st.builds(
    Counts,
    candidates=st.integers(),
    stored=st.integers(),
    rejected=st.integers(),
    failed=st.integers(),
)


def test_the_forms_are_those_agreed_upon() -> None:
    done = Termination(run_id="r", reason="TargetReached", counts=COUNTS, problems=("a: b",))
    assert json.loads(encode(done)) == {
        "schema_version": 1,
        "run_id": "r",
        "reason": "TargetReached",
        "counts": {"candidates": 12, "stored": 7, "rejected": 3, "failed": 2},
        "problems": ["a: b"],
    }
    failed = Termination(run_id="r", error="no store\nat all")
    assert json.loads(encode(failed)) == {
        "schema_version": 1,
        "run_id": "r",
        "error": "no store at all",
    }


@given(texts, texts, counts | st.none(), st.lists(texts, max_size=30), texts)
def test_whatever_goes_in_it_is_short_and_can_be_read(
    run_id: str, reason: str, counted: Counts | None, problems: list[str], error: str
) -> None:
    wanted = Termination(
        run_id=run_id, reason=reason, counts=counted, problems=tuple(problems), error=error
    )
    data = encode(wanted)
    found = decode(data)
    assert len(data) <= MAX_BYTES
    assert found is not None
    assert "\n" not in found.error
    assert encode(found) == data


@pytest.mark.parametrize("char", ["\N{PILE OF POO}", '"', "\\", "\x00", "\ud800", "\n"])
def test_what_takes_many_bytes_is_cut_by_bytes(char: str) -> None:
    long = Termination(
        run_id="r" + char * 9999, reason=char * 9999, counts=COUNTS, problems=(char * 9999,) * 99
    )
    assert len(encode(long)) <= MAX_BYTES
    assert len(encode(Termination(run_id="r", error=char * 99999))) <= MAX_BYTES


def test_what_fits_comes_back_as_it_was() -> None:
    problems = tuple(f"gallery a.test: problem {number}" for number in range(20))
    one = Termination(run_id="r", reason="SourcesFailed", counts=COUNTS, problems=problems)
    assert decode(encode(one)) == one
    assert decode(encode(one).decode()) == one


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_the_end_of_a_log_is_no_message(data: bytes | str) -> None:
    assert decode(data) is None or json.loads(data)["schema_version"] == 1


@pytest.mark.parametrize(
    "data", ["", "{}x", "[]", '{"schema_version": 2}', "[" * 4000, '{"run_id": "' + "x" * 5000]
)
def test_something_else_is_none(data: str) -> None:
    assert decode(data) is None


def test_it_is_written_into_the_file_that_is_there(tmp_path: Path) -> None:
    place = tmp_path / "termination-log"
    place.write_text("x" * 5000)
    before = place.stat().st_ino
    write_termination(place, Termination(error="e"))
    assert decode(place.read_bytes()) == Termination(error="e")
    assert place.stat().st_ino == before


def test_without_a_place_nothing_is_written_and_nothing_fails(tmp_path: Path) -> None:
    write_termination(None, Termination())
    write_termination(tmp_path / "no" / "place", Termination())
