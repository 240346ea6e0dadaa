"""The real downloader process, with a folder as its store, fed by the real streaming client."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from artgrab.common.errors import SurroundingsError
from artgrab.common.records import Candidate
from artgrab.common.urls import candidate_id
from artgrab.scraper.ingest import IngestClient
from artgrab.scraper.ingest_messages import Acked, hello_message
from artgrab.v1 import ingest_service_pb2 as pb
from benchmarks.download.costs import Cost, Running
from benchmarks.download.sites import Site

NAMESPACE, CATEGORY = "default", "bench"
HOST_CONCURRENCY = 4
"""Enough for all fetches that the downloader makes at once: the peer has no politeness."""
_WAIT_SECONDS = 600.0


class Spent(NamedTuple):
    """What a run took on both sides of the stream."""

    downloader: Cost
    client_cpu_seconds: float
    """Of the process that sends URLs; a scraper, outside of the benchmark."""


def fetch(urls: Sequence[str], work: Path, sites: Sequence[Site]) -> Spent:
    """Fetch pictures into the store work / "kept" and return what that took, start-up included.

    Raises:
        SurroundingsError: not all of them were kept.
    """
    work.mkdir()
    command = [sys.executable, "-m", "artgrab.downloader", "--store", str(work / "kept")]
    command += ["--exit-with-parent", str(os.getpid())]
    running = Running(command, log=work / "log", env=environment(sites))
    began = time.process_time()
    try:
        asyncio.run(_send(_endpoint(running), urls))
    finally:
        running.process.send_signal(signal.SIGTERM)
    client = time.process_time() - began
    return Spent(running.cost(), client)


def environment(sites: Sequence[Site]) -> Mapping[str, str]:
    """Return the settings of the downloader: where the sites are, and no politeness."""
    targets = [
        f"{host}/32:{port}" for host, _, port in (one.endpoint.rpartition(":") for one in sites)
    ]
    return {
        **os.environ,
        "ARTGRAB_RESOLVE": json.dumps(dict(sites)),
        "ARTGRAB_ALLOWED_TARGETS": json.dumps(targets),
        "ARTGRAB_DOWNLOADER_HOST_CONCURRENCY": str(HOST_CONCURRENCY),
    }


def _endpoint(running: Running) -> str:
    assert running.process.stdout is not None
    line = running.process.stdout.readline()
    if not line:
        running.cost()
        raise SurroundingsError("the downloader did not start")
    endpoint: str = json.loads(line)["endpoint"]
    return endpoint


async def _send(endpoint: str, urls: Sequence[str]) -> None:
    def hello() -> pb.IngestRequest:
        return hello_message(
            namespace=NAMESPACE, category=CATEGORY, run_id="run-1", token="", min_side=0
        )

    refused: list[Acked] = []

    def note(acked: Acked) -> None:
        if acked.outcome != "STORED":
            refused.append(acked)

    async with asyncio.timeout(_WAIT_SECONDS):
        async with IngestClient([endpoint], hello=hello, on_ack=note) as client:
            for rank, url in enumerate(urls):
                await client.send(_candidate(url, rank))
            counts = await client.finish()
    if counts.stored != len(urls):
        raise SurroundingsError(f"ours kept {counts.stored} of {len(urls)}: {refused[:3]}")


def _candidate(url: str, rank: int) -> Candidate:
    return Candidate(
        candidate_id=candidate_id(url).hex(), url=url, source="bench", query="bench", rank=rank
    )


def kept_files(work: Path) -> dict[str, Path]:
    """Return the file of each picture by the SHA-256 of what was fetched."""
    folder = work / "kept" / NAMESPACE / "categories" / CATEGORY / "images"
    return {path.name.partition("-")[0]: path for path in folder.glob("*.jpg")}
