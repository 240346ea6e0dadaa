"""Nobody waits for ever: redirects between busy sites, and streams that end while work goes on."""

import asyncio

from aiohttp import web

from artgrab.common.store import Store
from tests.support.drawn import jpeg
from tests.support.ingest_client import FINISH, batch, candidate, downloader, ingest, open_stream
from tests.support.ingest_client import outcomes as outcomes_of
from tests.support.playing_hosts import PlayingHosts


async def test_a_redirect_to_a_busy_site_holds_up_nobody(hosts: PlayingHosts, store: Store) -> None:
    direct = [hosts.put(f"http://b.test/{n}.jpg", jpeg(n)) for n in range(4)]
    target = hosts.put("http://b.test/moved.jpg", jpeg(9))

    async def move(request: web.Request) -> web.StreamResponse:
        while not hosts.asked("http://b.test/robots.txt"):
            await asyncio.sleep(0.01)
        return web.Response(status=302, headers={"Location": target})

    moved = hosts.handle("http://a.test/moved.jpg", move)
    limits = {"max_fetches": 1, "host_concurrency": 1}
    async with downloader(store, hosts.network, **limits) as endpoint:
        acks = await ingest(endpoint, map(candidate, [moved, *direct]))
    assert [outcome for outcome, _ in outcomes_of(acks).values()] == ["STORED"] * 5


async def test_a_stream_that_is_drained_after_its_finish_still_gets_its_acks(
    hosts: PlayingHosts, store: Store
) -> None:
    drained = asyncio.Event()

    async def late(request: web.Request) -> web.StreamResponse:
        await drained.wait()
        return web.Response(body=jpeg())

    url = hosts.handle("http://a.test/a.jpg", late)
    async with (
        downloader(store, hosts.network, stream_seconds=1.5) as endpoint,
        open_stream(endpoint) as stream,
    ):
        await stream.send(batch([candidate(url)]))
        await stream.send(FINISH)
        response = await stream.receive()
        assert response is not None
        assert response.WhichOneof("kind") == "drain"
        drained.set()
        (ack,) = await stream.receive_acks(1)
    assert outcomes_of([ack]) == {candidate(url).candidate_id: ("STORED", "")}
