"""Dataset Jobs: a task in, a snapshot and a last word out."""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from artgrab.common.classifier_states import read_classifier_state
from artgrab.common.errors import (
    ArtgrabError,
    BadInputError,
    ObjectCorruptError,
    ObjectMissingError,
    PartlyDoneError,
)
from artgrab.common.keys import records_prefix
from artgrab.common.manifest import read_snapshot_info
from artgrab.common.progress import no_progress
from artgrab.common.store import Store
from artgrab.common.tasks import DatasetTask, encode_task
from artgrab.common.terminations import DatasetTermination, decode_last_word
from artgrab.dataset.tasks import build_asked
from tests.support.learning_tasks import arguments_of, document
from tests.support.stored import NAMESPACE, put_picture

LABELS = {"graffiti": "art", "tools": "not-art"}
SITES = 8


def fill(store: Store, *, sites: int = SITES) -> None:
    for category in LABELS:
        for site in range(sites):
            put_picture(store, category, f"http://img.{category}-{site}.test/1.jpg")


def options_of(folder: Path, store: Store, **task: Any) -> argparse.Namespace:
    fields = {"namespace": NAMESPACE, "classifier": document(), "labels": LABELS, **task}
    file = folder / "task.json"
    file.write_bytes(encode_task(DatasetTask(**fields)))
    return argparse.Namespace(
        store=store.uri, task=file, termination_message=folder / "word", metrics_port=None
    )


def run(options: argparse.Namespace) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "artgrab.dataset", *arguments_of(options)],
        env=os.environ | {"ARTGRAB_LOG_LEVEL": "WARNING"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def said(options: argparse.Namespace) -> DatasetTermination:
    word = decode_last_word(options.termination_message.read_bytes(), DatasetTermination)
    assert word is not None
    return word


def test_a_snapshot_is_built_told_and_remembered_and_the_same_again_is_no_other(
    store: Store, tmp_path: Path
) -> None:
    fill(store)
    options = options_of(tmp_path, store)
    ran = run(options)
    assert (ran.returncode, ran.stderr) == (0, "")
    word = said(options)
    prefix = f"{NAMESPACE}/datasets/{word.key}"
    info = read_snapshot_info(store, prefix)
    assert word == DatasetTermination(
        key=info.input_key,
        uri=store.uri_of(prefix),
        content_sha256=info.content_sha256,
        images=2 * SITES,
    )
    state = read_classifier_state(store, namespace=NAMESPACE, classifier="art-or-not")
    assert state.dataset == word.key
    assert build_asked(options, no_progress) == word


def test_a_later_snapshot_keeps_the_splits_of_its_parent(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path / "store"))
    fill(store)
    first = build_asked(options_of(tmp_path, store), no_progress)
    fill(store, sites=SITES + 2)
    second = build_asked(options_of(tmp_path, store, parent=first.key), no_progress)
    info = read_snapshot_info(store, f"{NAMESPACE}/datasets/{second.key}")
    assert info.parent == first.key
    assert second.images == 2 * (SITES + 2)


def test_a_class_without_pictures_is_an_input_that_must_change(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path / "store"))
    put_picture(store, "graffiti", "http://img.graffiti.test/1.jpg")
    options = options_of(tmp_path, store)
    ran = run(options)
    assert ran.returncode == BadInputError.exit_code
    assert ran.stderr.startswith("artgrab: category tools has no stored picture")
    assert ran.stderr.count("\n") == 1
    assert said(options).error == ran.stderr.removeprefix("artgrab: ").strip()


@pytest.mark.parametrize(
    ("damage", "error"),
    [
        ("no store", BadInputError),
        ("no parent", ObjectMissingError),
        ("corrupt records", ObjectCorruptError),
        ("no task", BadInputError),
        ("another task", BadInputError),
        ("nothing collected", PartlyDoneError),
    ],
)
def test_what_nothing_can_be_built_of_is_told(
    tmp_path: Path, damage: str, error: type[ArtgrabError]
) -> None:
    store = Store.open(str(tmp_path / "store"))
    parent = ""
    if damage != "nothing collected":
        fill(store)
    match damage:
        case "no store":
            store = Store.open(str(tmp_path / "another"))
            (tmp_path / "another").rmdir()
        case "no parent":
            parent = "a" * 64
        case "corrupt records":
            store.put(f"{records_prefix(NAMESPACE, 'tools')}/run-2/{'0' * 64}.jsonl", b"{")
    options = options_of(tmp_path, store, parent=parent)
    if damage == "no task":
        options.task.unlink()
    elif damage == "another task":
        options.task.write_bytes(b'{"namespace": "default", "snapshot": "x"}')
    with pytest.raises(error) as caught:
        build_asked(options, no_progress)
    assert caught.value.exit_code == error.exit_code
    assert "\n" not in str(caught.value)
