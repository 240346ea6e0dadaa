"""`artgrab run`, killed at points all over the job and started again, ends as if undisturbed.

The short version of `make chaos-run`: chosen points instead of many, and all that is checked there.
The job that nobody kills is in a bucket, so that digests of both kinds of store are compared.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from artgrab.common.progress import no_progress
from artgrab.common.store import Store
from artgrab.dataset.verify import verify_store
from tests.chaos.grounds import LIMIT, Grounds, grounds
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
def bucket(s3_of_all_tests: S3Server) -> Iterator[None]:
    """Let this process find the bucket as the jobs do."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in s3_of_all_tests.environment.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def in_peace(field: Grounds) -> Setting:
    """Where a job is done that nobody kills."""
    return field.new("s3")


@pytest.fixture(scope="module")
def expected(in_peace: Setting, bucket: None) -> Undisturbed:
    return undisturbed(in_peace)


def test_a_job_that_nobody_kills_goes_all_the_way_in_a_bucket_and_does_nothing_twice(
    in_peace: Setting, expected: Undisturbed
) -> None:
    first = expected.answer
    stored = {name: counts["stored"] for name, counts in first["categories"].items()}
    assert stored == {"clipart": LIMIT, "costumes": LIMIT, "landscape": LIMIT, "fish": 26}
    total = sum(stored.values())
    assert first["work"] == {"fetched": total, "stored": total, "trained": 1}
    assert first["dataset"]["uri"].startswith(in_peace.store)
    assert {one["label"] for one in first["predictions"]} == {"art", "not-art"}
    assert_nothing_is_done(in_peace, after=first)
    assert verify_store(Store.open(in_peace.store), progress=no_progress).problems == []


def assert_nothing_is_done(setting: Setting, *, after: Mapping[str, Any]) -> None:
    with running(setting, setting.scratch) as repeated:
        again = repeated.result()
    assert again["work"] == {"fetched": 0, "stored": 0, "trained": 0}
    for part in ("categories", "dataset", "model", "metrics", "predictions"):
        assert again[part] == after[part], part


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
    field: Grounds, bucket: None, expected: Undisturbed
) -> None:
    kill_at(IN_A_BUCKET, field.new("s3"), expected)
