"""What sites that hang cost the others, in a time that passes only while everybody waits.

Streams, credits, places and pauses are the real ones; a fetch is nothing but the time it takes.
`make bench-slow-host` measures the same with sockets and pictures.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from artgrab.common.records import Candidate
from artgrab.common.urls import site_of
from artgrab.downloader.errors import FetchError, RetryLaterError
from artgrab.downloader.hosts import Hosts
from artgrab.downloader.ledgers import Verdict, VerdictOutcome
from artgrab.downloader.metrics import Metrics
from artgrab.downloader.sessions import Session
from artgrab.downloader.settings import DownloaderSettings
from artgrab.v1 import ingest_service_pb2 as pb
from tests.support.ingest_client import batch, candidate
from tests.support.virtual_time import run_virtually

GOOD_SITES, PICTURES, SLOW_PICTURES = 50, 40, 200
"""Pictures of each site."""
FETCH_SECONDS = 0.25
SETTINGS = DownloaderSettings()


class Stream:
    """A client that obeys credits and retries, and what its server does with the candidates."""

    def __init__(self, slow_sites: int) -> None:
        self.loop = asyncio.get_running_loop()
        count = SLOW_PICTURES if slow_sites else 0
        slow = [f"http://slow-{n % slow_sites}.test/{n}.jpg" for n in range(count)]
        good = [
            f"http://good-{site}.test/{number}.jpg"
            for number in range(PICTURES)
            for site in range(GOOD_SITES)
        ]
        self.waiting = deque([*slow, *good])
        self.urls = {candidate(url).candidate_id: url for url in self.waiting}
        self.left = len(good)
        self.credits = 0
        self.changed = asyncio.Event()
        self.hosts = Hosts(SETTINGS, clock=self.loop.time)

    async def run(self) -> float:
        """Return the seconds until everything of the good sites is fetched."""
        session = Session(
            self._settle,
            credits_at_once=SETTINGS.credits,
            drain_wanted=asyncio.Future,
            metrics=Metrics(),
        )
        responses = session.run(self._requests())
        async for response in responses:
            self.credits += response.welcome.credits + response.credits.candidates
            for ack in response.acks.acks:
                self._note(ack)
            self.changed.set()
            if not self.left:
                break
        seconds = self.loop.time()
        await responses.aclose()
        return seconds

    async def _requests(self) -> AsyncIterator[pb.IngestRequest]:
        while True:
            while not (self.credits and self.waiting):
                await self.changed.wait()
                self.changed.clear()
            count = min(self.credits, len(self.waiting), 64)
            self.credits -= count
            yield batch([candidate(self.waiting.popleft()) for _ in range(count)])

    def _note(self, ack: pb.Ack) -> None:
        url = self.urls[ack.candidate_id]
        if ack.outcome == pb.OUTCOME_RETRY_LATER:
            self.loop.call_later(ack.retry_after.ToMilliseconds() / 1000, self._again, url)
        elif ack.outcome == pb.OUTCOME_STORED:
            self.left -= 1

    def _again(self, url: str) -> None:
        self.waiting.append(url)
        self.changed.set()

    async def _settle(self, candidate: Candidate, last_try: bool) -> Verdict:
        site = site_of(candidate.url)
        try:
            async with AsyncExitStack() as stack:
                async with self.hosts.wait(site):
                    await stack.enter_async_context(self.hosts.turn(site, gated=True))
                await self._fetch(site)
        except RetryLaterError as error:
            return Verdict(VerdictOutcome.RETRY_LATER, error.reason, error.retry_after)
        except FetchError as error:
            return Verdict(VerdictOutcome.FAILED, error.reason)
        return Verdict(VerdictOutcome.STORED)

    async def _fetch(self, site: str) -> None:
        if not site.startswith("slow"):
            await asyncio.sleep(FETCH_SECONDS)
            return
        await asyncio.sleep(SETTINGS.first_byte_seconds)
        self.hosts.note_trouble(site)
        raise FetchError("read-timeout", passing=True)


async def _seconds(slow_sites: int) -> float:
    return await Stream(slow_sites).run()


@pytest.mark.parametrize("slow_sites", [1, 10])
def test_sites_that_hang_cost_the_others_less_than_a_twentieth_of_their_time(
    slow_sites: int,
) -> None:
    alone, beside = run_virtually(_seconds(0)), run_virtually(_seconds(slow_sites))
    assert alone < 1.1 * GOOD_SITES * PICTURES * FETCH_SECONDS / SETTINGS.max_fetches
    assert beside < 1.05 * alone
