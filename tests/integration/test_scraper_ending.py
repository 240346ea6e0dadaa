"""A run's end as a scraper asks for it: at the category's owner, again where it fails, and told."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest

from artgrab.common.errors import ArtgrabError, SurroundingsError
from artgrab.common.rendezvous import owner
from artgrab.common.terminations import Counts
from artgrab.scraper.ending import RunEnd, end_run
from artgrab.scraper.lanes import Policy
from artgrab.v1 import ingest_service_pb2 as pb
from artgrab.v1 import ingest_service_pb2_grpc as pb_grpc
from tests.support.ingest_server import served
from tests.support.waiting import WAIT_SECONDS

END = RunEnd(
    namespace="default",
    category="art",
    run_id="r1",
    reason="SourcesExhausted",
    problems=["gallery a.test: gone"],
)


@dataclass
class Ender(pb_grpc.IngestServiceServicer):
    """Ends runs, after some failures; remembers what it was asked."""

    failures: list[grpc.StatusCode] = field(default_factory=list)
    hangs: int = 0
    requests: list[pb.EndRunRequest] = field(default_factory=list)

    async def EndRun(  # noqa: N802 - the protocol's name
        self, request: pb.EndRunRequest, context: grpc.aio.ServicerContext
    ) -> pb.EndRunResponse:
        self.requests.append(request)
        if self.hangs:
            self.hangs -= 1
            await asyncio.sleep(3600)
        if self.failures:
            await context.abort(self.failures.pop(0), "not now")
        return pb.EndRunResponse(candidates=9, stored=5, rejected=3, failed=1)


async def _ended(
    endpoints: Sequence[str],
    *,
    end: RunEnd = END,
    pauses: list[float] | None = None,
    policy: Policy = Policy(end_attempts=4),  # noqa: B008 - immutable
    token: Callable[[], str] = lambda: "t",
    **options: Any,
) -> Counts:
    async def sleep(seconds: float) -> None:
        if pauses is not None:
            pauses.append(seconds)

    async with asyncio.timeout(WAIT_SECONDS):
        return await end_run(
            end,
            endpoints=endpoints,
            token=token,
            policy=policy,
            sleep=sleep,
            jitter=lambda: 0.5,
            **options,
        )


async def test_it_tells_the_downloader_all_and_returns_the_counts() -> None:
    ender = Ender()
    async with served(ender) as (endpoint, _):
        counts = await _ended([endpoint])
    assert counts == Counts(candidates=9, stored=5, rejected=3, failed=1)
    (request,) = ender.requests
    assert request == pb.EndRunRequest(
        namespace="default",
        category="art",
        run_id="r1",
        token="t",
        reason="SourcesExhausted",
        problems=["gallery a.test: gone"],
    )


async def test_what_passes_is_tried_again_with_pauses_that_grow_and_a_fresh_token() -> None:
    ender = Ender(failures=[grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED])
    pauses: list[float] = []
    tokens = iter(["one", "two", "three"])
    async with served(ender) as (endpoint, _):
        await _ended([endpoint], pauses=pauses, token=lambda: next(tokens))
    assert [one.token for one in ender.requests] == ["one", "two", "three"]
    assert pauses == pytest.approx([0.3, 0.6])


async def test_one_that_is_full_is_asked_again() -> None:
    ender = Ender(failures=[grpc.StatusCode.RESOURCE_EXHAUSTED])
    async with served(ender) as (endpoint, _):
        assert (await _ended([endpoint])).stored == 5
    assert len(ender.requests) == 2


async def test_one_that_does_not_answer_in_time_is_asked_again() -> None:
    ender = Ender(hangs=1)
    async with served(ender) as (endpoint, _):
        counts = await _ended([endpoint], policy=Policy(end_attempts=2, end_seconds=0.3))
    assert counts.stored == 5
    assert len(ender.requests) == 2


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (grpc.StatusCode.UNAUTHENTICATED, SurroundingsError, "refuses our token: not now"),
        (grpc.StatusCode.PERMISSION_DENIED, SurroundingsError, "refuses our token: not now"),
        (grpc.StatusCode.INVALID_ARGUMENT, ArtgrabError, "does not understand"),
    ],
)
async def test_a_refusal_is_told_at_once(
    status: grpc.StatusCode, error: type[ArtgrabError], words: str
) -> None:
    ender = Ender(failures=[status])
    async with served(ender) as (endpoint, _):
        with pytest.raises(error, match=words) as caught:
            await _ended([endpoint])
    assert type(caught.value) is error
    assert len(ender.requests) == 1


async def test_a_downloader_of_a_former_version_is_told_as_that() -> None:
    async with served(pb_grpc.IngestServiceServicer()) as (endpoint, _):
        with pytest.raises(ArtgrabError, match="does not understand this version"):
            await _ended([endpoint])


async def test_one_that_stays_away_is_given_up_and_named() -> None:
    async with served(Ender()) as (endpoint, stop):
        await stop()
        with pytest.raises(SurroundingsError, match=f"{endpoint} did not end the run of art in 4"):
            await _ended([endpoint])


async def test_names_without_addresses_are_looked_up_again_and_then_named() -> None:
    looked: list[Sequence[str]] = []

    async def lookup(endpoints: Sequence[str]) -> list[str]:
        looked.append(endpoints)
        return []

    with pytest.raises(SurroundingsError, match=r"downloader:1 did not .* no address is known"):
        await _ended(["downloader:1"], lookup=lookup)
    assert len(looked) == 4


async def test_ends_of_one_category_go_to_one_downloader_and_those_of_many_to_all() -> None:
    enders = [Ender(), Ender(), Ender()]
    async with (
        served(enders[0]) as (a, _),
        served(enders[1]) as (b, _),
        served(enders[2]) as (c, _),
    ):
        for number in range(30):
            end = RunEnd(
                namespace="default", category=f"c{number % 15}", run_id="r", reason="TargetReached"
            )
            await _ended([a, b, c], end=end)
        addresses = [a, b, c]
        for address, ender in zip(addresses, enders, strict=True):
            assert ender.requests
            for one in ender.requests:
                assert owner(f"{one.namespace}/{one.category}", addresses) == address


async def test_when_its_owner_goes_the_next_one_ends_the_run() -> None:
    enders = [Ender(), Ender()]
    async with served(enders[0]) as (a, stop_a), served(enders[1]) as (b, stop_b):
        addresses = [a, b]
        first = owner(END.site, addresses)
        await (stop_a if first == a else stop_b)()

        async def lookup(endpoints: Sequence[str]) -> list[str]:
            found = list(addresses)
            addresses[:] = [one for one in addresses if one != first]
            return found

        counts = await _ended(["downloader:1"], lookup=lookup)
    assert counts.stored == 5
