"""A store that a newer artgrab wrote: every kind of document is refused, and named."""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import safetensors.numpy

from artgrab.common.classifier_states import read_classifier_state
from artgrab.common.digests import sha256_hex
from artgrab.common.errors import BadInputError
from artgrab.common.keys import SCHEMA_VERSION, classifier_key, records_prefix, run_key
from artgrab.common.manifest import encode_manifest, read_manifest, read_snapshot_info
from artgrab.common.outcomes import count_outcomes
from artgrab.common.progress import no_progress
from artgrab.common.record_parts import compact, read_records
from artgrab.common.resources import ArtCategory
from artgrab.common.runs import read_run_summary, run_id_of
from artgrab.common.store import Store
from artgrab.common.stored import TABLE_METADATA
from artgrab.common.takedowns import read_takedowns
from artgrab.dataset.assignments import encode_sides, read_before
from artgrab.model.documents import parse_config, read_info
from artgrab.trainer.features import cached_features
from tests.support.snapshots import SNAPSHOT, put_snapshot
from tests.support.stored import candidate, put_entries, stored

NEWER = {"schema_version": SCHEMA_VERSION + 1, "what": "nobody knows yet", "outcome": 7}
RECORDS = records_prefix("default", "cats")
MODEL = "default/models/m"
CATEGORY = ArtCategory.model_validate(
    {
        "apiVersion": "artgrab.dev/v1alpha1",
        "kind": "ArtCategory",
        "metadata": {"name": "cats"},
        "spec": {"sources": [{"mediawiki": {"url": "https://wiki.test/w/api.php"}}]},
    }
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(str(tmp_path))


@contextmanager
def refused(name: str) -> Iterator[None]:
    """Expect one line with the document's name and what to do, and exit code 2."""
    with pytest.raises(BadInputError) as caught:
        yield
    message = str(caught.value)
    assert name in message
    assert "written by a newer artgrab; upgrade this one" in message
    assert "\n" not in message
    assert caught.value.exit_code == 2


def newer_table(data: bytes) -> bytes:
    """Return a table as a newer artgrab may write it."""
    table = pq.read_table(io.BytesIO(data))
    metadata = {**(table.schema.metadata or {}), **dict.fromkeys(TABLE_METADATA, b"2")}
    sink = io.BytesIO()
    pq.write_table(
        table.rename_columns(
            [f"new_{name}" for name in table.column_names]
        ).replace_schema_metadata(metadata),
        sink,
    )
    return sink.getvalue()


def read_all(store: Store) -> object:
    return read_records(store, namespace="default", category="cats")


def count_all(store: Store) -> object:
    return count_outcomes(store, namespace="default", category="cats")


@pytest.mark.parametrize("read", [read_all, count_all])
def test_a_part_of_records(store: Store, read: Callable[[Store], object]) -> None:
    one = stored(candidate("http://a.test/1"), category="cats", source_sha256="a" * 64)
    put_entries(store, "cats", [one])
    data = json.dumps(NEWER).encode() + b"\n"
    store.put(f"{RECORDS}/run/{sha256_hex(data)}.jsonl", data)
    with refused("records"):
        read(store)


@pytest.mark.parametrize("read", [read_all, count_all])
def test_a_record_that_this_artgrab_would_nearly_understand(
    store: Store, read: Callable[[Store], object]
) -> None:
    one = stored(candidate("http://a.test/1"), category="cats", source_sha256="a" * 64)
    put_entries(store, "cats", [one])
    (info,) = store.list(RECORDS)
    data = store.get(info.key).replace(b'"schema_version":1', b'"schema_version":2')
    store.delete([info.key])
    store.put(f"{RECORDS}/run/{sha256_hex(data)}.jsonl", data)
    with refused("records"):
        read(store)


@pytest.mark.parametrize("read", [read_all, count_all])
def test_an_index_of_records(store: Store, read: Callable[[Store], object]) -> None:
    for number in range(2):
        one = stored(candidate(f"http://a.test/{number}"), category="cats", source_sha256="a" * 64)
        put_entries(store, "cats", [one])
    assert compact(store, namespace="default", category="cats")
    (info,) = store.list(RECORDS)
    store.put(info.key, newer_table(store.get(info.key)))
    with refused("index-1.parquet"):
        read(store)


def test_a_snapshot(store: Store) -> None:
    store.put(f"{SNAPSHOT}/snapshot.json", json.dumps(NEWER).encode())
    with refused("snapshot.json"):
        read_snapshot_info(store, SNAPSHOT)


def test_the_manifest_of_a_snapshot(store: Store) -> None:
    rows = put_snapshot(store, each=1)
    store.put(f"{SNAPSHOT}/manifest.parquet", newer_table(encode_manifest(rows)))
    with refused("manifest.parquet"):
        read_manifest(store, SNAPSHOT)


def test_the_assignments_of_a_snapshot(store: Store) -> None:
    put_snapshot(store, each=1)
    store.put(f"{SNAPSHOT}/groups.parquet", newer_table(encode_sides({"a": "train"})))
    with refused("groups.parquet"):
        read_before(store, SNAPSHOT)


def test_what_was_withdrawn_from_a_snapshot(store: Store) -> None:
    put_snapshot(store, each=1)
    store.put(f"{SNAPSHOT}/withdrawn.json", json.dumps(NEWER).encode())
    with refused("withdrawn.json"):
        read_manifest(store, SNAPSHOT)


def test_a_model(store: Store) -> None:
    store.put(f"{MODEL}/model.json", json.dumps(NEWER).encode())
    with refused("model.json"):
        read_info(store, MODEL)


def test_the_settings_of_a_model() -> None:
    with refused("config.json"):
        parse_config(json.dumps(NEWER).encode(), where=MODEL)


def test_a_classifier(store: Store) -> None:
    store.put(classifier_key("default", "art"), json.dumps(NEWER).encode())
    with refused("classifiers/art.json"):
        read_classifier_state(store, namespace="default", classifier="art")


def test_a_run(store: Store) -> None:
    store.put(run_key("default", "cats", run_id_of(CATEGORY)), json.dumps(NEWER).encode())
    with refused("runs/"):
        read_run_summary(store, CATEGORY)


def test_a_takedown(store: Store) -> None:
    store.put(f"takedowns/{'a' * 16}.json", json.dumps(NEWER).encode())
    with refused("takedowns/"):
        read_takedowns(store)


def test_features(store: Store) -> None:
    data = safetensors.numpy.save({"new": np.zeros(3)}, metadata={"artgrab.schema_version": "2"})
    store.put(f"default/features/f/{sha256_hex(data)}.safetensors", data)
    with refused("features/f/"):
        cached_features(
            store,
            [],
            lambda pictures: np.zeros((len(pictures), 3), np.float32),
            prefix="default/features/f",
            threads=1,
            progress=no_progress,
            item="art",
        )
