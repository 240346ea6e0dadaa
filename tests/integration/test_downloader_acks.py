"""What the downloader acknowledges: what is durable, once, and whoever asks for it again."""

import asyncio
from typing import Any

import grpc
import pytest
from aiohttp import web

from artgrab.common.records import RecordOutcome
from artgrab.common.store import Store
from artgrab.images import SharedMemory
from artgrab.v1 import ingest_service_pb2 as pb
from tests.support.downloads import pictures_kept, put_held_picture, put_pictures, recorded
from tests.support.drawn import jpeg
from tests.support.failing_store import GatedStore
from tests.support.ingest_client import (
    batch,
    candidate,
    downloader,
    ingest,
    ingest_one,
    open_stream,
    outcomes,
)
from tests.support.playing_hosts import PlayingHosts


async def test_a_picture_is_stored_with_a_record_that_can_answer_for_it(
    hosts: PlayingHosts, store: Store
) -> None:
    url = hosts.put("http://img.one.test/a.jpg", jpeg(), headers={"ETag": "x"})
    wanted = candidate(url, page_url="http://one.test/", title="A cat", rank=3)
    async with downloader(store, hosts.network) as endpoint:
        acks = await ingest(endpoint, [wanted])
    assert outcomes(acks) == {wanted.candidate_id: ("STORED", "")}
    record = recorded(store)[wanted.candidate_id.hex()].record
    assert record.outcome is RecordOutcome.STORED
    assert (record.candidate.title, record.candidate.rank) == ("A cat", 3)
    assert (record.source_width, record.source_height) == (320, 240)
    assert (record.http_status, record.headers["etag"]) == (200, "x")
    assert record.opt_out_decision.startswith("allowed: none seen in robots.txt, tdmrep.json,")
    store.get_verified(record.object_key, record.object_sha256)


async def test_nothing_is_acknowledged_before_it_is_durable(
    hosts: PlayingHosts, store_uri: str
) -> None:
    store = GatedStore.open(store_uri)
    (wanted,) = put_pictures(hosts, 1)
    async with downloader(store, hosts.network) as endpoint, open_stream(endpoint) as stream:
        await stream.send(batch([wanted]))
        await store.asked.wait()
        assert await stream.is_silent(0.5)
        store.gate.set()
        (ack,) = await stream.receive_acks(1)
        assert ack.outcome == pb.OUTCOME_STORED
        assert recorded(store)[wanted.candidate_id.hex()].record.outcome is RecordOutcome.STORED


