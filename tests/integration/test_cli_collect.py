"""`artgrab run` where some categories cannot be scraped, on galleries of the demo world."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from tests.support.jobs import job, small_documents
from tests.support.requirements import need
from tests.world.world import World, demo_world, missing_requirements

pytestmark = [pytest.mark.timeout(600), pytest.mark.xdist_group("job")]


BOTH = ("energy", "backgrounds")


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    need(not missing_requirements(), packages=" ".join(missing_requirements()))
    with demo_world(wiki=False) as running:
        yield running


def collecting(folder: Path, *categories: str, broken: tuple[str, ...]) -> Path:
    """Write small categories; the selectors of the broken ones find nothing."""
    path = small_documents(folder, categories=categories, limit=5)
    documents = [d for d in yaml.safe_load_all(path.read_text()) if d["kind"] == "ArtCategory"]
    for document in documents:
        if document["metadata"]["name"] in broken:
            document["spec"]["sources"][0]["gallery"]["selectors"]["item"] = "div.moved-away"
    path.write_text(yaml.safe_dump_all(documents))
    return path


@pytest.mark.bucket_only("the other tests of this file are in folders")
def test_what_could_be_scraped_is_kept_and_the_rest_is_done_by_the_next_run(
    world: World, tmp_path: Path, store_uri: str
) -> None:
    documents = collecting(tmp_path, *BOTH, broken=("backgrounds",))
    with job(world, documents, store_uri) as partly:
        message = partly.failure(code=3)
    assert "backgrounds" in message
    assert "div.moved-away" in message

    with job(world, collecting(tmp_path, *BOTH, broken=()), store_uri) as again:
        result = again.result()
    assert result["work"] == {"fetched": 5, "stored": 5, "trained": 0}
    assert {name: one["stored"] for name, one in result["categories"].items()} == {
        "backgrounds": 5,
        "energy": 5,
    }


def test_where_nothing_could_be_scraped_the_surroundings_failed(
    world: World, tmp_path: Path
) -> None:
    documents = collecting(tmp_path, "energy", broken=("energy",))
    with job(world, documents, str(tmp_path / "store")) as failing:
        message = failing.failure(code=4)
    assert "energy" in message


def test_a_scrape_goes_on_with_the_other_categories_where_one_fails(
    world: World, tmp_path: Path
) -> None:
    documents = collecting(tmp_path, *BOTH, broken=BOTH[:1])
    store = str(tmp_path / "store")
    listen = ("download", "--store", store, "--listen", "127.0.0.1:0")
    with artgrab(world, *listen) as downloader:
        assert downloader.stdout is not None
        endpoint = downloader.stdout.readline().removeprefix("ready on ").partition(";")[0]
        with artgrab(world, "scrape", str(documents), "--downloader", endpoint) as scrape:
            out, err = scrape.communicate(timeout=300)
        downloader.terminate()
        downloader.communicate(timeout=60)
    assert scrape.returncode == 3, err
    assert downloader.returncode == 0
    assert [json.loads(line)["category"] for line in out.splitlines()] == [BOTH[1]]
    assert err.splitlines()[-1].startswith(f"artgrab: {BOTH[0]}: ")


@contextmanager
def artgrab(world: World, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start the command on the world; whatever happens, it is gone afterwards."""
    environment = os.environ | {
        "ARTGRAB_RESOLVE": json.dumps(world.resolve),
        "ARTGRAB_ALLOWED_TARGETS": json.dumps(world.allowed_targets),
    }
    with subprocess.Popen(
        [sys.executable, "-m", "artgrab.cli", *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()
