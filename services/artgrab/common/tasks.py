"""Tasks of a classifier's Jobs: what an operator asks of a dataset or training process, as JSON."""

import re
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from artgrab.common.documents import refuse
from artgrab.common.documents.problems import Problem, check
from artgrab.common.errors import BadInputError
from artgrab.common.keys import SCHEMA_VERSION, is_label
from artgrab.common.resources import ArtClassifier
from artgrab.common.stored import refuse_newer
from artgrab.common.unreadable import UNREADABLE

MAX_BYTES = 262_144
"""Kubernetes takes no more of the annotations of an object."""

_KEY = re.compile(r"[0-9a-f]{64}")
_ADVICE = "the operator that made it must be of the same version"


class DatasetTask(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A snapshot to be built."""

    namespace: str
    """Of the classifier and its categories."""
    classifier: dict[str, Any]
    """The ArtClassifier as its document has it, in camelCase."""
    labels: dict[str, str]
    """The label of each category's pictures, by category."""
    parent: str = ""
    """Key of the snapshot that it follows; empty for a first one."""
    schema_version: int = SCHEMA_VERSION


class TrainingTask(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model to be trained."""

    namespace: str
    """Of the classifier."""
    classifier: dict[str, Any]
    """The ArtClassifier as its document has it, in camelCase."""
    snapshot: str
    """Key of the snapshot that is learned from."""
    served: str = ""
    """Key of the model that is served now and is judged by the same pictures; empty without one."""
    schema_version: int = SCHEMA_VERSION


TaskT = TypeVar("TaskT", bound=DatasetTask | TrainingTask)


def encode_task(task: DatasetTask | TrainingTask) -> bytes:
    """Return a task as JSON; equal tasks have equal bytes."""
    return msgspec.json.encode(task, order="deterministic")


def decode_task(data: bytes, kind: type[TaskT], *, where: str = "the task") -> TaskT:
    """Return a task that holds names, keys and a classifier as they must be.

    Args:
        data: JSON that a stranger may have written.
        kind: what it must be.
        where: it was read, for messages.

    Raises:
        BadInputError: it is something else; in one line.
    """
    if len(data) > MAX_BYTES:
        raise BadInputError(f"{where}: larger than {MAX_BYTES:,} bytes; {_ADVICE}")
    refuse_newer(data, where=where)
    try:
        task = msgspec.json.decode(data, type=kind)
    except UNREADABLE as error:
        raise BadInputError(f"{where}: {_one_line(str(error))}; {_ADVICE}") from error
    problems = _problems(task) + _classifier(task)[1]
    if problems:
        raise BadInputError(f"{where}: " + _one_line("; ".join(map(str, problems[:5]))))
    return task


def read_task(path: Path, kind: type[TaskT]) -> TaskT:
    """Return the task of a file.

    Raises:
        BadInputError: it cannot be read, or is no such task.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadInputError(f"--task {path}: {error.strerror}; give a file") from error
    return decode_task(data, kind, where=f"--task {path}")


def classifier_of(task: DatasetTask | TrainingTask) -> ArtClassifier:
    """Return the classifier of a task.

    Raises:
        BadInputError: something of it is wrong.
    """
    classifier, problems = _classifier(task)
    refuse([str(one) for one in problems])
    assert classifier is not None
    return classifier


def _classifier(task: DatasetTask | TrainingTask) -> tuple[ArtClassifier | None, list[Problem]]:
    classifier, problems = check(ArtClassifier, task.classifier)
    return classifier, [Problem(("classifier", *one.path), one.text) for one in problems]


def _problems(task: DatasetTask | TrainingTask) -> list[Problem]:
    problems = [] if is_label(task.namespace) else [Problem(("namespace",), "must be a DNS label")]
    if isinstance(task, TrainingTask):
        keys = {"snapshot": task.snapshot, "served": task.served or "0" * 64}
    else:
        keys = {"parent": task.parent or "0" * 64}
        problems += [
            Problem(("labels", name), "must be a DNS label")
            for name in (*task.labels, *task.labels.values())
            if not is_label(name)
        ]
        if not task.labels:
            problems.append(Problem(("labels",), "must name a category"))
    return problems + [
        Problem((name,), "must be a key: 64 hexadecimal digits")
        for name, key in keys.items()
        if not _KEY.fullmatch(key)
    ]


def _one_line(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)[:1000]
