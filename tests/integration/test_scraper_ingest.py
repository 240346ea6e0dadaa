"""The streaming client against a real gRPC server: streams that break, drain, stall and lie.

Credits, resends, retries, several addresses and their changes, back-pressure, giving up.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from artgrab.common.errors import ArtgrabError, SurroundingsError
from artgrab.common.records import Candidate
from artgrab.common.rendezvous import owner
from artgrab.common.urls import candidate_id, site_of
from artgrab.scraper.ingest import IngestClient
from artgrab.scraper.ingest_messages import Acked, AckOutcome, hello_message
from artgrab.scraper.lanes import Policy
from artgrab.v1 import ingest_service_pb2 as pb
from artgrab.v1 import ingest_service_pb2_grpc as pb_grpc
from tests.support.ingest_server import PlayedDownloader, played, served, stored
from tests.support.waiting import WAIT_SECONDS, eventually

_HELLO = hello_message(namespace="default", category="art", run_id="r1", token="", min_side=96)
_POLICY = Policy()


def _candidates(count: int) -> list[Candidate]:
    return [
        _candidate(f"http://img.site-{number % 7}.test/{number}.jpg") for number in range(count)
    ]


def _of_many_sites() -> list[Candidate]:
    """One candidate a site: so many that each of two downloaders, on any ports, owns some."""
    return [_candidate(f"http://img.site-{number}.test/") for number in range(60)]


def _candidate(url: str, *, query: str = "art") -> Candidate:
    return Candidate(candidate_id=candidate_id(url).hex(), url=url, source="gallery", query=query)


async def _brief(seconds: float) -> None:
    await asyncio.sleep(min(seconds, 0.01))


def _client(
    endpoints: Sequence[str], answers: list[Acked], policy: Policy = _POLICY, **options: Any
) -> IngestClient:
    return IngestClient(
        endpoints,
        hello=lambda: _HELLO,
        on_ack=answers.append,
        policy=policy,
        sleep=_brief,
        jitter=lambda: 0.5,
        **options,
    )


async def _send_all(
    endpoints: Sequence[str],
    candidates: Sequence[Candidate],
    policy: Policy = _POLICY,
) -> list[Acked]:
    answers: list[Acked] = []
    async with asyncio.timeout(WAIT_SECONDS), _client(endpoints, answers, policy) as client:
        for candidate in candidates:
            await client.send(candidate)
        await client.finish()
        assert client.unacked == 0
    return answers


def _ids(answers: Sequence[Acked]) -> list[str]:
    return sorted(answer.candidate.candidate_id for answer in answers)


def _wanted(candidates: Sequence[Candidate]) -> list[str]:
    return sorted(candidate.candidate_id for candidate in candidates)


async def test_everything_sent_is_acknowledged_and_the_stream_ends_in_order() -> None:
    async with played(PlayedDownloader()) as downloader:
        answers = await _send_all([downloader.endpoint], _candidates(100))
    assert _ids(answers) == _wanted(_candidates(100))
    assert {answer.outcome for answer in answers} == {AckOutcome.STORED}
    assert downloader.finished == len(downloader.hellos) == 1
    assert downloader.hellos[0] == _HELLO.hello


async def test_a_candidate_arrives_with_all_that_is_known_of_it() -> None:
    candidate = Candidate(
        candidate_id=candidate_id("http://a.test/1.jpg").hex(),
        url="http://a.test/1.jpg",
        source="mediawiki",
        page_url="http://a.test/1",
        query="Nacht",
        partition="a.test",
        rank=7,
        title="Straße",
        claimed_width=2**40,
        creator="Ж",
    )
    async with played(PlayedDownloader()) as downloader:
        await _send_all([downloader.endpoint], [candidate])
    (received,) = downloader.received
    assert received.candidate_id == candidate_id(received.url)
    assert (received.title, received.creator, received.rank) == ("Straße", "Ж", 7)
    assert received.claimed_width == 2**32 - 1


@pytest.mark.parametrize("granted", [1, 3, 64, 2**32 - 1])
async def test_no_more_is_sent_than_there_are_credits_for(granted: int) -> None:
    async with played(PlayedDownloader(credits=granted)) as downloader:
        answers = await _send_all([downloader.endpoint], _candidates(50))
    assert len(answers) == 50
    assert downloader.overdrawn == 0


async def test_a_broken_stream_costs_nothing_but_a_resend() -> None:
    async with played(PlayedDownloader(breaks=[1, 20, 5])) as downloader:
        answers = await _send_all([downloader.endpoint], _candidates(60))
    assert _ids(answers) == _wanted(_candidates(60))
    assert len(downloader.hellos) == 4
    assert max(Counter(one.candidate_id for one in downloader.received).values()) > 1


async def test_a_drained_stream_is_followed_by_another() -> None:
    async with played(PlayedDownloader(drain_after=16)) as downloader:
        answers = await _send_all([downloader.endpoint], _candidates(100))
    assert _ids(answers) == _wanted(_candidates(100))
    assert len(downloader.hellos) > 3
    assert len(downloader.received) == 100, "a drain in order needs no resend"


async def test_a_server_that_dies_and_comes_back_gets_the_rest() -> None:
    candidates = _candidates(40)
    answers: list[Acked] = []
    first = PlayedDownloader(gate=asyncio.Event())
    second = PlayedDownloader()
    async with asyncio.timeout(WAIT_SECONDS), served(first) as (endpoint, stop):
        policy = Policy(stream_attempts=1000)
        async with _client([endpoint], answers, policy) as client:
            for candidate in candidates:
                await client.send(candidate)
            await eventually(lambda: first.received)
            await stop()
            async with served(second, address=endpoint):
                await client.finish()
    assert answers
    assert _ids(answers) == _wanted(candidates)
    assert {one.url for one in second.received} == {one.url for one in candidates}


async def test_a_busy_host_is_tried_again_after_the_time_it_asks_for() -> None:
    tries: Counter[bytes] = Counter()
    pauses: list[float] = []

    def answer(candidate: pb.Candidate) -> pb.Ack:
        tries[candidate.candidate_id] += 1
        if tries[candidate.candidate_id] < 3:
            ack = pb.Ack(candidate_id=candidate.candidate_id, outcome=pb.OUTCOME_RETRY_LATER)
            ack.retry_after.FromSeconds(7)
            return ack
        return stored(candidate)

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        await asyncio.sleep(0.001)

    answers: list[Acked] = []
    async with played(PlayedDownloader(answer=answer)) as downloader:
        client = IngestClient(
            [downloader.endpoint],
            hello=lambda: _HELLO,
            on_ack=answers.append,
            sleep=sleep,
            policy=Policy(resolve_seconds=0.123),
        )
        async with asyncio.timeout(WAIT_SECONDS), client:
            for candidate in _candidates(5):
                await client.send(candidate)
            counts = await client.finish()
    assert counts.stored == len(answers) == 5
    assert [pause for pause in pauses if pause != 0.123] == [7.0] * 10


async def test_a_host_that_stays_busy_is_given_up_in_the_end() -> None:
    def answer(candidate: pb.Candidate) -> pb.Ack:
        return pb.Ack(candidate_id=candidate.candidate_id, outcome=pb.OUTCOME_RETRY_LATER)

    async with played(PlayedDownloader(answer=answer)) as downloader:
        policy = Policy(retry_attempts=4)
        answers = await _send_all([downloader.endpoint], _candidates(3), policy)
    assert [one.outcome for one in answers] == [AckOutcome.FAILED] * 3
    assert answers[0].reason == "gave up after 4 tries: host busy"
    assert len(downloader.received) == 12
    assert sorted(one.last_try for one in downloader.received) == [False] * 9 + [True] * 3


async def test_where_no_downloader_listens_the_error_says_so() -> None:
    async with served(PlayedDownloader()) as (endpoint, stop):
        await stop()
        with pytest.raises(SurroundingsError, match=f"{endpoint} took nothing in 3 tries"):
            await _send_all([endpoint], _candidates(1), Policy(stream_attempts=3))


async def test_names_without_addresses_end_in_an_error_that_names_them() -> None:
    with pytest.raises(SurroundingsError, match=r"no address behind nobody\.invalid:1"):
        await _send_all(["nobody.invalid:1"], _candidates(1), Policy(stream_attempts=3))


@pytest.mark.parametrize(
    ("status", "error", "message"),
    [
        (grpc.StatusCode.UNAUTHENTICATED, SurroundingsError, "refuses our token"),
        (grpc.StatusCode.INVALID_ARGUMENT, ArtgrabError, "does not understand"),
        (grpc.StatusCode.UNAVAILABLE, SurroundingsError, "took nothing in 3 tries"),
    ],
)
async def test_a_refusal_ends_in_an_error_that_says_why(
    status: grpc.StatusCode, error: type[ArtgrabError], message: str
) -> None:
    async with played(PlayedDownloader(refusal=status)) as downloader:
        with pytest.raises(error, match=message):
            await _send_all([downloader.endpoint], _candidates(2), Policy(stream_attempts=3))


async def test_a_server_that_never_grants_credits_is_not_waited_for_for_ever() -> None:
    policy = Policy(stream_attempts=2, stream_seconds=0.2)
    async with played(PlayedDownloader(credits=0)) as downloader:
        with pytest.raises(SurroundingsError, match="DEADLINE_EXCEEDED"):
            await _send_all([downloader.endpoint], _candidates(2), policy)


async def test_sending_waits_while_too_much_is_unacknowledged() -> None:
    gate = asyncio.Event()
    answers: list[Acked] = []
    async with played(PlayedDownloader(gate=gate)) as downloader:
        client = _client([downloader.endpoint], answers, Policy(max_unacked=5))
        async with asyncio.timeout(WAIT_SECONDS), client:
            for candidate in _candidates(5):
                await client.send(candidate)
            sixth = asyncio.create_task(client.send(_candidates(6)[5]))
            await eventually(lambda: downloader.received)
            assert not sixth.done()
            gate.set()
            await sixth
            await client.finish()
    assert len(answers) == 6


async def test_a_picture_found_twice_is_sent_again_only_after_its_first_answer() -> None:
    url = "http://a.test/1.jpg"
    twice = [_candidate(url, query="one"), _candidate(url, query="two")]
    async with played(PlayedDownloader(drain_after=1)) as downloader:
        answers = await _send_all([downloader.endpoint], twice)
    assert [answer.candidate.query for answer in answers] == ["one", "two"]
    assert [received.query for received in downloader.received] == ["one", "two"]


async def test_every_site_goes_to_the_one_downloader_that_owns_it() -> None:
    async with played(PlayedDownloader()) as one, played(PlayedDownloader()) as other:
        endpoints = [one.endpoint, other.endpoint]
        await _send_all(endpoints, _of_many_sites())
        for downloader in (one, other):
            owners = {owner(site_of(candidate.url), endpoints) for candidate in downloader.received}
            assert owners == {downloader.endpoint}


async def test_when_a_downloader_leaves_its_sites_move_and_nothing_is_lost() -> None:
    candidates = _of_many_sites()
    gate = asyncio.Event()
    leaving, staying = PlayedDownloader(gate=gate, credits=1), PlayedDownloader()
    async with asyncio.timeout(WAIT_SECONDS), played(leaving), played(staying):
        addresses = [leaving.endpoint, staying.endpoint]

        async def lookup(endpoints: Sequence[str]) -> list[str]:
            return list(addresses)

        answers: list[Acked] = []
        async with _client(["downloader:1"], answers, lookup=lookup) as client:
            for candidate in candidates:
                await client.send(candidate)
            await eventually(lambda: leaving.received)
            addresses.remove(leaving.endpoint)
            await eventually(lambda: len(staying.urls) == len(candidates) - 1)
            gate.set()
            await client.finish()
    assert _ids(answers) == _wanted(candidates)
    assert {*leaving.urls, *staying.urls} == {one.url for one in candidates}


async def test_a_downloader_that_joins_gets_its_sites() -> None:
    gate = asyncio.Event()
    old, new = PlayedDownloader(gate=gate, credits=1), PlayedDownloader()
    async with asyncio.timeout(WAIT_SECONDS), played(old), played(new):
        addresses = [old.endpoint]

        async def lookup(endpoints: Sequence[str]) -> list[str]:
            return list(addresses)

        answers: list[Acked] = []
        async with _client(["downloader:1"], answers, lookup=lookup) as client:
            sites = _of_many_sites()
            for candidate in sites:
                await client.send(candidate)
            addresses.append(new.endpoint)
            await eventually(lambda: new.received)
            gate.set()
            await client.finish()
    assert _ids(answers) == _wanted(sites)
    both = [old.endpoint, new.endpoint]
    assert all(owner(site_of(one.url), both) == new.endpoint for one in new.received)


async def test_a_candidate_that_cannot_be_sent_is_an_error_and_no_endless_wait() -> None:
    broken = Candidate(candidate_id="00" * 32, url="http://a.test/", source="\ud800")
    async with played(PlayedDownloader()) as downloader:
        with pytest.raises(UnicodeEncodeError):
            await _send_all([downloader.endpoint], [broken])


class _Liar(pb_grpc.IngestServiceServicer):
    """Acknowledges what was never sent, everything twice, and with outcomes nobody knows."""

    async def Ingest(  # noqa: N802 - the protocol's name
        self, requests: AsyncIterator[pb.IngestRequest], context: grpc.aio.ServicerContext
    ) -> AsyncIterator[pb.IngestResponse]:
        yield pb.IngestResponse()
        yield pb.IngestResponse(welcome=pb.Welcome(credits=100))
        async for request in requests:
            acks = [pb.Ack(candidate_id=b"\0" * 32, outcome=pb.OUTCOME_STORED), pb.Ack()]
            for candidate in request.batch.candidates:
                unknown = pb.Ack.FromString(b"\x10\x63")  # outcome 99, as a later version may say
                unknown.candidate_id = candidate.candidate_id
                acks += [unknown] * 2
            yield pb.IngestResponse(acks=pb.AckBatch(acks=acks))
            if request.WhichOneof("kind") == "finish":
                return


async def test_acks_that_make_no_sense_do_no_harm() -> None:
    async with served(_Liar()) as (endpoint, _):
        answers = await _send_all([endpoint], _candidates(10))
    assert _ids(answers) == _wanted(_candidates(10))
    assert {answer.reason for answer in answers} == {"outcome 99 is not known to this version"}


@settings(max_examples=25, deadline=None)
@given(
    granted=st.integers(1, 20),
    drain_after=st.none() | st.integers(1, 20),
    breaks=st.lists(st.integers(1, 30), max_size=4),
    count=st.integers(0, 60),
    busy=st.integers(0, 3),
)
def test_whatever_streams_suffer_every_candidate_is_answered_once(
    granted: int, drain_after: int | None, breaks: list[int], count: int, busy: int
) -> None:
    tries: Counter[bytes] = Counter()

    def answer(candidate: pb.Candidate) -> pb.Ack:
        tries[candidate.candidate_id] += 1
        if tries[candidate.candidate_id] <= busy and candidate.candidate_id[0] % 2:
            return pb.Ack(candidate_id=candidate.candidate_id, outcome=pb.OUTCOME_RETRY_LATER)
        return stored(candidate)

    async def check() -> None:
        server = PlayedDownloader(answer, credits=granted, drain_after=drain_after, breaks=breaks)
        async with played(server) as downloader:
            answers = await _send_all([downloader.endpoint], _candidates(count))
        assert _ids(answers) == _wanted(_candidates(count))
        assert downloader.overdrawn == 0
        assert {one.outcome for one in answers} <= {AckOutcome.STORED}

    asyncio.run(check())
