"""Tasks of a classifier's Jobs: what is written is read back, and anything else is one line."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artgrab.common.errors import BadInputError
from artgrab.common.tasks import (
    MAX_BYTES,
    DatasetTask,
    TrainingTask,
    classifier_of,
    decode_task,
    encode_task,
    read_task,
)
from tests.support.snapshots import classifier

KEY = "0123456789abcdef" * 4


def a_document() -> dict[str, Any]:
    return classifier().model_dump(mode="json", by_alias=True, exclude_none=True)


def a_dataset_task(**changed: Any) -> DatasetTask:
    fields = {"namespace": "ns", "classifier": a_document(), "labels": {"crates": "crate"}}
    return DatasetTask(**fields | changed)


def a_training_task(**changed: Any) -> TrainingTask:
    return TrainingTask(
        **{"namespace": "ns", "classifier": a_document(), "snapshot": KEY} | changed
    )


def test_the_forms_are_those_agreed_upon() -> None:
    assert json.loads(encode_task(a_dataset_task(parent=KEY))) == {
        "schema_version": 1,
        "namespace": "ns",
        "classifier": a_document(),
        "labels": {"crates": "crate"},
        "parent": KEY,
    }
    assert json.loads(encode_task(a_training_task())) == {
        "schema_version": 1,
        "namespace": "ns",
        "classifier": a_document(),
        "snapshot": KEY,
        "served": "",
    }


@pytest.mark.parametrize("task", [a_dataset_task(parent=KEY), a_training_task(served=KEY)])
def test_what_is_written_comes_back_as_it_was(
    task: DatasetTask | TrainingTask, tmp_path: Path
) -> None:
    file = tmp_path / "task.json"
    file.write_bytes(encode_task(task))
    assert read_task(file, type(task)) == task
    assert classifier_of(task) == classifier()


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "truncated"),
        (b"no json", "malformed"),
        (b"[]", "object"),
        (b"\xff\xfe", "malformed"),
        (b"[" * 5000, ""),
        (b" " * (MAX_BYTES + 1), "larger than 262,144 bytes"),
        (encode_task(a_training_task()).replace(b'"snapshot"', b'"snapsho\\n"'), "snapsho"),
        (encode_task(a_training_task(schema_version=2)), "newer artgrab"),
        (b'{"schema_version": 2, "unheard": "of"}', "newer artgrab"),
        (encode_task(a_training_task(snapshot="../etc")), "snapshot: must be a key"),
        (encode_task(a_training_task(snapshot=KEY + "\n")), "snapshot: must be a key"),
        (encode_task(a_training_task(served="x")), "served: must be a key"),
        (encode_task(a_training_task(namespace="a/b")), "namespace: must be a DNS label"),
        (encode_task(a_training_task(classifier={})), "classifier"),
        (encode_task(a_training_task(classifier=a_document() | {"spec": {}})), "classifier.spec"),
        (encode_task(a_dataset_task()), "parent"),
    ],
)
def test_anything_else_is_refused_in_one_line(data: bytes, word: str) -> None:
    with pytest.raises(BadInputError) as caught:
        decode_task(data, TrainingTask)
    assert word in str(caught.value) or "unknown field" in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"parent": "x"}, "parent: must be a key"),
        ({"labels": {}}, "labels: must name a category"),
        ({"labels": {"a/..": "art"}}, "labels.a/..: must be a DNS label"),
    ],
)
def test_a_dataset_task_with_names_that_lead_elsewhere_is_refused(
    changed: dict[str, Any], word: str
) -> None:
    with pytest.raises(BadInputError, match=word):
        decode_task(encode_task(a_dataset_task(**changed)), DatasetTask)


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_noise_is_refused_whatever_it_is(data: bytes) -> None:
    with pytest.raises(BadInputError):
        decode_task(data, DatasetTask)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="No such file"):
        read_task(tmp_path / "task.json", DatasetTask)
    with pytest.raises(BadInputError, match="directory"):
        read_task(tmp_path, DatasetTask)
