"""The stages one by one, as processes that know only the store and one another's addresses."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.jobs import small_documents
from tests.support.requirements import need
from tests.support.waiting import WAIT_SECONDS
from tests.world.world import World, demo_world, missing_requirements

pytestmark = [pytest.mark.timeout(600), pytest.mark.xdist_group("job")]


def environment(world: World) -> dict[str, str]:
    return os.environ | {
        "ARTGRAB_RESOLVE": json.dumps(world.resolve),
        "ARTGRAB_ALLOWED_TARGETS": json.dumps(world.allowed_targets),
    }


def artgrab(world: World, *arguments: str | Path) -> list[Any]:
    """Run a stage to its end; return the JSON documents that it answered."""
    command = [sys.executable, "-m", "artgrab.cli", *map(str, arguments)]
    done = subprocess.run(
        command, env=environment(world), capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


@contextmanager
def serving(world: World, *arguments: str | Path) -> Iterator[str]:
    """Run a server of ours; yields the endpoint it names, and asks it to end as Ctrl-C does."""
    command = [sys.executable, "-m", "artgrab.cli", *map(str, arguments), "--listen", "127.0.0.1:0"]
    server = subprocess.Popen(command, env=environment(world), stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        yield server.stdout.readline().split()[2].rstrip(";")
        server.terminate()
        assert server.wait(timeout=WAIT_SECONDS) == 0
    finally:
        server.kill()
        server.communicate()


@pytest.mark.bucket_only("what each stage finds there is all it knows; in a folder it is the same")
def test_the_stages_one_by_one_end_in_predictions(tmp_path: Path, store_uri: str) -> None:
    need(not missing_requirements(), packages=" ".join(missing_requirements()))
    documents = small_documents(tmp_path, categories=("clipart", "costumes", "fish"), limit=25)
    store = store_uri
    with demo_world() as world:
        with serving(world, "download", "--store", store) as downloader:
            scraped = artgrab(world, "scrape", documents, "--downloader", downloader)
        (snapshot,) = artgrab(world, "dataset", "build", documents, "--store", store)
        (model,) = artgrab(world, "train", documents, "--store", store)
        with serving(world, "serve", "art-or-not", "--store", store) as endpoint:
            asked = ("predict", world.held_out / "fish", world.held_out / "costumes")
            (predictions,) = artgrab(world, *asked, "--endpoint", endpoint, "--output", "json")

    assert [one["stored"] for one in scraped] == [25, 25, 26]
    assert snapshot["images"] <= 76
    assert model["trained"]
    assert {one["label"] for one in predictions} <= {"art", "not-art"}
    assert len(predictions) == 4


def test_a_stage_without_what_it_needs_names_the_one_before(tmp_path: Path) -> None:
    documents = small_documents(tmp_path, categories=("clipart", "fish"), limit=5)
    for command, needed in (
        (("train", documents), "artgrab dataset build"),
        (("serve", "art-or-not"), "artgrab run"),
    ):
        refused = subprocess.run(
            [sys.executable, "-m", "artgrab.cli", *map(str, command), "--store", str(tmp_path)],
            capture_output=True,
            text=True,
            timeout=WAIT_SECONDS,
        )
        assert refused.returncode == 2
        assert needed in refused.stderr
