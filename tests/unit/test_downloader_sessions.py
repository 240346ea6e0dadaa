"""One stream without a network: each candidate's ack is sent, and what failed is told."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from artgrab.common.errors import SurroundingsError
from artgrab.common.records import Candidate
from artgrab.downloader.ledgers import Verdict, VerdictOutcome
from artgrab.downloader.metrics import Metrics
from artgrab.downloader.sessions import Session
from artgrab.v1 import ingest_service_pb2 as pb
from tests.support.ingest_client import FINISH, batch, candidate

STORED = Verdict(VerdictOutcome.STORED)
URLS = [f"http://a.test/{number}" for number in range(20)]


async def sent(urls: list[str]) -> AsyncIterator[pb.IngestRequest]:
    yield batch(map(candidate, urls))
    yield FINISH


def session(settle: Callable[[str], "asyncio.Future[Verdict]"], metrics: Metrics) -> Session:
    async def settled(one: Candidate, last_try: bool) -> Verdict:
        return await settle(one.url)

    async def drained() -> float:
        await asyncio.Event().wait()
        return 0.0

    return Session(settled, credits_at_once=64, drain_wanted=drained, metrics=metrics)


async def test_whatever_is_settled_while_acks_are_sent_is_acknowledged_as_well() -> None:
    settling = {url: asyncio.get_running_loop().create_future() for url in URLS}
    metrics, left, acks = Metrics(), list(URLS), 0
    async for response in session(settling.__getitem__, metrics).run(sent(URLS)):
        acks += len(response.acks.acks)
        for _ in range(2):  # two at each response, one by one
            if left:
                settling[left.pop()].set_result(STORED)
            await asyncio.sleep(0)
    assert acks == len(URLS)
    registry = metrics.registry
    assert registry.get_sample_value("artgrab_downloader_candidates_under_way") == 0
    labels = {"outcome": "STORED", "reason": ""}
    assert registry.get_sample_value("artgrab_downloader_candidates_total", labels) == len(URLS)


async def test_what_fails_last_while_an_ack_is_sent_ends_the_stream_with_its_error() -> None:
    good, bad = (asyncio.get_running_loop().create_future() for _ in range(2))
    settling = dict(zip(URLS, (good, bad), strict=False))

    async def listen() -> None:
        async for response in session(settling.__getitem__, Metrics()).run(sent(URLS[:2])):
            if response.WhichOneof("kind") == "welcome":
                good.set_result(STORED)
            elif response.acks.acks:
                bad.set_exception(SurroundingsError("the store is full"))
                await asyncio.sleep(0.01)  # in which it is sent

    with pytest.raises(SurroundingsError, match="the store is full"):
        await listen()
