"""The end of a run, asked of the downloader that owns the category: it has the store, we do not."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import grpc
import msgspec

from artgrab.common.addresses import resolve
from artgrab.common.errors import SurroundingsError
from artgrab.common.rendezvous import owner
from artgrab.common.terminations import Counts
from artgrab.scraper.channels import PLAIN, Channels
from artgrab.scraper.lanes import Policy, check_status
from artgrab.v1 import ingest_service_pb2 as pb
from artgrab.v1 import ingest_service_pb2_grpc as pb_grpc

_POLICY = Policy()
_NO_ADDRESS = (grpc.StatusCode.UNAVAILABLE, "no address is known for it")


class RunEnd(msgspec.Struct, frozen=True, kw_only=True):
    """Which run has ended, and how."""

    namespace: str
    category: str
    run_id: str
    reason: str
    """TargetReached, SourcesExhausted or SourcesFailed."""
    problems: Sequence[str] = ()
    """Of sources that could not be gone through to their end."""

    @property
    def site(self) -> str:
        """What one downloader owns: ends of one category shall meet."""
        return f"{self.namespace}/{self.category}"


async def end_run(
    end: RunEnd,
    *,
    endpoints: Sequence[str],
    token: Callable[[], str] = lambda: "",
    policy: Policy = _POLICY,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    jitter: Callable[[], float] = random.random,
    lookup: Callable[[Sequence[str]], Awaitable[list[str]]] = resolve,
    channels: Channels = PLAIN,
) -> Counts:
    """Have a downloader end a run; return what the category came to.

    May be repeated: each try looks the addresses up and reads the token anew.

    Raises:
        SurroundingsError: no downloader does it, or one refuses us.
        ArtgrabError: one does not understand us.
    """
    for failures in range(1, policy.end_attempts + 1):
        address, status, details = "", *_NO_ADDRESS
        if addresses := await lookup(endpoints):
            address = owner(end.site, addresses)
            async with channels.open(address) as channel:
                answer = await _ask(channel, _request(end, token()), seconds=policy.end_seconds)
            if isinstance(answer, Counts):
                return answer
            status, details = answer
            if status is not grpc.StatusCode.RESOURCE_EXHAUSTED:  # that one is full
                check_status(address, status, details)
        if failures < policy.end_attempts:
            await sleep(policy.pause(failures, jitter=jitter()))
    raise SurroundingsError(
        f"downloader {address or ', '.join(endpoints)} did not end the run of {end.category} in"
        f" {policy.end_attempts} tries ({status.name}: {details}); is it running?"
    )


async def _ask(
    channel: Any, request: pb.EndRunRequest, *, seconds: float
) -> Counts | tuple[grpc.StatusCode, str]:
    try:
        answer = await pb_grpc.IngestServiceStub(channel).EndRun(request, timeout=seconds)
    except grpc.aio.AioRpcError as error:
        return error.code(), error.details() or ""
    return Counts(
        candidates=answer.candidates,
        stored=answer.stored,
        rejected=answer.rejected,
        failed=answer.failed,
    )


def _request(end: RunEnd, token: str) -> pb.EndRunRequest:
    return pb.EndRunRequest(
        namespace=end.namespace,
        category=end.category,
        run_id=end.run_id,
        token=token,
        reason=end.reason,
        problems=end.problems,
    )
