"""The downloader as a process: everything is put together here, served, and taken down."""

import asyncio
import gc
import ipaddress
import os
import random
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import timedelta
from typing import Any

import grpc
import uvloop

from artgrab.common.addresses import resolve
from artgrab.common.certificates import server_credentials
from artgrab.common.errors import BadInputError
from artgrab.common.health import Health
from artgrab.common.network import NetworkSettings
from artgrab.common.processes import keep_memory
from artgrab.common.servers import (
    bind,
    check_address,
    listen_endpoint,
    metrics_server,
    signals_set,
)
from artgrab.common.store import Store
from artgrab.common.tokens import read_key
from artgrab.downloader.admissions import Admissions
from artgrab.downloader.endings import Endings
from artgrab.downloader.fetch import open_web
from artgrab.downloader.hosts import Hosts, is_blocked, is_busy, is_resting
from artgrab.downloader.ledgers import Ledgers
from artgrab.downloader.metrics import Metrics
from artgrab.downloader.owners import Owners, watch
from artgrab.downloader.pipeline import Pipeline
from artgrab.downloader.reservations import Reservations
from artgrab.downloader.robots import Robots
from artgrab.downloader.service import IngestServicer
from artgrab.downloader.settings import DownloaderSettings
from artgrab.downloader.tombstones import Tombstones
from artgrab.images import DecodePool, SharedMemory
from artgrab.v1 import ingest_service_pb2_grpc as pb_grpc

SERVICE_NAME = "artgrab.v1.IngestService"

_SHARED_BYTES = 64 * 1024**2
"""For bodies on their way to decoders; what was used once stays. The others go through pipes."""
_LONG_BYTES = _SHARED_BYTES // 16
"""Bodies of more are among these: a place is taken when a site announces what may never come."""

_THREADS = 64
"""For the store, rules of sites and ends of runs: one that the store does not answer is stuck."""

_OTHER_CALLS = 64
"""Health and ends of runs, beside as many streams as there may be and as many that are ending."""

_AFTER_SECONDS = 5.0
"""For all that comes when streams have ended; the chart's pods are given 30."""

_CONNECTION_MS = 600_000
"""After which a client is asked to connect anew."""

_OPTIONS = (
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", 4 * 1024 * 1024),
    ("grpc.max_concurrent_streams", 256),
    ("grpc.max_metadata_size", 16 * 1024),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.min_ping_interval_without_data_ms", 30_000),
    ("grpc.server_handshake_timeout_ms", 10_000),
    ("grpc.max_connection_idle_ms", 60_000),
)


_YOUNG_OBJECTS = 10_000


def collect_seldom() -> None:
    """Let the collector of cycles pass over what is imported, and look less often at the rest.

    Candidates come by hundreds and leave no cycles; as it comes it took a fifth of a stream's time.
    """
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS)


def run(
    settings: DownloaderSettings,
    network: NetworkSettings,
    store: Store,
    on_ready: Callable[[str], None],
) -> None:
    """Be the whole process: as serve, with threads enough for a slow store; leaves in time.

    A thread that waits for a store which does not answer cannot be told to stop. What it waits for
    is acknowledged to nobody, so the process leaves without it, and its work comes again.
    """
    collect_seldom()
    keep_memory()

    async def main() -> None:
        threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="work")
        asyncio.get_running_loop().set_default_executor(threads)
        stop = asyncio.Event()
        with _running(_leave_at_last(stop, settings.stop_grace_seconds + 1 + _AFTER_SECONDS)):
            await serve(settings, network, store, on_ready, stop=stop)

    uvloop.run(main())


async def _leave_at_last(stop: asyncio.Event, seconds: float) -> None:
    """Let this process end so long after it is told to stop, whatever hangs."""
    await stop.wait()
    leaving = threading.Timer(seconds, os._exit, (0,))
    leaving.daemon = True
    leaving.start()


async def serve(
    settings: DownloaderSettings,
    network: NetworkSettings,
    store: Store,
    on_ready: Callable[[str], None],
    *,
    stop: asyncio.Event | None = None,
) -> None:
    """Serve until SIGTERM, SIGINT or `stop`; then drain all streams and return.

    Args:
        settings: of this service.
        network: who we are and whom we may reach.
        store: where pictures and records go.
        on_ready: called once with HOST:PORT when the service answers.
        stop: ends the service when it is set.

    Raises:
        BadInputError: the address to listen on is none, or is open to others without a key for
            tokens; or that key, or a certificate, is none.
        SurroundingsError: the address is taken.
    """
    host = listen_host(settings)
    credentials = _credentials(settings)
    stop = stop or asyncio.Event()
    health = Health(SERVICE_NAME, option="ARTGRAB_DOWNLOADER_HEALTH_LISTEN", watched=False)
    async with AsyncExitStack() as stack:
        stack.enter_context(signals_set(stop))
        await stack.enter_async_context(health.listening(settings.health_listen))
        servicer = await stack.enter_async_context(_servicer(settings, network, store))
        server = grpc.aio.server(
            options=(*_OPTIONS, *_limits(settings)),
            maximum_concurrent_rpcs=2 * settings.max_streams + _OTHER_CALLS,
        )
        pb_grpc.add_IngestServiceServicer_to_server(servicer, server)
        health.add_to(server)
        port = bind(server, settings.listen, credentials=credentials)
        await server.start()
        await health.tell(True)
        try:
            on_ready(f"{host}:{port}")
            await stop.wait()
        finally:
            await health.leave()
            servicer.drain()
            await server.stop(settings.stop_grace_seconds + 1)


