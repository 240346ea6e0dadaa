"""The memory of a downloader after 2,000 and after 20,000 URLs.

Small pictures that come again and again, of many sites; the real process, the scraper's client.
What grows with the URLs is what the downloader knows of its category, so that nothing is fetched
twice.
"""

import asyncio
import json
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from artgrab.common.network import NetworkSettings
from artgrab.scraper.ingest import IngestClient
from artgrab.scraper.ingest_messages import Acked, hello_message
from benchmarks.download.many_sites import Sites, candidate, served
from benchmarks.download.servers import running

URLS = (2_000, 20_000)
SITES = 100
STREAM_SECONDS = 10
"""Each stream begins with reading all that is recorded; in a run there are to be some."""
_LOOK_SECONDS = 0.2


class Peak(NamedTuple):
    """The most resident memory that was seen, in bytes."""

    main: int = 0
    """Of the process itself."""
    tree: int = 0
    """With its decoders; what they share counts for each."""


def measure(work: Path, pictures: int | None = None) -> dict[str, Any]:
    """Return rss_mb by number of URLs, of the whole tree, and of the main process alone.

    Args:
        work: a folder for stores.
        pictures: the most URLs, instead of 20,000; a tenth of them is the other number.
    """
    few, many = (max(1, pictures // 10), pictures) if pictures else URLS
    peaks = {count: asyncio.run(_peak(work / str(count), count)) for count in (few, many)}
    grown = peaks[many].main - peaks[few].main
    return {
        "rss_mb": {str(count): _mb(one.tree) for count, one in peaks.items()},
        "rss_main_mb": {str(count): _mb(one.main) for count, one in peaks.items()},
        "rss_main_bytes_per_url": round(grown / (many - few)),
    }


async def _peak(store: Path, urls: int) -> Peak:
    async with served(Sites(distinct=False)) as network:
        with _downloader(store, network) as (process, endpoint):
            watching = asyncio.create_task(_watch(process))
            async with IngestClient([endpoint], hello=_hello, on_ack=_check) as client:
                for number in range(urls):
                    await client.send(candidate(number, SITES))
                await client.finish()
            watching.cancel()
            return max(_look(process), *await asyncio.gather(watching))


def _downloader(
    store: Path, network: NetworkSettings
) -> AbstractContextManager[tuple[psutil.Process, str]]:
    return running(
        "artgrab.downloader",
        store,
        ARTGRAB_RESOLVE=json.dumps(network.resolve),
        ARTGRAB_ALLOWED_TARGETS=json.dumps(network.allowed_targets),
        ARTGRAB_DOWNLOADER_STREAM_SECONDS=str(STREAM_SECONDS),
    )


def _hello() -> Any:
    return hello_message(namespace="default", category="art", run_id="bench", token="", min_side=0)


def _check(answer: Acked) -> None:
    if answer.outcome != "STORED":
        raise RuntimeError(f"not stored: {answer}")


async def _watch(process: psutil.Process) -> Peak:
    peak = Peak()
    try:
        while True:
            seen = _look(process)
            peak = Peak(max(peak.main, seen.main), max(peak.tree, seen.tree))
            await asyncio.sleep(_LOOK_SECONDS)
    except asyncio.CancelledError:
        return peak


def _look(process: psutil.Process) -> Peak:
    main = process.memory_info().rss
    below = 0
    for one in process.children(recursive=True):
        try:
            below += one.memory_info().rss
        except psutil.NoSuchProcess:  # a decoder that is renewed just now
            continue
    return Peak(main, main + below)


def _mb(count: int) -> float:
    return round(count / 2**20, 1)
