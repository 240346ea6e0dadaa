"""`artgrab run`, killed at points all over the job and started again, ends as if undisturbed.

The short version of `make chaos-run`: chosen points instead of many, and all that is checked there.
"""

import random
from collections.abc import Iterator, Sequence

import pytest

from tests.chaos.grounds import Grounds, grounds
from tests.chaos.jobs import Setting, running
from tests.chaos.lives import Life, Toll, Undisturbed, undisturbed
from tests.chaos.plans import Phase, Point, Victim
from tests.support.requirements import need
from tests.support.s3 import S3Server
from tests.world.world import demo_world, missing_requirements

pytestmark = [pytest.mark.timeout(1800), pytest.mark.xdist_group("job")]

IN_A_FOLDER = (
    Point(Phase.COLLECT, 0.1, Victim.BROWSER),
    Point(Phase.COLLECT, 0.4, Victim.DECODER),
    Point(Phase.COLLECT, 0.6, Victim.DOWNLOADER),
    Point(Phase.COLLECT, 0.8, Victim.TREE),
    Point(Phase.TRAIN, 0.5, Victim.TRAINER),
)
IN_A_BUCKET = (
    Point(Phase.COLLECT, 0.5, Victim.TREE),
    Point(Phase.DATASET, 0.5, Victim.TREE),
    Point(Phase.PREDICT, 0.3, Victim.SERVER),
)


@pytest.fixture(scope="module")
def field(s3_of_all_tests: S3Server) -> Iterator[Grounds]:
    need(not missing_requirements(), packages=" ".join(missing_requirements()))
    with demo_world() as world, grounds(world, s3_of_all_tests) as field:
        yield field


@pytest.fixture(scope="module")
def expected(field: Grounds) -> Undisturbed:
    return undisturbed(field.new("folder"))


def kill_at(points: Sequence[Point], setting: Setting, expected: Undisturbed) -> None:
    """Let a store live, and print what was wrong with its end."""
    toll = Toll()
    life = Life(setting, expected, toll, randomness=random.Random(7), told=lambda point: None)
    life.live(points)
    assert toll.problems == []
    # A job may end before its last point: machines differ.
    assert len(points) - 1 <= toll.kills.total() <= len(points)


def test_what_dies_in_a_folder_costs_nothing_and_nothing_is_done_again(
    field: Grounds, expected: Undisturbed
) -> None:
    setting = field.new("folder")
    kill_at(IN_A_FOLDER, setting, expected)
    with running(setting, setting.scratch) as repeated:
        assert repeated.result()["work"] == {"fetched": 0, "stored": 0, "trained": 0}


def test_what_dies_in_a_bucket_ends_in_the_very_same_dataset_and_model(
    field: Grounds, s3: S3Server, expected: Undisturbed
) -> None:
    kill_at(IN_A_BUCKET, field.new("s3"), expected)
