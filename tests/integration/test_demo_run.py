"""README's first command, as it stands there: what it promises, and that it is done only once.

In a bucket the whole of it would take its minutes again and show no more: a part of its categories
goes all the way there, and test_cli_survives_kills compares the digests of both kinds of store.
"""

import json
import subprocess
import uuid
from pathlib import Path
from typing import Any

import pytest

from artgrab.common.progress import no_progress
from artgrab.common.store import Store
from artgrab.dataset.verify import verify_store
from tests.support.jobs import ROOT, job, small_documents
from tests.support.requirements import need
from tests.support.s3 import BUCKET, S3Server
from tests.world.catalogue import ART, EVERYDAY
from tests.world.world import demo_world, missing_requirements


def make_run(store: Path) -> dict[str, Any]:
    command = ["make", "-s", "run", "OUTPUT=json", f"STORE={store}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1500)
    assert done.returncode == 0, done.stderr[-4000:]
    document: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return document


@pytest.mark.timeout(1800)
@pytest.mark.xdist_group("job")
def test_make_run_goes_from_categories_to_predictions_and_does_nothing_twice(
    tmp_path: Path,
) -> None:
    need(not missing_requirements(), packages=" ".join(missing_requirements()))
    first = make_run(tmp_path / "store")
    stored = {name: counts["stored"] for name, counts in first["categories"].items()}
    assert sorted(stored) == sorted(ART + EVERYDAY)
    assert min(stored.values()) >= 25
    assert sum(stored.values()) >= 1500
    assert first["work"] == {
        "fetched": sum(counts["candidates"] for counts in first["categories"].values()),
        "stored": sum(stored.values()),
        "trained": 1,
    }
    assert sorted(first["metrics"]["left_out"]) == sorted(stored)
    assert first["metrics"]["left_out_accuracy"] >= 0.78
    assert first["metrics"]["left_out_accuracy"] > first["metrics"]["left_out_baseline_accuracy"]
    assert_most_held_out_pictures_are_told_rightly(first["predictions"])

    assert_nothing_was_done(make_run(tmp_path / "store"), after=first)


@pytest.mark.timeout(600)
@pytest.mark.xdist_group("job")
def test_a_part_of_it_goes_all_the_way_in_a_bucket_and_does_nothing_twice(
    tmp_path: Path, s3: S3Server
) -> None:
    need(not missing_requirements(), packages=" ".join(missing_requirements()))
    store = f"s3://{BUCKET}/{uuid.uuid4().hex}/demo"
    with demo_world() as world:
        documents = small_documents(tmp_path, categories=("clipart", "energy", "fish"), limit=25)
        with job(world, documents, store, "--predict", str(world.held_out / "fish")) as running:
            first = running.result()
        with job(world, documents, store, "--predict", str(world.held_out / "fish")) as running:
            again = running.result()
    assert {name: one["stored"] for name, one in first["categories"].items()} == {
        "clipart": 25,
        "energy": 25,
        "fish": 26,
    }
    assert first["work"] == {"fetched": 76, "stored": 76, "trained": 1}
    assert first["dataset"]["uri"].startswith(store)
    assert len(first["predictions"]) == 2
    assert_nothing_was_done(again, after=first)
    assert verify_store(Store.open(store), progress=no_progress).problems == []


def assert_nothing_was_done(again: dict[str, Any], *, after: dict[str, Any]) -> None:
    assert again["work"] == {"fetched": 0, "stored": 0, "trained": 0}
    for part in ("categories", "dataset", "model", "metrics", "predictions"):
        assert again[part] == after[part], part


def assert_most_held_out_pictures_are_told_rightly(predictions: list[dict[str, Any]]) -> None:
    assert len(predictions) >= 10
    right = [
        one["label"] == ("art" if Path(one["image"]).parent.name in ART else "not-art")
        for one in predictions
    ]
    assert sum(right) >= 0.8 * len(right)