@asynccontextmanager
async def _servicer(
    settings: DownloaderSettings, network: NetworkSettings, store: Store
) -> AsyncIterator[IngestServicer]:
    admissions = _admissions(settings)
    metrics = Metrics()
    hosts = Hosts(settings)
    tombstones = Tombstones(store)
    owners = Owners(settings.own_address, settings.addresses, interval=settings.resolve_seconds)
    async with AsyncExitStack() as stack:
        memory = stack.enter_context(
            SharedMemory(min(_SHARED_BYTES, settings.max_bytes_in_flight), most=_LONG_BYTES)
        )
        web = await stack.enter_async_context(open_web(settings, network, room=memory.take))
        pool = await stack.enter_async_context(
            DecodePool(
                workers=settings.decode_workers,
                memory_bytes=settings.decode_memory_bytes,
                timeout=settings.decode_seconds,
                memory=memory,
                on_death=metrics.decoder_died,
            )
        )
        if settings.addresses:
            owners.update(await resolve(settings.addresses))
            looking = watch(owners, settings.addresses, interval=settings.resolve_seconds / 2)
            stack.enter_context(_running(looking))
        if settings.metrics_port is not None:
            stack.enter_context(
                metrics_server(
                    metrics.registry,
                    settings.metrics_address,
                    settings.metrics_port,
                    advice="set ARTGRAB_DOWNLOADER_METRICS_PORT (or _METRICS_ADDRESS) to another",
                )
            )
        ledgers = Ledgers(store, tombstones)
        pipeline = Pipeline(
            web=web,
            hosts=hosts,
            robots=Robots(web, hosts),
            reservations=Reservations(web, hosts),
            pool=pool,
            store=store,
            max_bytes_in_flight=settings.max_bytes_in_flight,
            takedowns=lambda: tombstones.current,
            metrics=metrics,
        )
        metrics.watch(
            bytes_in_flight=lambda: pipeline.bytes_in_flight,
            hosts_busy=lambda: hosts.count(is_busy),
            hosts_resting=lambda: hosts.count(is_resting),
            hosts_blocked=lambda: hosts.count(is_blocked),
            decoders=lambda: pool.size,
        )
        yield IngestServicer(
            pipeline=pipeline,
            ledgers=ledgers,
            admissions=admissions,
            endings=Endings(
                store,
                settled=ledgers.settled,
                older_than=timedelta(seconds=settings.sweep_seconds),
            ),
            owners=owners,
            metrics=metrics,
            settings=settings,
            randomness=random.Random(),  # noqa: S311 - spreads load, guards nothing
        )


def _admissions(settings: DownloaderSettings) -> Admissions:
    file = settings.token_key_file
    if file is None:
        return Admissions(None)
    return Admissions(read_key(file), read=lambda: read_key(file))


def _credentials(settings: DownloaderSettings) -> Any:
    """Return grpc.ServerCredentials; None without TLS."""
    pair = settings.tls_pair
    return server_credentials(*pair, client_ca=settings.tls_client_ca_file) if pair else None


def _limits(settings: DownloaderSettings) -> tuple[tuple[str, int], ...]:
    """Return what ends connections, so that what hangs on one is gone for certain.

    An old connection is given as long as the longest stream may last.
    """
    longest = 2 * (settings.stream_seconds + settings.drain_grace_seconds + settings.unread_seconds)
    return (
        ("grpc.max_allowed_incoming_connections", settings.max_streams + _OTHER_CALLS),
        ("grpc.max_connection_age_ms", _CONNECTION_MS),
        ("grpc.max_connection_age_grace_ms", round(1000 * longest)),
    )


def listen_host(settings: DownloaderSettings) -> str:
    """Return the host of --listen, which must be loopback where callers show no tokens.

    Raises:
        BadInputError: it is another, or no address at all.
        SurroundingsError: it is taken.
    """
    listen = settings.listen
    if settings.token_key_file is None and not _is_loopback(listen_endpoint(listen).host):
        raise BadInputError(
            f"--listen {listen}: without a key for tokens only loopback is allowed; use 127.0.0.1,"
            " or name a key by ARTGRAB_DOWNLOADER_TOKEN_KEY_FILE"
        )
    return check_address(listen)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False  # a name, which could come to mean anything


@contextmanager
def _running(work: Any) -> Iterator[None]:
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        task.cancel()
