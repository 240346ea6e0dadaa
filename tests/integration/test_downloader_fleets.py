"""Several downloaders behind one name, as pods behind a headless Service: they come, leave and are
killed while a scraper streams; nothing is lost, and each site is asked by one of them alone."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest
from aiohttp import web

from artgrab.common.records import Candidate, RecordOutcome
from artgrab.common.store import Store
from artgrab.common.terminations import Counts
from artgrab.common.urls import candidate_id
from artgrab.downloader.sweep import sweep
from artgrab.scraper.ending import RunEnd, end_run
from artgrab.scraper.ingest import IngestClient
from artgrab.scraper.ingest_messages import Acked, AckOutcome, hello_message
from artgrab.scraper.lanes import Policy
from tests.support.downloads import pictures_kept, recorded
from tests.support.drawn import jpeg
from tests.support.fleet import Fleet, fleet
from tests.support.playing_hosts import PlayingHosts
from tests.support.waiting import WAIT_SECONDS, eventually

pytestmark = pytest.mark.timeout(400)

ADDRESSES = [f"127.0.0.{number}" for number in range(1, 5)]
SITES, PICTURES = 12, 36
LIMIT = 2
"""Fetches at once that a site stands."""
ANSWER_SECONDS = 0.3
INTERVAL_SECONDS = 2.0
"""Well above the time of an answer, which goes on at a site after whoever asked was killed."""
END = RunEnd(namespace="default", category="cats", run_id="run-1", reason="SourcesExhausted")


class Sites:
    """Counts who asks a site at the same moment."""

    def __init__(self, hosts: PlayingHosts) -> None:
        self.most: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        self._now: Counter[str] = Counter()
        self.urls = [
            hosts.handle(f"http://img.site-{site}.test/{number}.jpg", self._answer)
            for number in range(PICTURES)
            for site in range(SITES)
        ]
        self._bodies = {url: jpeg(seed) for seed, url in enumerate(self.urls)}

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        host, url = request.host, f"http://{request.host}{request.path}"
        self.asked[url] += 1
        self._now[host] += 1
        self.most[host] = max(self.most[host], self._now[host])
        try:
            await asyncio.sleep(ANSWER_SECONDS)
            return web.Response(body=self._bodies[url])
        finally:
            self._now[host] -= 1


def candidates(sites: Sites) -> list[Candidate]:
    return [
        Candidate(candidate_id=candidate_id(url).hex(), url=url, source="gallery")
        for url in sites.urls
    ]


def client_of(pods: Fleet, answers: list[Acked]) -> IngestClient:
    return IngestClient(
        [pods.endpoint],
        hello=lambda: hello_message(
            namespace="default", category="cats", run_id="run-1", token="", min_side=0
        ),
        on_ack=answers.append,
        policy=Policy(resolve_seconds=0.3, longest_pause_seconds=1.0, stream_attempts=100),
        lookup=pods.lookup,
    )


async def test_downloaders_come_and_go_and_no_site_or_picture_notices(
    hosts: PlayingHosts, store_uri: str, tmp_path: Path, unused_tcp_port: int
) -> None:
    sites, answers = Sites(hosts), list[Acked]()
    settings = {
        "host_concurrency": LIMIT,
        "resolve_seconds": INTERVAL_SECONDS,
        "stream_seconds": 2,
        "stop_grace_seconds": 5,
        "credits": 64,
    }
    wanted = candidates(sites)
    async with (
        asyncio.timeout(6 * WAIT_SECONDS),
        fleet(tmp_path, unused_tcp_port, store_uri, hosts.network, **settings) as pods,
    ):
        await asyncio.gather(*map(pods.join, ADDRESSES[:3]), *map(pods.start, ADDRESSES[3:]))
        events = [
            lambda: _shown(pods, ADDRESSES[3]),  # from here they are four
            lambda: pods.leave(ADDRESSES[0]),
            lambda: pods.kill(ADDRESSES[1]),
            lambda: pods.join(ADDRESSES[0]),
            lambda: pods.leave(ADDRESSES[2]),
            lambda: pods.join(ADDRESSES[2]),
        ]
        async with client_of(pods, answers) as client:
            await _send(client, wanted[:SITES])
            await _acked(answers, SITES)  # all sites are owned
            size = len(wanted) // len(events)
            for number, event in enumerate(events):
                before = len(answers)
                await _send(client, wanted[max(SITES, number * size) : (number + 1) * size])
                await _acked(answers, before + SITES)  # the others are under way or wait
                await event()
            await client.finish()
        counts = await end_run(END, endpoints=[pods.endpoint], lookup=pods.lookup)
    store, count = Store.open(store_uri), len(wanted)
    assert counts == Counts(candidates=count, stored=count)
    assert sorted(answer.candidate.url for answer in answers) == sorted(sites.urls)
    assert {one.outcome for one in answers} <= {AckOutcome.STORED, AckOutcome.ALREADY_RECORDED}
    found = recorded(store)
    assert {merged.record.outcome for merged in found.values()} == {RecordOutcome.STORED}
    assert len(found) == count
    sweep(store, namespace="default", category="cats")
    assert pictures_kept(store) == count
    assert max(sites.most.values()) <= LIMIT
    assert sum(sites.asked.values()) < 1.5 * count, "who comes and goes costs some fetches"


async def _shown(pods: Fleet, address: str) -> None:
    pods.show(address)


async def test_a_fleet_that_is_gone_for_a_while_is_waited_for(
    hosts: PlayingHosts, store_uri: str, tmp_path: Path, unused_tcp_port: int
) -> None:
    sites, answers = Sites(hosts), list[Acked]()
    settings = {"resolve_seconds": 0.4, "host_concurrency": LIMIT}
    async with (
        asyncio.timeout(6 * WAIT_SECONDS),
        fleet(tmp_path, unused_tcp_port, store_uri, hosts.network, **settings) as pods,
    ):
        await pods.join("127.0.0.1")
        async with client_of(pods, answers) as client:
            sending = asyncio.create_task(_send(client, candidates(sites)[:60]))
            await _acked(answers, 10)
            await pods.kill("127.0.0.1")
            ending = asyncio.create_task(
                end_run(END, endpoints=[pods.endpoint], lookup=pods.lookup)
            )
            await pods.join("127.0.0.2")
            await sending
            await client.finish()
            await ending
        counts = await end_run(END, endpoints=[pods.endpoint], lookup=pods.lookup)
    assert counts == Counts(candidates=60, stored=60)
    assert max(sites.most.values()) <= LIMIT


async def _send(client: IngestClient, wanted: list[Candidate]) -> None:
    for one in wanted:
        await client.send(one)


async def _acked(answers: list[Acked], count: int) -> None:
    await eventually(lambda: len(answers) >= count)
