"""Candidates per CPU-second of a downloader through one stream, fetching stubbed.

Only the processor time of the server's process counts, all of its threads: decoding messages,
checking ids, ledgers, records written by group commit into a folder, acks. What the stub leaves
out: looking for consent, turns at hosts, the fetch, the pixels, and the object in the store.
"""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import grpc
import psutil

from artgrab.common.urls import candidate_id
from artgrab.scraper.lanes import Policy
from artgrab.v1 import ingest_service_pb2 as pb
from artgrab.v1 import ingest_service_pb2_grpc as pb_grpc
from benchmarks.download.servers import running

CANDIDATES = 60_000
ROUNDS = 3
DEADLINE_SECONDS = 300.0
_WARM_UP = 5_000
_SITES = 500


def measure(work: Path, pictures: int | None = None) -> dict[str, Any]:
    """Return candidates_per_cpu_s of the best round: what else the machine does only ever adds.

    Args:
        work: a folder for stores.
        pictures: how many candidates of a round count; some more are sent before them.
    """
    wanted = [candidate(number) for number in range(_WARM_UP + (pictures or CANDIDATES))]
    rounds = [_round(work / f"store-{number}", wanted) for number in range(ROUNDS)]
    return {
        "candidates_per_cpu_s": max(per_cpu for per_cpu, _ in rounds),
        "candidates_per_cpu_s_rounds": [per_cpu for per_cpu, _ in rounds],
        "candidates_per_s": max(per_second for _, per_second in rounds),
    }


def _round(store: Path, wanted: Sequence[pb.Candidate]) -> tuple[int, int]:
    """Return candidates per second of the server's processor time, and of time."""
    with running("benchmarks.download.stubbed", store) as (process, endpoint):
        before, after = asyncio.run(_streamed(endpoint, wanted, process))
    count = after.acked - before.acked
    return (
        round(count / (after.cpu - before.cpu)),
        round(count / (after.time - before.time)),
    )


def candidate(number: int) -> pb.Candidate:
    """Return a candidate as a wiki or gallery gives them."""
    url = (
        f"https://upload.site-{number % _SITES}.test/commons/thumb/{number % 16:x}/{number % 251:x}"
        f"/Painting_{number}_by_somebody.jpg/960px-Painting_{number}_by_somebody.jpg"
    )
    return pb.Candidate(
        candidate_id=candidate_id(url),
        url=url,
        page_url=f"https://www.site-{number % _SITES}.test/wiki/File:Painting_{number}.jpg",
        source="mediawiki",
        query="abstract expressionism",
        rank=number % 1000,
        title=f"Painting {number} by somebody, oil on canvas",
        claimed_width=1280,
        claimed_height=960,
        licence=pb.Licence(
            code="CC-BY-SA-4.0",
            url="https://creativecommons.org/licenses/by-sa/4.0/",
            evidence="api",
        ),
        creator="Somebody",
        page_read=True,
    )


class _Reading(NamedTuple):
    """What a server had used when so many were acknowledged."""

    acked: int
    cpu: float
    time: float


async def _streamed(
    endpoint: str, wanted: Sequence[pb.Candidate], process: psutil.Process
) -> tuple[_Reading, _Reading]:
    """Send all; return what was read after the warm-up, and in the end."""
    async with asyncio.timeout(DEADLINE_SECONDS), grpc.aio.insecure_channel(endpoint) as channel:
        call = pb_grpc.IngestServiceStub(channel).Ingest()
        await call.write(pb.IngestRequest(hello=_HELLO))
        granted = (await call.read()).welcome.credits
        acked = sent = 0
        before: _Reading | None = None
        while acked < len(wanted):
            while sent < min(granted, len(wanted)):
                some = wanted[sent : min(sent + Policy().batch, granted)]
                await call.write(pb.IngestRequest(batch=pb.Batch(candidates=some)))
                sent += len(some)
            response = await call.read()
            acked += _count_stored(response.acks.acks)
            granted += response.credits.candidates
            if before is None and acked >= _WARM_UP:
                before = _read(acked, process)
        after = _read(acked, process)
        await call.write(pb.IngestRequest(finish=pb.Finish()))
        while await call.read() is not grpc.aio.EOF:
            pass
    assert before is not None
    return before, after


_HELLO = pb.Hello(namespace="default", category="art", run_id="bench")


def _count_stored(acks: Sequence[pb.Ack]) -> int:
    for ack in acks:
        if ack.outcome != pb.OUTCOME_STORED:
            raise RuntimeError(f"not stored: {ack}")
    return len(acks)


def _read(acked: int, process: psutil.Process) -> _Reading:
    times = process.cpu_times()
    return _Reading(acked, times.user + times.system, time.monotonic())
