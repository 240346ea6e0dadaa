"""Tokens as a scraper shows them: those of the moment, as they may be renewed while it runs."""

import asyncio

import pytest

from artgrab.common.errors import BadInputError
from artgrab.common.records import Candidate
from artgrab.common.urls import candidate_id
from artgrab.scraper.ingest import IngestClient
from artgrab.scraper.ingest_messages import hello_message
from artgrab.v1 import ingest_service_pb2 as pb
from tests.support.ingest_server import PlayedDownloader, played
from tests.support.waiting import WAIT_SECONDS

_URLS = [f"http://img.site-{number % 7}.test/{number}.jpg" for number in range(100)]
_CANDIDATES = [
    Candidate(candidate_id=candidate_id(url).hex(), url=url, source="gallery") for url in _URLS
]


async def test_each_stream_shows_the_token_of_that_moment() -> None:
    shown = [f"token-{number}" for number in range(20)]
    tokens = iter(shown)
    async with played(PlayedDownloader(drain_after=16)) as downloader:
        client = IngestClient(
            [downloader.endpoint],
            hello=lambda: hello_message(
                namespace="default", category="art", run_id="r1", token=next(tokens), min_side=96
            ),
            on_ack=lambda _: None,
        )
        async with asyncio.timeout(WAIT_SECONDS), client:
            for candidate in _CANDIDATES:
                await client.send(candidate)
            await client.finish()
    assert len(downloader.hellos) > 1
    assert [one.token for one in downloader.hellos] == shown[: len(downloader.hellos)]


async def test_a_token_that_cannot_be_had_is_an_error_and_no_endless_wait() -> None:
    def hello() -> pb.IngestRequest:
        raise BadInputError("token: cannot be read")

    async with played(PlayedDownloader()) as downloader:
        client = IngestClient([downloader.endpoint], hello=hello, on_ack=lambda _: None)
        async with asyncio.timeout(WAIT_SECONDS), client:
            await client.send(_CANDIDATES[0])
            with pytest.raises(BadInputError, match="cannot be read"):
                await client.finish()
