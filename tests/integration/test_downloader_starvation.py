"""Sites that answer nobody: whatever of them hangs, and however many they are, the others go on.

No time is measured here (`make bench-slow-host` does that): the slow sites answer nothing at all
until everything of the good ones is stored.
"""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
from aiohttp import web

from artgrab.common.records import Candidate
from artgrab.common.store import Store
from artgrab.common.urls import candidate_id
from artgrab.scraper.ingest import IngestClient
from artgrab.scraper.ingest_messages import Acked, AckOutcome, hello_message
from tests.support.downloads import pictures_kept
from tests.support.drawn import jpeg
from tests.support.ingest_client import downloader
from tests.support.playing_hosts import PlayingHosts
from tests.support.waiting import WAIT_SECONDS, eventually

pytestmark = pytest.mark.folder_only(reason="what sites answer is no matter of the store")

CREDITS = 64
GOOD, SLOW = 50, 160
"""Good sites; candidates of slow ones, which come first: more than twice the credits."""
PATIENT = {"credits": CREDITS, "first_byte_seconds": 3600, "total_seconds": 3600}
_HELLO = hello_message(namespace="default", category="cats", run_id="run-1", token="", min_side=0)


class SlowSites:
    """Sites that hang at one point until they are let go."""

    def __init__(self, hosts: PlayingHosts, *, sites: int, hangs_at: str) -> None:
        self.go = asyncio.Event()
        self.held = self.most = 0
        self.urls = [f"http://slow-{n % sites}.test/{n}.jpg" for n in range(SLOW)]
        for number in range(sites):
            if hangs_at == "/robots.txt":
                hosts.handle(f"http://slow-{number}.test/robots.txt", self._hang)
        for url in self.urls:
            hosts.handle(url, self._hang)

    async def _hang(self, request: web.Request) -> web.Response:
        self.held += 1
        self.most = max(self.most, self.held)
        await self.go.wait()
        self.held -= 1
        return web.Response(status=404)


def _candidate(url: str) -> Candidate:
    return Candidate(candidate_id=candidate_id(url).hex(), url=url, source="gallery", query="cats")


@asynccontextmanager
async def streamed(endpoint: str, urls: list[str]) -> AsyncIterator[list[Acked]]:
    """Send candidates as a scraper does, in this order; yields the final answers as they come."""
    answers: list[Acked] = []
    async with IngestClient([endpoint], hello=lambda: _HELLO, on_ack=answers.append) as client:
        for url in urls:
            await client.send(_candidate(url))
        yield answers


def _stored(answers: list[Acked]) -> int:
    return sum(one.outcome is AckOutcome.STORED for one in answers)


@pytest.mark.parametrize(
    ("sites", "hangs_at"), [(1, "/"), (1, "/robots.txt"), (10, "/"), (10, "/robots.txt")]
)
async def test_sites_that_answer_nobody_keep_nothing_from_the_others(
    sites: int, hangs_at: str, hosts: PlayingHosts, store: Store
) -> None:
    slow = SlowSites(hosts, sites=sites, hangs_at=hangs_at)
    good = [hosts.put(f"http://good-{n}.test/a.jpg", jpeg(n)) for n in range(GOOD)]
    async with downloader(store, hosts.network, **PATIENT) as endpoint:
        async with streamed(endpoint, slow.urls + good) as answers:
            await eventually(lambda: _stored(answers) == GOOD)
            assert slow.held, "they hang all the while"
            assert len(answers) == GOOD
            assert slow.most <= 2 * sites
        slow.go.set()
    assert pictures_kept(store) == GOOD


@contextmanager
def hanging_name(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Yield a name whose resolution ends with the block alone."""
    name, end, ask = "img.slow.example", threading.Event(), socket.getaddrinfo

    def resolve(host: str, *args: Any, **kwargs: Any) -> Any:
        if host != name:
            return ask(host, *args, **kwargs)
        end.wait(WAIT_SECONDS)
        raise socket.gaierror(socket.EAI_AGAIN, "nobody answers")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    try:
        yield name
    finally:
        end.set()


async def test_a_name_that_nobody_resolves_keeps_nothing_from_the_others(
    monkeypatch: pytest.MonkeyPatch, hosts: PlayingHosts, store: Store
) -> None:
    good = [hosts.put(f"http://good-{n}.test/a.jpg", jpeg(n)) for n in range(GOOD)]
    with hanging_name(monkeypatch) as name:
        slow = [f"http://{name}/{n}.jpg" for n in range(SLOW)]
        async with (
            downloader(store, hosts.network, **PATIENT) as endpoint,
            streamed(endpoint, slow + good) as answers,
        ):
            await eventually(lambda: _stored(answers) == GOOD)
            assert len(answers) == GOOD
