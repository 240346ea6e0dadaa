"""What 1, 2 and 4 downloaders get through together, each with the same small share of a processor.

Real downloaders behind one name, as pods behind a headless Service (tests/support/fleet.py), each
owning its sites; the scraper's own client; many sites, all on one server here, which writes a log.
The share stands for a pod's CPU limit: this machine has two processors, and site, client and four
downloaders must fit.
"""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from artgrab.common.network import NetworkSettings
from artgrab.common.servers import reserved_port
from artgrab.scraper.ingest import IngestClient
from artgrab.scraper.ingest_messages import Acked, AckOutcome, hello_message
from artgrab.scraper.lanes import Policy
from benchmarks.download.many_sites import Sites, candidate, served
from benchmarks.download.shares import limited
from tests.support.fleet import Fleet, fleet
from tests.support.waiting import eventually

FLEETS = (1, 2, 4)
SHARE = 0.2
SPACING_SECONDS = 1.0
SECONDS = 16.0
WARM_UP_SECONDS = 300.0
"""At most: until as many pictures are kept as there are sites."""
WINDOW_SECONDS = 10.0
"""In which requests at a site are counted: shorter ones would see waits for the processor."""
_MANY, _FEW = 800, 16
"""Sites: so many that processors are the limit, and so few that the sites' own limits are.

Which downloader owns a site is left to a hash, so that the largest share grows with fewer sites; of
800 over four it is 26.5 % in the mean.
"""
_PICTURES_A_SECOND = 50


def measure(work: Path, pictures: int | None = None) -> dict[str, Any]:
    """Return scaleout_efficiency: of the largest fleet, over as many times one alone.

    Args:
        work: a folder for stores.
        pictures: shortens the time that counts to about so many by one downloader.
    """
    seconds = min(SECONDS, pictures / _PICTURES_A_SECOND) if pictures else SECONDS
    rounds = [
        _measured(work / f"many-{number}", size, _MANY, seconds / 2)
        for number, size in enumerate((*FLEETS, *reversed(FLEETS)))
    ]  # there and back again, so that a machine that becomes busier favours none
    many = dict(zip(FLEETS, map(_mean, rounds, reversed(rounds)), strict=False))
    few = {size: _measured(work / f"few-{size}", size, _FEW, WINDOW_SECONDS) for size in FLEETS}
    largest = FLEETS[-1]
    return {
        "scaleout_efficiency": round(many[largest].rate / (largest * many[1].rate), 3),
        "scaleout_pictures_per_s": {str(size): one.rate for size, one in many.items()},
        "scaleout_cpu_share_used": {str(size): one.cpu_share for size, one in many.items()},
        "scaleout_site_requests_per_10_s": {
            "many_sites": {str(size): one.most_requests for size, one in many.items()},
            "few_sites": {str(size): one.most_requests for size, one in few.items()},
        },
        "scaleout_limited_by": many[largest].means,
    }


class _Measured(NamedTuple):
    """What a fleet did."""

    rate: float
    """Pictures a second."""
    cpu_share: float
    """Of one processor, by each downloader."""
    most_requests: int
    """At one site within a window."""
    means: str
    """By which the share was limited."""


def _mean(one: _Measured, other: _Measured) -> _Measured:
    return _Measured(
        rate=round((one.rate + other.rate) / 2, 2),
        cpu_share=round((one.cpu_share + other.cpu_share) / 2, 3),
        most_requests=max(one.most_requests, other.most_requests),
        means=one.means,
    )


def _measured(work: Path, size: int, site_count: int, seconds: float) -> _Measured:
    work.mkdir()
    found = asyncio.run(_measure(work, size, site_count, seconds))
    print(f"bench-download: {size} downloaders, {site_count} sites: {found}", file=sys.stderr)
    return found


async def _measure(work: Path, size: int, site_count: int, seconds: float) -> _Measured:
    sites, stored = Sites(distinct=True), Counter[str]()
    async with served(sites) as network, _fleet(work, network) as pods:
        addresses = [f"127.0.0.{number}" for number in range(1, size + 1)]
        await asyncio.gather(*map(pods.join, addresses))
        with ExitStack() as stack:
            means = [stack.enter_context(limited(pods.pods[one].pid, SHARE)) for one in addresses]
            async with _client(pods, stored) as client:
                feeding = asyncio.create_task(_feed(client, site_count))
                await eventually(lambda: stored["all"] >= site_count, seconds=WARM_UP_SECONDS)
                before, used, began = stored["all"], _cpu(pods), time.monotonic()
                await asyncio.sleep(seconds)
                after, cpu, took = stored["all"], _cpu(pods) - used, time.monotonic() - began
                feeding.cancel()
    return _Measured(
        rate=round((after - before) / took, 2),
        cpu_share=round(cpu / took / size, 3),
        most_requests=sites.most_in(WINDOW_SECONDS),
        means=means[0],
    )


@asynccontextmanager
async def _fleet(work: Path, network: NetworkSettings) -> AsyncIterator[Fleet]:
    settings = {"host_spacing_seconds": SPACING_SECONDS, "resolve_seconds": 1.0}
    with reserved_port() as port:
        async with fleet(work, port, str(work / "store"), network, **settings) as pods:
            yield pods


def _client(pods: Fleet, stored: Counter[str]) -> IngestClient:
    def note(answer: Acked) -> None:
        if answer.outcome is not AckOutcome.STORED:
            raise RuntimeError(f"not stored: {answer}")
        stored["all"] += 1

    return IngestClient(
        [pods.endpoint],
        hello=lambda: hello_message(
            namespace="default", category="art", run_id="bench", token="", min_side=0
        ),
        on_ack=note,
        policy=Policy(resolve_seconds=1.0),
        lookup=pods.lookup,
    )


async def _feed(client: IngestClient, site_count: int) -> None:
    for number in count():
        await client.send(candidate(number, site_count))


def _cpu(pods: Fleet) -> float:
    """Return the processor's seconds that all downloaders have used, with what is below them."""
    trees = [psutil.Process(pod.pid) for pod in pods.pods.values()]
    all_ = [one for tree in trees for one in (tree, *tree.children(recursive=True))]
    return sum(one.cpu_times().user + one.cpu_times().system for one in all_)
