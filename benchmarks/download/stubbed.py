"""`python -m benchmarks.download.stubbed --store FOLDER`: the downloader with fetching stubbed.

Everything else is the real thing, as artgrab.downloader.server puts it together: gRPC, streams,
ledgers, ownership of sites, records, metrics. A candidate becomes at once a record such as a kept
picture has, as long and with as many fields.
"""

import argparse
import asyncio
import random
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import grpc
import uvloop

from artgrab.common.keys import image_key
from artgrab.common.records import Candidate, Record, RecordOutcome
from artgrab.common.servers import announce, run_process, signals_set
from artgrab.common.store import Store
from artgrab.common.version import VERSION
from artgrab.downloader.admissions import Admissions
from artgrab.downloader.endings import Endings
from artgrab.downloader.ledgers import Ledgers
from artgrab.downloader.metrics import Metrics
from artgrab.downloader.owners import Owners
from artgrab.downloader.pipeline import Task
from artgrab.downloader.server import collect_seldom
from artgrab.downloader.service import IngestServicer
from artgrab.downloader.settings import DownloaderSettings
from artgrab.downloader.tombstones import Tombstones
from artgrab.v1 import ingest_service_pb2_grpc as pb_grpc

_HEADERS = {"content-type": "image/jpeg", "etag": '"5f3c-62d1"', "last-modified": "2026-11-01"}
_STREAM_SECONDS = 3600


async def make_record(candidate: Candidate, task: Task) -> Record:
    """Return the record of a picture that was kept; none is."""
    digest = candidate.candidate_id
    return Record(
        candidate=candidate,
        outcome=RecordOutcome.STORED,
        run_id=task.run_id,
        retrieved_at="2026-11-26T18:30:00.000+00:00",
        final_url=candidate.url,
        http_status=200,
        headers=_HEADERS,
        source_sha256=digest,
        source_bytes=165_000,
        source_format="JPEG",
        source_width=1280,
        source_height=960,
        object_key=image_key(task.namespace, task.category, digest, "0123456789abcdef"),
        object_sha256=digest,
        width=512,
        height=384,
        perceptual_hash=digest[:16],
        opt_out_decision="allowed: none seen in robots.txt, tdmrep.json, headers",
        filters_digest="0123456789abcdef",
        downloader_version=VERSION,
    )


async def serve(store: Store) -> None:
    """Serve on a free port of loopback until a signal comes."""
    stop = asyncio.Event()
    server = grpc.aio.server()
    pb_grpc.add_IngestServiceServicer_to_server(servicer(store), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    with signals_set(stop):
        announce(f"127.0.0.1:{port}")
        await stop.wait()
    await server.stop(None)


def servicer(store: Store) -> IngestServicer:
    """Put together what a downloader without hosts, web and decoders is."""
    settings = DownloaderSettings(stream_seconds=_STREAM_SECONDS)
    tombstones = Tombstones(store)
    ledgers = Ledgers(store, tombstones)
    return IngestServicer(
        pipeline=cast(Any, SimpleNamespace(make_record=make_record)),
        ledgers=ledgers,
        admissions=Admissions(None),
        endings=Endings(store, settled=ledgers.settled, older_than=timedelta()),
        owners=Owners("", (), interval=1.0),
        metrics=Metrics(),
        settings=settings,
        randomness=random.Random(7),
    )


def _run(options: argparse.Namespace) -> None:
    collect_seldom()
    uvloop.run(serve(Store.open(options.store)))


if __name__ == "__main__":
    raise SystemExit(run_process(argparse.ArgumentParser(description=__doc__), _run))
