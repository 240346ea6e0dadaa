"""A snapshot that lost rows to takedowns: who reads it, and what is learned from it."""

from pathlib import Path

import msgspec
import pytest

from artgrab.common.errors import BadInputError, ObjectCorruptError
from artgrab.common.keys import SCHEMA_VERSION
from artgrab.common.manifest import (
    Withdrawal,
    content_digest,
    left_of,
    read_manifest,
    read_snapshot_info,
    read_whole_manifest,
    withdrawal_key,
)
from artgrab.common.store import Store
from artgrab.model.weights import WeightsChoice
from artgrab.trainer.train import input_key
from tests.support.snapshots import SNAPSHOT, classifier, put_snapshot


def put_overlay(store: Store, *sources: str, schema_version: int = SCHEMA_VERSION) -> None:
    rows = dict.fromkeys(sources, "0" * 16)
    overlay = Withdrawal(rows=rows, schema_version=schema_version)
    store.put(withdrawal_key(SNAPSHOT), msgspec.json.encode(overlay))


def key_of(store: Store) -> str:
    rows = read_manifest(store, SNAPSHOT)
    info = left_of(read_snapshot_info(store, SNAPSHOT), rows)
    return input_key(info, rows, classifier(), WeightsChoice(source="random"))


def test_whoever_reads_it_sees_what_is_left_and_learns_another_model(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path))
    rows = put_snapshot(store, each=2)
    before, info = key_of(store), read_snapshot_info(store, SNAPSHOT)
    assert left_of(info, rows) is info
    put_overlay(store)
    assert key_of(store) == before
    put_overlay(store, rows[0].source_sha256)
    assert read_manifest(store, SNAPSHOT) == rows[1:]
    assert read_whole_manifest(store, SNAPSHOT) == rows
    assert key_of(store) != before
    left = left_of(info, rows[1:])
    assert (left.images, left.withdrawn, sum(left.splits.values())) == (7, 1, 7)
    assert left.content_sha256 == content_digest(rows[1:])
    assert left.input_key == info.input_key


def test_an_overlay_that_cannot_be_read_hides_nothing(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path))
    put_snapshot(store, each=1)
    put_overlay(store, schema_version=SCHEMA_VERSION + 1)
    with pytest.raises(BadInputError, match=r"withdrawn\.json.*newer artgrab"):
        read_manifest(store, SNAPSHOT)
    store.put(withdrawal_key(SNAPSHOT), b"{")
    with pytest.raises(ObjectCorruptError, match=r"withdrawn\.json"):
        read_manifest(store, SNAPSHOT)