async def test_a_body_is_gone_while_a_store_takes_its_time_with_the_picture(
    hosts: PlayingHosts, store_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    memories = list[SharedMemory]()

    def shared(size: int, *, most: int) -> SharedMemory:
        memories.append(SharedMemory(size, most=most))
        return memories[-1]

    monkeypatch.setattr("artgrab.downloader.server.SharedMemory", shared)
    store = GatedStore.open(store_uri)
    (wanted,) = put_pictures(hosts, 1)
    async with downloader(store, hosts.network) as endpoint, open_stream(endpoint) as stream:
        await stream.send(batch([wanted]))
        await store.asked.wait()
        (memory,) = memories
        assert memory.find(memory.take(1)) == 0
        store.gate.set()
        (ack,) = await stream.receive_acks(1)
        assert ack.outcome == pb.OUTCOME_STORED


async def test_a_failing_store_ends_the_stream_and_the_service_lives_on(
    hosts: PlayingHosts, store_uri: str
) -> None:
    store = GatedStore.open(store_uri)
    store.gate.set()
    store.failing = True
    wanted = put_pictures(hosts, 2)
    async with downloader(store, hosts.network) as endpoint:
        async with open_stream(endpoint) as stream:
            await stream.send(batch(wanted))
            with pytest.raises(grpc.aio.AioRpcError, match="the store is full"):
                await stream.receive_acks(1)
            assert await stream.code() is grpc.StatusCode.UNAVAILABLE
        assert not recorded(store)
        store.failing = False
        acks = await ingest(endpoint, wanted)
    assert {outcome for outcome, _ in outcomes(acks).values()} == {"STORED"}


async def test_what_a_lost_stream_left_unacknowledged_is_settled_on_the_next(
    hosts: PlayingHosts, store_uri: str
) -> None:
    store = GatedStore.open(store_uri)
    wanted = put_pictures(hosts, 3)
    async with downloader(store, hosts.network) as endpoint:
        async with open_stream(endpoint) as stream:
            await stream.send(batch(wanted))
            await store.asked.wait()
        store.gate.set()
        acks = await ingest(endpoint, wanted)
    assert set(outcomes(acks)) == {one.candidate_id for one in wanted}
    assert len(recorded(store)) == pictures_kept(store) == 3


async def test_what_is_recorded_is_not_fetched_again_by_this_server_or_the_next(
    hosts: PlayingHosts, store: Store
) -> None:
    stored = hosts.put("http://good.test/a.jpg", jpeg())
    missing = hosts.put("http://missing.test/a.jpg", status=404)
    wanted = [candidate(stored), candidate(missing)]
    async with downloader(store, hosts.network) as endpoint:
        assert len(await ingest(endpoint, wanted)) == 2
        again = outcomes(await ingest(endpoint, wanted))
    async with downloader(store, hosts.network) as endpoint:
        another = outcomes(await ingest(endpoint, wanted, run_id="run-2"))
    assert again == another
    assert list(again.values()) == [("ALREADY_RECORDED", "STORED"), ("ALREADY_RECORDED", "FAILED")]
    assert hosts.asked(stored) == hosts.asked(missing) == 1


async def test_a_rejection_holds_only_under_the_same_filters(
    hosts: PlayingHosts, store: Store
) -> None:
    url = hosts.put("http://small.test/a.jpg", jpeg(width=100, height=80))
    strict, loose = pb.Filters(min_side=96), pb.Filters(min_side=64)
    async with downloader(store, hosts.network) as endpoint:
        found = [
            await ingest_one(endpoint, url, filters=filters) for filters in (strict, strict, loose)
        ]
    assert found == [("REJECTED", "too-small"), ("ALREADY_RECORDED", "REJECTED"), ("STORED", "")]


async def test_who_opted_out_is_asked_again_in_the_next_run_only(
    hosts: PlayingHosts, store: Store
) -> None:
    url = hosts.put("http://a.test/a.jpg", jpeg(), headers={"X-Robots-Tag": "noai"})
    async with downloader(store, hosts.network) as endpoint:
        found = [await ingest_one(endpoint, url) for _ in range(2)]
        hosts.put("http://a.test/a.jpg", jpeg())
        found += [await ingest_one(endpoint, url, run_id=run) for run in ("run-1", "run-2")]
    already = ("ALREADY_RECORDED", "REJECTED")
    assert found == [("REJECTED", "opt-out"), already, already, ("STORED", "")]


async def test_a_passing_failure_is_tried_once_in_a_run_and_again_in_the_next(
    hosts: PlayingHosts, store: Store
) -> None:
    url = hosts.put("http://sick.test/a.jpg", status=501)
    async with downloader(store, hosts.network) as endpoint:
        found = [await ingest_one(endpoint, url, run_id=run) for run in ("run-1", "run-1", "run-2")]
    assert found == [("FAILED", "http-501"), ("ALREADY_RECORDED", "FAILED"), ("FAILED", "http-501")]
    assert hosts.asked(url) == 2


async def test_a_url_met_again_elsewhere_becomes_a_sighting_once(
    hosts: PlayingHosts, store: Store
) -> None:
    url = hosts.put("http://one.test/a.jpg", jpeg())
    ways: list[dict[str, Any]] = [
        {"query": "cats", "rank": 5},
        {"query": "kittens", "rank": 1},
        {"query": "kittens", "rank": 1},
        {"query": "cats", "page_url": "http://page.test/"},
        {"query": "cats", "rank": 5},
    ]
    async with downloader(store, hosts.network) as endpoint:
        for way in ways:
            await ingest(endpoint, [candidate(url, **way)])
    (merged,) = recorded(store).values()
    assert [(one.query, one.rank) for one in merged.sightings] == [
        ("cats", 0), ("kittens", 1), ("cats", 5)
    ]  # fmt: skip
    assert hosts.asked(url) == 1


async def test_a_candidate_under_way_is_joined_and_not_fetched_twice(
    hosts: PlayingHosts, store: Store
) -> None:
    url, asked, go = put_held_picture(hosts)
    same, other = candidate(url), candidate(url, query="kittens")
    (last,) = put_pictures(hosts, 1)
    async with (
        downloader(store, hosts.network) as endpoint,
        open_stream(endpoint) as first,
        open_stream(endpoint) as second,
    ):
        await first.send(batch([same]))
        await asked.wait()
        await second.send(batch([same, other, same, last]))
        # Candidates are taken in order: what came before this one is under way.
        assert outcomes(await second.receive_acks(1)) == {last.candidate_id: ("STORED", "")}
        go.set()
        acks = [*await first.receive_acks(1), *await second.receive_acks(3)]
    assert sorted(pb.Outcome.Name(ack.outcome) for ack in acks) == [
        "OUTCOME_ALREADY_RECORDED", "OUTCOME_STORED", "OUTCOME_STORED", "OUTCOME_STORED"
    ]  # fmt: skip
    assert hosts.asked(url) == 1
    merged = recorded(store)[same.candidate_id.hex()]
    assert {one.query for one in merged.sightings} == {"cats", "kittens"}


async def test_who_joined_takes_over_when_the_first_stream_is_lost(
    hosts: PlayingHosts, store: Store
) -> None:
    asked, go = asyncio.Event(), asyncio.Event()

    async def slow(request: web.Request) -> web.Response:
        asked.set()
        await go.wait()
        return web.Response(body=jpeg())

    wanted = candidate(hosts.handle("http://slow.test/a.jpg", slow))
    (last,) = put_pictures(hosts, 1)
    async with downloader(store, hosts.network) as endpoint, open_stream(endpoint) as second:
        async with open_stream(endpoint) as first:
            await first.send(batch([wanted]))
            await asked.wait()
            await second.send(batch([wanted, last]))
            assert outcomes(await second.receive_acks(1)) == {last.candidate_id: ("STORED", "")}
        go.set()
        assert outcomes(await second.receive_acks(1)) == {wanted.candidate_id: ("STORED", "")}


async def test_a_picture_found_at_two_urls_is_kept_once_with_two_records(
    hosts: PlayingHosts, store: Store
) -> None:
    urls = [hosts.put(f"http://{name}.test/a.jpg", jpeg()) for name in ("one", "two")]
    async with downloader(store, hosts.network) as endpoint:
        await ingest(endpoint, map(candidate, urls))
    assert len(recorded(store)) == 2
    assert pictures_kept(store) == 1


async def test_long_texts_of_hostile_pages_are_cut(hosts: PlayingHosts, store: Store) -> None:
    wanted = candidate(
        hosts.put("http://one.test/a.jpg", jpeg()), title="<b>" * 9000, page_url="x" * 99_999
    )
    async with downloader(store, hosts.network) as endpoint:
        await ingest(endpoint, [wanted])
    (merged,) = recorded(store).values()
    assert len(merged.candidate.title) == 1024
    assert len(merged.candidate.page_url) == 8192
