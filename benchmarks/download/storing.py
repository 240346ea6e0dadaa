"""What storing costs per picture on S3: its object, and its share of a grouped record.

The way is the downloader's: a conditional put through Store and an entry through RecordWriter, so
many at once as its settings say. Beside it obstore alone, which puts the same bytes and nothing
else. Only this process counts, all of its threads; the server (SeaweedFS) is another one.
"""

import asyncio
import os
import statistics
import time
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import obstore
import uvloop

from artgrab.common.digests import sha256_hex
from artgrab.common.record_parts import RecordWriter
from artgrab.common.records import Candidate, Licence
from artgrab.common.store import Store
from artgrab.downloader.pipeline import Filters, Task
from benchmarks.download.stubbed import make_record
from tests.support.s3 import BUCKET, s3_server

PICTURES = 4_000
OBJECT_BYTES = 50_000
ROUNDS = 4
PUTS_AT_ONCE = 16
UNDER_WAY = 256
"""Pictures put and not recorded yet; as many as a stream has credits."""

_TASK = Task("default", "art", "bench", Filters())


def measure(work: Path, pictures: int | None = None) -> dict[str, Any]:
    """Return s3_cpu_ms_per_picture, and what obstore alone takes, in turns of some rounds."""
    per_round = (pictures or PICTURES) // ROUNDS
    with s3_server() as server, patch.dict(os.environ, server.environment):
        store = Store.open(f"s3://{BUCKET}/bench")
        ours, alone = [], []
        for number in range(ROUNDS + 1):  # the first one opens connections
            ours.append(_cpu_ms(_store(store, number, per_round), per_round))
            alone.append(_cpu_ms(_put(store, number, per_round), per_round))
    return {
        "s3_cpu_ms_per_picture": round(statistics.median(ours[1:]), 3),
        "s3_cpu_ms_obstore_alone": round(statistics.median(alone[1:]), 3),
    }


def _cpu_ms(work: Coroutine[Any, Any, None], count: int) -> float:
    before = time.process_time()
    uvloop.run(work)
    return (time.process_time() - before) / count * 1000


async def _store(store: Store, round_: int, count: int) -> None:
    """Keep pictures and record them, as Pipeline and Desk do."""
    writer = RecordWriter(store, namespace="default", category="art", run_id="bench")

    async def keep(number: int, at_once: asyncio.Semaphore) -> None:
        record = await make_record(_candidate(f"ours {round_} {number}"), _TASK)
        async with at_once:
            await store.put_if_absent_async(record.object_key, _picture(number))
        await writer.append(record)

    await _all(keep, count)
    await writer.close()


async def _put(store: Store, round_: int, count: int) -> None:
    """Put the same bytes, and nothing else."""
    assert store.s3 is not None
    backend = store.s3.once

    async def put(number: int, at_once: asyncio.Semaphore) -> None:
        async with at_once:
            key = f"alone/{round_}/{number}.jpg"
            await obstore.put_async(backend, key, _picture(number), mode="create")

    await _all(put, count)


async def _all(work: Callable[[int, asyncio.Semaphore], Awaitable[None]], count: int) -> None:
    places, at_once = asyncio.Semaphore(UNDER_WAY), asyncio.Semaphore(PUTS_AT_ONCE)

    async def one(number: int) -> None:
        async with places:
            await work(number, at_once)

    async with asyncio.TaskGroup() as group:
        for number in range(count):
            group.create_task(one(number))


_NOISE = os.urandom(OBJECT_BYTES + 256)


def _picture(number: int) -> bytes:
    return _NOISE[number % 256 :][:OBJECT_BYTES]


def _candidate(name: str) -> Candidate:
    known = {
        "candidate_id": sha256_hex(name.encode()),
        "url": f"https://upload.site-17.test/commons/thumb/8/8f/{sha256_hex(name.encode())}.jpg",
        "page_url": "https://www.site-17.test/wiki/File:Painting_by_somebody.jpg",
        "source": "mediawiki",
        "query": "abstract expressionism",
        "title": "Painting by somebody, oil on canvas",
        "licence": Licence(code="CC-BY-SA-4.0", evidence="api"),
    }
    return msgspec.convert(known, Candidate)
