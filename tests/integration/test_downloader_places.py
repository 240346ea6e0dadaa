"""Places for streams: many that are silent, many of one run, and one more than there may be."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack

import grpc
import pytest

from artgrab.common.records import Candidate
from artgrab.common.store import Store
from artgrab.common.urls import candidate_id
from artgrab.downloader.pipeline import Filters, Task
from artgrab.downloader.places import STREAMS_OF_A_RUN, Places
from artgrab.downloader.translations import ProtocolError
from artgrab.scraper.ingest import IngestClient
from artgrab.scraper.ingest_messages import Acked
from artgrab.scraper.lanes import Policy
from artgrab.v1 import ingest_service_pb2_grpc as pb_grpc
from tests.support.downloads import put_pictures
from tests.support.ingest_client import Stream, downloader, hello, ingest, open_stream
from tests.support.playing_hosts import PlayingHosts
from tests.support.waiting import eventually

Code = grpc.StatusCode


@pytest.mark.folder_only("about streams")
async def test_a_thousand_streams_that_say_nothing_keep_nobody_out(
    hosts: PlayingHosts, store: Store
) -> None:
    wanted = put_pictures(hosts, 1)
    async with (
        downloader(store, hosts.network, max_streams=50) as endpoint,
        AsyncExitStack() as stack,
    ):
        silent = []
        for _ in range(5):
            channel = await stack.enter_async_context(
                grpc.aio.insecure_channel(endpoint, (("grpc.use_local_subchannel_pool", 1),))
            )
            silent += [pb_grpc.IngestServiceStub(channel).Ingest() for _ in range(200)]
        await eventually(lambda: sum(call.done() for call in silent) >= 900)
        assert len(await ingest(endpoint, wanted)) == 1
        codes = Counter([await call.code() for call in silent if call.done()])
        assert codes.keys() <= {Code.RESOURCE_EXHAUSTED, Code.DEADLINE_EXCEEDED}


@pytest.mark.folder_only("about streams")
async def test_a_run_has_so_many_streams_and_another_is_served_beside_it(
    hosts: PlayingHosts, store: Store
) -> None:
    wanted = put_pictures(hosts, 1)
    async with (
        downloader(store, hosts.network) as endpoint,
        grpc.aio.insecure_channel(endpoint) as channel,
    ):
        stub = pb_grpc.IngestServiceStub(channel)
        many = [Stream(stub.Ingest()) for _ in range(STREAMS_OF_A_RUN)]
        for stream in many:
            await stream.send(hello())
        assert all([await stream.receive() for stream in many])
        one_more = Stream(stub.Ingest())
        await one_more.send(hello())
        code, told = await one_more.end()
        assert code is Code.RESOURCE_EXHAUSTED
        assert "end some first" in told
        assert len(await ingest(endpoint, wanted, run_id="run-2")) == 1


@pytest.mark.folder_only("about streams")
async def test_a_scraper_waits_where_all_places_are_taken(
    hosts: PlayingHosts, store: Store
) -> None:
    url = hosts.put("http://a.test/gone.jpg", status=404)
    policy = Policy(stream_attempts=10_000, resolve_seconds=60)
    tried = asyncio.Event()

    async def sleep(seconds: float) -> None:
        if seconds < policy.resolve_seconds:
            tried.set()
        await asyncio.sleep(min(seconds, 0.05))

    acked: list[Acked] = []
    async with (
        downloader(store, hosts.network, max_streams=1) as endpoint,
        IngestClient(
            [endpoint],
            hello=hello,
            on_ack=acked.append,
            policy=policy,
            sleep=sleep,
        ) as client,
    ):
        async with open_stream(endpoint, run_id="before"):
            tried.clear()
            await client.send(Candidate(candidate_id=candidate_id(url).hex(), url=url, source="x"))
            await tried.wait()
            assert not acked
        await client.finish()
    assert [one.reason for one in acked] == ["http-404"]


def _task(run_id: str) -> Task:
    return Task("default", "cats", run_id, Filters())


async def test_where_all_places_are_of_streams_that_speak_the_next_is_sent_away() -> None:
    places = Places(most=2)
    with places.taken(_task("a")), places.taken(_task("b")):
        with pytest.raises(ProtocolError, match="MAX_STREAMS") as refused, places.silent():
            pytest.fail("a third place of two")
        assert refused.value.code is Code.RESOURCE_EXHAUSTED
    with places.silent():
        pass


async def test_who_has_been_silent_longest_makes_room() -> None:
    places = Places(most=2)
    left: list[str] = []

    async def wait(name: str) -> None:
        with (
            pytest.raises(ProtocolError, match="others needed the place"),
            places.silent() as until,
        ):
            async with until:
                await asyncio.Event().wait()
        left.append(name)

    waiting = []
    for name in ("first", "second", "third", "fourth"):
        waiting.append(asyncio.create_task(wait(name)))
        await asyncio.sleep(0)
    await asyncio.gather(*waiting[:2])
    assert left == ["first", "second"]
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
