"""`artgrab run` where some categories cannot be scraped, on galleries of the demo world."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.support.jobs import job, small_documents
from tests.support.requirements import need
from tests.world.world import World, demo_world, missing_requirements

pytestmark = [pytest.mark.timeout(600), pytest.mark.xdist_group("browser")]


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


def test_what_could_be_scraped_is_kept_and_the_rest_is_done_by_the_next_run(
    world: World, tmp_path: Path
) -> None:
    with job(
        world, collecting(tmp_path, *BOTH, broken=("backgrounds",)), tmp_path / "store"
    ) as partly:
        message = partly.failure(code=3)
    assert "backgrounds" in message
    assert "div.moved-away" in message

    with job(world, collecting(tmp_path, *BOTH, broken=()), tmp_path / "store") as again:
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
    with job(world, documents, tmp_path / "store") as failing:
        message = failing.failure(code=4)
    assert "energy" in message
