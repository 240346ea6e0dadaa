"""The ingest protocol against the real server: credits, acks, drains, resends, refusals."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from artgrab.common.record_parts import read_records
from artgrab.common.records import RecordOutcome
from artgrab.common.store import Store
from tests.support.drawn import jpeg
from tests.support.ingest_client import (
    candidate,
    downloader,
    ingest,
    outcomes,
)
from tests.support.playing_hosts import PlayingHosts, playing_hosts


@pytest.fixture
async def hosts() -> AsyncIterator[PlayingHosts]:
    async with playing_hosts() as playing:
        yield playing


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(str(tmp_path / "store"))


async def test_a_picture_is_stored_with_a_record_that_can_answer_for_it(
    hosts: PlayingHosts, store: Store
) -> None:
    url = hosts.put("http://img.one.test/a.jpg", jpeg())
    wanted = candidate(url, page_url="http://one.test/", title="A cat", rank=3)
    async with downloader(store, hosts.network) as endpoint:
        acks = await ingest(endpoint, [wanted])
    assert outcomes(acks) == {wanted.candidate_id: ("STORED", "")}
    records = read_records(store, namespace="default", category="cats")
    record = records[wanted.candidate_id.hex()].record
    assert record.outcome is RecordOutcome.STORED
    assert record.candidate.title == "A cat"
    assert (record.source_width, record.source_height) == (320, 240)
    assert record.opt_out_decision == "none seen"
    store.get_verified(record.object_key, record.object_sha256)
