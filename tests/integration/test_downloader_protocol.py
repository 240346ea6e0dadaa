"""The ingest protocol against the real server: credits, acks, drains, resends, refusals."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from aiohttp import web
from grpc_health.v1 import health_pb2, health_pb2_grpc

from artgrab.common.errors import BadInputError, SurroundingsError
from artgrab.common.keys import images_prefix
from artgrab.common.network import NetworkSettings
from artgrab.common.record_parts import read_records
from artgrab.common.records import MergedRecord, RecordOutcome
from artgrab.common.store import Store
from artgrab.v1 import ingest_service_pb2 as pb
from tests.support.drawn import jpeg
from tests.support.failing_store import GatedStore
from tests.support.ingest_client import (
    FINISH,
    batch,
    candidate,
    downloader,
    hello,
    ingest,
    ingest_one,
    open_stream,
    outcomes,
    raw_stream,
)
from tests.support.playing_hosts import PlayingHosts, playing_hosts


@pytest.fixture
async def hosts() -> AsyncIterator[PlayingHosts]:
    async with playing_hosts() as playing:
        yield playing


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(str(tmp_path / "store"))


def recorded(store: Store) -> dict[str, MergedRecord]:
    return read_records(store, namespace="default", category="cats")


def objects(store: Store) -> list[str]:
    return [info.key for info in store.list(images_prefix("default", "cats"))]


def pictures(hosts: PlayingHosts, count: int) -> list[pb.Candidate]:
    """Put pictures on as many hosts and return their candidates."""
    urls = [f"http://img.site-{number}.test/a.jpg" for number in range(count)]
    return [candidate(hosts.put(url, jpeg(seed))) for seed, url in enumerate(urls)]


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
    assert record.opt_out_decision == "none seen"
    store.get_verified(record.object_key, record.object_sha256)


@pytest.mark.parametrize(
    "first",
    [
        FINISH,
        batch([]),
        pb.IngestRequest(),
        hello(namespace=""),
        hello(namespace="../etc"),
        hello(category="UPPER"),
        hello(category="a/b"),
        hello(category="a" * 64),
        hello(run_id=""),
        hello(run_id="a/b"),
        hello(run_id=".."),
        hello(filters=pb.Filters(min_side=100_000)),
    ],
)
async def test_a_stream_that_begins_badly_is_refused(
    first: pb.IngestRequest, store: Store, hosts: PlayingHosts
) -> None:
    async with downloader(store, hosts.network) as endpoint, raw_stream(endpoint) as stream:
        await stream.send(first)
        assert await stream.code() is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize(
    "request_",
    [
        hello(),
        pb.IngestRequest(),
        batch([pb.Candidate(candidate_id=b"\0" * 32, url="http://a.test/")]),
        batch([pb.Candidate(candidate_id=b"", url="http://a.test/")]),
        batch([pb.Candidate(candidate_id=b"\0" * 32, url="file:///etc/passwd")]),
        batch([pb.Candidate(candidate_id=b"\0" * 32, url="http://[::/")]),
    ],
)
async def test_a_stream_that_goes_on_badly_is_ended(
    request_: pb.IngestRequest, store: Store, hosts: PlayingHosts
) -> None:
    async with downloader(store, hosts.network) as endpoint, open_stream(endpoint) as stream:
        await stream.send(request_)
        assert await stream.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert not recorded(store)


async def test_credits_are_granted_and_come_back_as_work_ends(
    hosts: PlayingHosts, store: Store
) -> None:
    wanted = pictures(hosts, 6)
    async with (
        downloader(store, hosts.network, credits=3) as endpoint,
        open_stream(endpoint) as stream,
    ):
        assert stream.credits == 3
        for half in (wanted[:3], wanted[3:]):
            await stream.send(batch(half))
            assert len(await stream.receive_acks(3)) == 3
            while stream.credits < 6:
                await stream.receive()
        await stream.send(FINISH)
        await stream.receive_all()
        assert await stream.code() is grpc.StatusCode.OK


async def test_more_candidates_than_granted_end_the_stream(
    hosts: PlayingHosts, store: Store
) -> None:
    async with (
        downloader(store, hosts.network, credits=3) as endpoint,
        open_stream(endpoint) as stream,
    ):
        await stream.send(batch(pictures(hosts, 4)))
        assert await stream.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_finish_with_nothing_sent_ends_the_stream_well(
    hosts: PlayingHosts, store: Store
) -> None:
    async with downloader(store, hosts.network) as endpoint:
        assert await ingest(endpoint, []) == []


async def test_nothing_is_acknowledged_before_it_is_durable(
    hosts: PlayingHosts, tmp_path: Path
) -> None:
    store = GatedStore(tmp_path)
    (wanted,) = pictures(hosts, 1)
    async with downloader(store, hosts.network) as endpoint, open_stream(endpoint) as stream:
        await stream.send(batch([wanted]))
        await store.asked.wait()
        assert await stream.is_silent(0.5)
        store.gate.set()
        (ack,) = await stream.receive_acks(1)
        assert ack.outcome == pb.OUTCOME_STORED
        assert recorded(store)[wanted.candidate_id.hex()].record.outcome is RecordOutcome.STORED


async def test_a_failing_store_ends_the_stream_and_the_service_lives_on(
    hosts: PlayingHosts, tmp_path: Path
) -> None:
    store = GatedStore(tmp_path)
    store.gate.set()
    store.failing = True
    wanted = pictures(hosts, 2)
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


async def test_a_busy_host_is_answered_with_retry_later_and_the_credit_comes_back(
    hosts: PlayingHosts, store: Store
) -> None:
    url = hosts.put("http://busy.test/a.jpg", status=429, headers={"Retry-After": "7"})
    (other,) = pictures(hosts, 1)
    async with (
        downloader(store, hosts.network, credits=2) as endpoint,
        open_stream(endpoint) as stream,
    ):
        await stream.send(batch([candidate(url), other]))
        acks = {ack.candidate_id: ack for ack in await stream.receive_acks(2)}
        busy = acks[candidate(url).candidate_id]
        assert busy.outcome == pb.OUTCOME_RETRY_LATER
        assert busy.retry_after.seconds == 7
        while stream.credits < 4:
            await stream.receive()
        await stream.send(batch([candidate(url)]))
        (again,) = await stream.receive_acks(1)
        assert again.outcome == pb.OUTCOME_RETRY_LATER
        assert hosts.asked(url) == 1
    assert list(recorded(store)) == [other.candidate_id.hex()]


async def test_a_drained_stream_acknowledges_what_is_under_way_and_then_ends_well(
    hosts: PlayingHosts, store: Store
) -> None:
    go = asyncio.Event()

    async def slow(request: web.Request) -> web.Response:
        await go.wait()
        return web.Response(body=jpeg())

    url = hosts.handle("http://slow.test/a.jpg", slow)
    async with (
        downloader(store, hosts.network, stream_seconds=0.5) as endpoint,
        open_stream(endpoint) as stream,
    ):
        await stream.send(batch([candidate(url)]))
        response = await stream.receive()
        assert response is not None
        assert response.WhichOneof("kind") == "drain"
        assert response.drain.grace.seconds == 45
        go.set()
        assert outcomes(await stream.receive_acks(1)) == {
            candidate(url).candidate_id: ("STORED", "")
        }
        assert await stream.receive() is None
        assert await stream.code() is grpc.StatusCode.OK


async def test_a_drain_does_not_wait_longer_than_its_grace(
    hosts: PlayingHosts, store: Store
) -> None:
    async def never(request: web.Request) -> web.Response:
        await asyncio.sleep(3600)
        return web.Response()

    url = hosts.handle("http://never.test/a.jpg", never)
    async with (
        downloader(store, hosts.network, stream_seconds=0.3, drain_grace_seconds=0.3) as endpoint,
        open_stream(endpoint) as stream,
    ):
        await stream.send(batch([candidate(url)]))
        kinds = [response.WhichOneof("kind") for response in await stream.receive_all()]
        assert kinds == ["drain"]
        assert await stream.code() is grpc.StatusCode.OK
    assert not recorded(store)


async def test_what_a_lost_stream_left_unacknowledged_is_settled_on_the_next(
    hosts: PlayingHosts, tmp_path: Path
) -> None:
    store = GatedStore(tmp_path)
    wanted = pictures(hosts, 3)
    async with downloader(store, hosts.network) as endpoint:
        async with open_stream(endpoint) as stream:
            await stream.send(batch(wanted))
            await store.asked.wait()
        store.gate.set()
        acks = await ingest(endpoint, wanted)
    assert set(outcomes(acks)) == {one.candidate_id for one in wanted}
    assert len(recorded(store)) == len(objects(store)) == 3


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
    asked, go = asyncio.Event(), asyncio.Event()

    async def slow(request: web.Request) -> web.Response:
        asked.set()
        await go.wait()
        return web.Response(body=jpeg())

    url = hosts.handle("http://slow.test/a.jpg", slow)
    same, other = candidate(url), candidate(url, query="kittens")
    async with downloader(store, hosts.network) as endpoint, open_stream(endpoint) as stream:
        await stream.send(batch([same]))
        await asked.wait()
        joining = asyncio.create_task(ingest(endpoint, [same, other]))
        await stream.send(batch([same]))
        go.set()
        joined = await joining
        acks = [*joined, *await stream.receive_acks(2)]
    assert sorted(pb.Outcome.Name(ack.outcome) for ack in acks) == [
        "OUTCOME_ALREADY_RECORDED", "OUTCOME_STORED", "OUTCOME_STORED", "OUTCOME_STORED"
    ]  # fmt: skip
    assert hosts.asked(url) == 1
    (merged,) = recorded(store).values()
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
    async with downloader(store, hosts.network) as endpoint:
        async with open_stream(endpoint) as first:
            await first.send(batch([wanted]))
            await asked.wait()
            joining = asyncio.create_task(ingest(endpoint, [wanted]))
        go.set()
        assert outcomes(await joining) == {wanted.candidate_id: ("STORED", "")}


async def test_a_site_of_another_downloader_is_not_fetched(
    hosts: PlayingHosts, store: Store
) -> None:
    settings = {
        "addresses": ["127.0.0.1:1", "127.0.0.1:2"],
        "own_address": "127.0.0.1:1",
        "resolve_seconds": 0.2,
    }
    wanted = pictures(hosts, 20)
    async with downloader(store, hosts.network, **settings) as endpoint:
        async with asyncio.timeout(20):
            while len(recorded(store)) == 0:
                found = outcomes(await ingest(endpoint, wanted))
    assert ("RETRY_LATER", "other-owner") in found.values()
    kept = [one for one in wanted if found[one.candidate_id][0] != "RETRY_LATER"]
    assert 0 < len(kept) < 20
    assert sum(hosts.asked(one.url) for one in wanted) == len(kept)


async def test_a_picture_found_at_two_urls_is_kept_once_with_two_records(
    hosts: PlayingHosts, store: Store
) -> None:
    urls = [hosts.put(f"http://{name}.test/a.jpg", jpeg()) for name in ("one", "two")]
    async with downloader(store, hosts.network) as endpoint:
        await ingest(endpoint, map(candidate, urls))
    assert len(recorded(store)) == 2
    assert len(objects(store)) == 1


async def test_long_texts_of_hostile_pages_are_cut(hosts: PlayingHosts, store: Store) -> None:
    wanted = candidate(
        hosts.put("http://one.test/a.jpg", jpeg()), title="<b>" * 9000, page_url="x" * 99_999
    )
    async with downloader(store, hosts.network) as endpoint:
        await ingest(endpoint, [wanted])
    (merged,) = recorded(store).values()
    assert len(merged.candidate.title) == 1024
    assert len(merged.candidate.page_url) == 8192


async def test_health_is_told(hosts: PlayingHosts, store: Store) -> None:
    async with (
        downloader(store, hosts.network) as endpoint,
        grpc.aio.insecure_channel(endpoint) as channel,
    ):
        stub = health_pb2_grpc.HealthStub(channel)
        for name in ("", "artgrab.v1.IngestService"):
            answer = await stub.Check(health_pb2.HealthCheckRequest(service=name))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING


@pytest.mark.parametrize("listen", ["0.0.0.0:0", "[::]:0", "192.0.2.1:50051", "here", "1.2.3.4:x"])
async def test_without_a_key_it_listens_on_loopback_only(listen: str, store: Store) -> None:
    with pytest.raises(BadInputError, match="--listen"):
        async with downloader(store, NetworkSettings(), listen=listen):
            pass


async def test_a_taken_port_is_a_failure_of_the_surroundings(
    store: Store, hosts: PlayingHosts
) -> None:
    with pytest.raises(SurroundingsError, match="another port"):
        async with downloader(store, hosts.network, listen=f"127.0.0.1:{hosts.port}"):
            pass


async def test_counts_are_served_as_metrics(
    hosts: PlayingHosts, store: Store, unused_tcp_port: int
) -> None:
    import aiohttp

    async with downloader(store, hosts.network, metrics_port=unused_tcp_port) as endpoint:
        await ingest(endpoint, pictures(hosts, 2))
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{unused_tcp_port}/metrics") as response,
        ):
            text = await response.text()
    assert 'artgrab_downloader_candidates_total{outcome="STORED",reason=""} 2.0' in text
    assert ".test" not in text
