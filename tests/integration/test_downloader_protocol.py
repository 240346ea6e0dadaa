"""The ingest protocol against the real server: beginnings, credits, drains, refusals, health."""

import asyncio

import grpc
import pytest
from aiohttp import web
from grpc_health.v1 import health_pb2, health_pb2_grpc

from artgrab.common.errors import ArtgrabError, BadInputError, SurroundingsError
from artgrab.common.network import NetworkSettings
from artgrab.common.store import Store
from artgrab.v1 import ingest_service_pb2 as pb
from artgrab.v1 import ingest_service_pb2_grpc as pb_grpc
from tests.support.downloads import put_held_picture, put_pictures, recorded
from tests.support.drawn import jpeg
from tests.support.ingest_client import (
    FINISH,
    Stream,
    batch,
    candidate,
    downloader,
    end_run,
    hello,
    ingest,
    open_stream,
    outcomes,
    raw_stream,
)
from tests.support.playing_hosts import PlayingHosts
from tests.support.waiting import WAIT_SECONDS


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
    wanted = put_pictures(hosts, 6)
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
        await stream.send(batch(put_pictures(hosts, 4)))
        assert await stream.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_finish_with_nothing_sent_ends_the_stream_well(
    hosts: PlayingHosts, store: Store
) -> None:
    async with downloader(store, hosts.network) as endpoint:
        assert await ingest(endpoint, []) == []


@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_host_is_answered_with_retry_later_and_the_credit_comes_back(
    hosts: PlayingHosts, store: Store, status: int
) -> None:
    url = hosts.put("http://busy.test/a.jpg", status=status, headers={"Retry-After": "7"})
    (other,) = put_pictures(hosts, 1)
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
        downloader(store, hosts.network, stream_seconds=1.5) as endpoint,
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
        downloader(store, hosts.network, stream_seconds=1, drain_grace_seconds=0.3) as endpoint,
        open_stream(endpoint) as stream,
    ):
        await stream.send(batch([candidate(url)]))
        kinds = [response.WhichOneof("kind") for response in await stream.receive_all()]
        assert kinds == ["drain"]
        assert await stream.code() is grpc.StatusCode.OK
    assert not recorded(store)


async def test_a_draining_server_takes_no_new_stream_and_ends_no_run(
    hosts: PlayingHosts, store: Store
) -> None:
    url, asked, go = put_held_picture(hosts)
    stop = asyncio.Event()
    async with (
        downloader(store, hosts.network, stop=stop) as endpoint,
        grpc.aio.insecure_channel(endpoint) as channel,
    ):
        stub = pb_grpc.IngestServiceStub(channel)
        old = Stream(stub.Ingest())
        await old.send(hello())
        await old.send(batch([candidate(url)]))
        await asked.wait()
        stop.set()
        kinds = [response.WhichOneof("kind") for response in await _until_drained(old)]
        assert kinds == ["welcome", "drain"]
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await Stream(stub.Ingest()).receive()
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await end_run(endpoint)
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
        go.set()
        (ack,) = await old.receive_acks(1)
        assert ack.outcome == pb.OUTCOME_STORED
        assert await old.code() is grpc.StatusCode.OK


async def _until_drained(stream: Stream) -> list[pb.IngestResponse]:
    found: list[pb.IngestResponse] = []
    while not found or found[-1].WhichOneof("kind") != "drain":
        response = await stream.receive()
        assert response is not None
        found.append(response)
    return found


async def test_an_address_that_is_none_is_told_before_anything_is_served(store: Store) -> None:
    settings = {"addresses": ["downloader"], "own_address": "127.0.0.1:1"}
    with pytest.raises(BadInputError, match="downloader"):
        async with downloader(store, NetworkSettings(), **settings):
            pass


async def test_a_site_of_another_downloader_is_not_fetched(
    hosts: PlayingHosts, store: Store
) -> None:
    settings = {
        "addresses": ["127.0.0.1:1", "127.0.0.1:2"],
        "own_address": "127.0.0.1:1",
        "resolve_seconds": 0.2,
    }
    wanted = put_pictures(hosts, 20)
    async with downloader(store, hosts.network, **settings) as endpoint:
        async with asyncio.timeout(WAIT_SECONDS):
            while len(recorded(store)) == 0:
                found = outcomes(await ingest(endpoint, wanted))
    assert ("RETRY_LATER", "other-owner") in found.values()
    kept = [one for one in wanted if found[one.candidate_id][0] != "RETRY_LATER"]
    assert 0 < len(kept) < 20
    assert sum(hosts.asked(one.url) for one in wanted) == len(kept)


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
    with pytest.raises(ArtgrabError, match="--listen"):
        async with downloader(store, NetworkSettings(), listen=listen):
            pass


async def test_a_taken_port_is_a_failure_of_the_surroundings(
    store: Store, hosts: PlayingHosts
) -> None:
    with pytest.raises(SurroundingsError, match="choose another"):
        async with downloader(store, hosts.network, listen=f"127.0.0.1:{hosts.port}"):
            pass


async def test_a_port_for_metrics_that_is_taken_is_an_error_of_the_surroundings(
    hosts: PlayingHosts, store: Store
) -> None:
    with pytest.raises(SurroundingsError, match="METRICS_PORT"):
        async with downloader(store, hosts.network, metrics_port=hosts.port):
            pass


async def test_counts_are_served_as_metrics(
    hosts: PlayingHosts, store: Store, unused_tcp_port: int
) -> None:
    import aiohttp

    async with downloader(store, hosts.network, metrics_port=unused_tcp_port) as endpoint:
        await ingest(endpoint, put_pictures(hosts, 2))
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{unused_tcp_port}/metrics") as response,
        ):
            text = await response.text()
    assert 'artgrab_downloader_candidates_total{outcome="STORED",reason=""} 2.0' in text
    assert ".test" not in text
    for step in ("fetch", "decode", "store"):
        assert f'artgrab_downloader_step_seconds_count{{step="{step}"}} 2.0' in text
    for name in ("decoders", "hosts_busy", "hosts_blocked", "bytes_in_flight"):
        assert f"artgrab_downloader_{name} {float(name == 'decoders')}" in text
    assert "artgrab_downloader_fetched_bytes_total 0.0" not in text
