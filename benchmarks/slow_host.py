"""`make bench-slow-host`: what sites that answer nobody cost the others.

A server plays fifty good sites, each answer 2 s late, so that what counts is waiting and not this
machine's cores; a downloader fetches their pictures for a scraper's client, with and without sites
whose pictures never come, whose candidates are sent before all others. Runs are interleaved, each
with a downloader and a store of its own. The last line is JSON; so is results/slow-host.json.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
from aiohttp import web

from artgrab.common.records import Candidate
from artgrab.common.urls import candidate_id
from artgrab.scraper.ingest import IngestClient
from artgrab.scraper.ingest_messages import Acked, hello_message
from tests.support.drawn import jpeg
from tests.support.playing_hosts import PlayingHosts, playing_hosts

GOOD_SITES, PICTURES, SLOW_PICTURES = 50, 4, 40
"""Pictures of each site."""
ANSWER_SECONDS = 2.0
FETCHES = 32
"""At once, half of what is usual: the machine has little to do, and what a slow one takes shows."""
SCENES = {"one": 1, "ten": 10}
"""How many sites hang."""
RESULT = Path(__file__).parent / "results" / "slow-host.json"
_HELLO = hello_message(namespace="default", category="cats", run_id="run-1", token="", min_side=0)


def main() -> None:
    """Measure, print and keep the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    result = asyncio.run(measure(parser.parse_args().rounds))
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))


async def measure(rounds: int) -> dict[str, Any]:
    """Return costs in percent of the time that the good sites take alone, medians of rounds."""
    seconds: dict[str, list[float]] = {"none": [], **{scene: [] for scene in SCENES}}
    async with playing_hosts() as hosts:
        good = _good_sites(hosts)
        for number in range(rounds):
            for scene, sites in {"none": 0, **SCENES}.items():
                taken = await _run(hosts, _slow_sites(hosts, sites), good)
                seconds[scene].append(taken)
                print(f"round {number + 1}, slow sites {sites}: {taken:.2f} s", file=sys.stderr)
    return {
        "cost_percent": _cost(seconds["one"], seconds["none"]),
        "cost_percent_ten": _cost(seconds["ten"], seconds["none"]),
        "good": {"sites": GOOD_SITES, "pictures": GOOD_SITES * PICTURES},
        "pictures_per_second": round(GOOD_SITES * PICTURES / statistics.median(seconds["none"]), 1),
        "seconds": {scene: [round(one, 2) for one in all_] for scene, all_ in seconds.items()},
        "machine": {"cores": os.cpu_count(), "load": round(psutil.getloadavg()[0], 1)},
    }


def _cost(with_slow: list[float], without: list[float]) -> float:
    """Return the median of what each round cost more than the same round without."""
    ratios = [slow / alone for slow, alone in zip(with_slow, without, strict=True)]
    return round(100 * (statistics.median(ratios) - 1), 1)


def _good_sites(hosts: PlayingHosts) -> list[str]:
    bodies = [jpeg(seed, width=32, height=24) for seed in range(PICTURES)]

    async def late(request: web.Request) -> web.Response:
        await asyncio.sleep(ANSWER_SECONDS)
        return web.Response(body=bodies[int(request.path[1:-4])])

    return [
        hosts.handle(f"http://img.good-{site}.test/{number}.jpg", late)
        for number in range(PICTURES)
        for site in range(GOOD_SITES)
    ]


def _slow_sites(hosts: PlayingHosts, sites: int) -> list[str]:
    async def never(request: web.Request) -> web.Response:
        await asyncio.sleep(3600)
        return web.Response()

    return [
        hosts.handle(f"http://img.slow-{site}.test/{number}.jpg", never)
        for site in range(sites)
        for number in range(SLOW_PICTURES)
    ]


async def _run(hosts: PlayingHosts, slow: list[str], good: list[str]) -> float:
    """Return the seconds from the first candidate to the last good picture."""
    wanted, done = set(good), asyncio.Event()

    def note(answer: Acked) -> None:
        wanted.discard(answer.candidate.url)
        if not wanted:
            done.set()

    async with (
        _downloader(hosts) as endpoint,
        IngestClient([endpoint], hello=lambda: _HELLO, on_ack=note) as client,
    ):
        started = time.perf_counter()
        for url in slow + good:
            await client.send(_candidate(url))
        await done.wait()
        return time.perf_counter() - started


def _candidate(url: str) -> Candidate:
    return Candidate(candidate_id=candidate_id(url).hex(), url=url, source="gallery")


@asynccontextmanager
async def _downloader(hosts: PlayingHosts) -> AsyncIterator[str]:
    network = hosts.network
    environment = {
        "ARTGRAB_RESOLVE": json.dumps(network.resolve),
        "ARTGRAB_DOWNLOADER_MAX_FETCHES": str(FETCHES),
        "ARTGRAB_ALLOWED_TARGETS": json.dumps(network.allowed_targets),
    }
    with tempfile.TemporaryDirectory() as store:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "artgrab.downloader", "--store", store),
            *("--exit-with-parent", str(os.getpid())),
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, **environment},
        )
        try:
            assert process.stdout is not None
            yield json.loads(await process.stdout.readline())["endpoint"]
        finally:
            process.kill()
            await process.wait()


if __name__ == "__main__":
    main()
