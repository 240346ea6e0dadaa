"""README's first command, as it stands there: what it promises, and that it is done only once.

In a bucket the whole of it would take its minutes again and show no more: a part of its categories
goes all the way there in test_cli_survives_kills, which compares digests of both kinds of store.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.jobs import ROOT
from tests.support.requirements import need
from tests.world.catalogue import ART, EVERYDAY
from tests.world.world import missing_requirements

DONE = "ARTGRAB_DEMO_RUN"
"""Names a file with what `make -s run OUTPUT=json` has just answered, so that CI does it once."""


def first_run(folder: Path) -> dict[str, Any]:
    """Return the answer of a run that had everything to do: CI's own, or one of this test."""
    if name := os.environ.get(DONE):
        document: dict[str, Any] = json.loads(Path(name).read_text().splitlines()[-1])
        if document["work"]["trained"]:
            return document
    return make_run(folder / "store")


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
    first = first_run(tmp_path)
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

    store, _, _ = first["dataset"]["uri"].partition("/default/datasets/")
    assert_nothing_was_done(make_run(Path(store)), after=first)


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
