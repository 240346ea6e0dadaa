"""Termination messages: whatever goes in, they are short, and what fits is read back."""

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from artgrab.common.terminations import (
    MAX_BYTES,
    Counts,
    DatasetTermination,
    Termination,
    TrainingTermination,
    decode,
    decode_last_word,
    encode,
    encode_last_word,
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


KEY = "0123456789abcdef" * 4
A_SNAPSHOT = DatasetTermination(key=KEY, uri="s3://b/ns/datasets/k", content_sha256=KEY, images=80)
A_MODEL = TrainingTermination(
    key=KEY,
    uri="file:///store/ns/models/k",
    content_sha256=KEY,
    dataset=KEY,
    accuracy_permille=987,
    served_accuracy_permille=0,
    served=KEY,
    test_images=16,
)


def test_the_last_words_of_learning_are_those_agreed_upon() -> None:
    assert json.loads(encode_last_word(A_SNAPSHOT)) == {
        "schema_version": 1,
        "key": KEY,
        "uri": "s3://b/ns/datasets/k",
        "content_sha256": KEY,
        "images": 80,
        "error": "",
    }
    assert json.loads(encode_last_word(A_MODEL)) == {
        "schema_version": 1,
        "key": KEY,
        "uri": "file:///store/ns/models/k",
        "content_sha256": KEY,
        "dataset": KEY,
        "accuracy_permille": 987,
        "left_out_accuracy_permille": None,
        "baseline_accuracy_permille": None,
        "served_accuracy_permille": 0,
        "served": KEY,
        "test_images": 16,
        "error": "",
    }
    assert decode_last_word(encode_last_word(A_SNAPSHOT), DatasetTermination) == A_SNAPSHOT
    assert decode_last_word(encode_last_word(A_MODEL), TrainingTermination) == A_MODEL


@given(texts.filter(str.strip))
def test_whatever_the_error_a_last_word_is_short_and_one_line(error: str) -> None:
    data = encode_last_word(TrainingTermination(error=error))
    found = decode_last_word(data, TrainingTermination)
    assert len(data) <= MAX_BYTES
    assert found is not None
    assert found.error.isprintable()
    assert encode_last_word(found) == data


@pytest.mark.parametrize("uri", ["s3://b/" + "x" * 9999, "file:///" + "\N{PILE OF POO}" * 600])
def test_an_address_that_is_too_long_is_left_out(uri: str) -> None:
    long = msgspec.structs.replace(A_MODEL, uri=uri)
    found = decode_last_word(encode_last_word(long), TrainingTermination)
    assert found == msgspec.structs.replace(A_MODEL, uri="")


@pytest.mark.parametrize(
    "changed",
    [
        {"key": "x"},
        {"key": KEY + "\n"},
        {"key": ""},
        {"content_sha256": ""},
        {"served": KEY.upper()},
        {"uri": "s3://b/\n"},
        {"uri": "x" * 2049},
        {"accuracy_permille": 1001},
        {"accuracy_permille": -1},
        {"accuracy_permille": 99.5},
        {"accuracy_permille": "99"},
        {"test_images": 2**63},
        {"test_images": True},
        {"error": "e" * 1025},
        {"schema_version": 2},
    ],
)
def test_a_last_word_with_anything_else_in_it_is_none(changed: dict[str, object]) -> None:
    data = json.dumps(json.loads(encode_last_word(A_MODEL)) | changed)
    assert decode_last_word(data, TrainingTermination) is None


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_the_end_of_a_log_is_no_last_word(data: bytes | str) -> None:
    assert decode_last_word(data, DatasetTermination) is None
    assert decode_last_word(data, TrainingTermination) is None


def test_a_last_word_is_written_like_any_message(tmp_path: Path) -> None:
    place = tmp_path / "termination-log"
    write_termination(place, A_SNAPSHOT)
    assert decode_last_word(place.read_bytes(), DatasetTermination) == A_SNAPSHOT
