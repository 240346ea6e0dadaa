"""Downloads into a folder and a bucket while downloaders, decode workers, the client and the server
of the bucket are killed: the short version of `make chaos`, with chosen kills instead of many."""

import random
from pathlib import Path

import pytest

from tests.chaos.downloads.lives import live
from tests.chaos.plans import Strike, Victim
from tests.support.s3 import S3Server

pytestmark = pytest.mark.timeout(900)

URLS = 100
IN_A_FOLDER = (
    Strike(0.4, 0.1, Victim.DOWNLOADER),
    Strike(0.2, 0.0, Victim.CLIENT),
    Strike(0.6, 0.0, Victim.DECODER),
    Strike(0.5, 0.2, Victim.DOWNLOADER),
    Strike(0.3, 0.1, Victim.DECODER),
    Strike(0.7, 0.1, Victim.CLIENT),
)
IN_A_BUCKET = (
    Strike(0.5, 0.1, Victim.STORE),
    Strike(0.3, 0.0, Victim.DOWNLOADER),
    Strike(0.5, 0.0, Victim.CLIENT),
    Strike(0.6, 0.2, Victim.STORE),
    Strike(0.2, 0.0, Victim.DECODER),
    Strike(0.4, 0.1, Victim.CLIENT),
)


async def assert_nothing_is_lost(
    kind: str, plan: tuple[Strike, ...], folder: Path, s3: S3Server | None = None
) -> None:
    """Let a store live through a plan, and print what was wrong with its end."""
    life = await live(
        kind,
        folder / kind,
        urls=URLS,
        plan=plan,
        downloaders=2,
        s3=s3,
        randomness=random.Random(7),
        told=lambda victim: None,
    )
    found = life.audit
    assert life.problems == []
    assert found.lost == []
    assert found.duplicates == []
    assert found.orphans == []
    assert found.refetched_after_ack == []
    assert found.outcomes.total() == URLS
    assert life.kills.total() == len(plan), "another where one is not there for long"


async def test_what_dies_around_a_folder_loses_nothing_and_does_nothing_twice(
    tmp_path: Path,
) -> None:
    await assert_nothing_is_lost("folder", IN_A_FOLDER, tmp_path)


async def test_what_dies_around_a_bucket_its_server_included_loses_nothing(
    tmp_path: Path, s3: S3Server
) -> None:
    await assert_nothing_is_lost("s3", IN_A_BUCKET, tmp_path, s3)
