"""`artgrab run`, killed at points all over the job and started again, ends as if undisturbed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from artgrab.common.record_parts import read_records
from artgrab.common.records import RecordOutcome
from artgrab.common.store import Store
from tests.support.jobs import job, small_documents
from tests.support.requirements import need
from tests.world.world import World, demo_world, missing_requirements

CATEGORIES = ("clipart", "costumes", "landscape", "fish")

KILL_POINTS: dict[str, Callable[[Path], bool]] = {
    "first records": lambda store: any(store.glob("default/categories/*/records/*/*.jsonl")),
    "many pictures": lambda store: len(list(store.glob("default/categories/*/images/*"))) >= 60,
    "an ended scrape": lambda store: any(store.glob("default/categories/*/runs/*.json")),
    "half a dataset": lambda store: any(store.glob("default/datasets/*/*")),
    "a dataset": lambda store: any(store.glob("default/datasets/*/snapshot.json")),
    "some features": lambda store: any(store.glob("default/features/*/*")),
    "half a model": lambda store: any(store.glob("default/models/*/*")),
}
"""States of the store, not times: each is reached on any machine."""


def assert_no_picture_twice_and_none_missing(store: Store, category: str) -> None:
    merged = read_records(store, namespace="default", category=category)
    stored = [m.record for m in merged.values() if m.record.outcome is RecordOutcome.STORED]
    objects = [info.key for info in store.list(f"default/categories/{category}/images")]
    assert sorted({record.object_key for record in stored}) == sorted(objects)
    assert len({record.source_sha256 for record in stored}) == len(objects)


@pytest.mark.timeout(1200)
@pytest.mark.xdist_group("browser")
def test_a_run_killed_at_many_points_ends_in_the_same_dataset_and_model(tmp_path: Path) -> None:
    need(not missing_requirements(), packages=" ".join(missing_requirements()))
    documents = small_documents(tmp_path, categories=CATEGORIES, limit=40)
    with demo_world() as world:
        with job(world, documents, tmp_path / "quiet") as quiet:
            expected = quiet.result()
        disturbed = _run_disturbed(world, documents, tmp_path / "disturbed")
        with job(world, documents, tmp_path / "disturbed") as again:
            repeated = again.result()

    for part in ("dataset", "model"):
        assert disturbed[part]["content_sha256"] == expected[part]["content_sha256"], part
    assert disturbed["categories"] == expected["categories"]
    assert repeated["work"] == {"fetched": 0, "stored": 0, "trained": 0}
    for category in CATEGORIES:
        store = Store.open(str(tmp_path / "disturbed"))
        assert_no_picture_twice_and_none_missing(store, category)


def _run_disturbed(world: World, documents: Path, store: Path) -> dict[str, Any]:
    kills = 0
    for condition in KILL_POINTS.values():
        with job(world, documents, store) as disturbed:
            kills += disturbed.kill_when(condition)
    assert kills >= len(KILL_POINTS) - 1
    with job(world, documents, store) as last:
        return last.result()
