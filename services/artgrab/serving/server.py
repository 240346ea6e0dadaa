"""The predict server as a process: put together here, served, and taken down."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

import grpc.aio

from artgrab.common.health import Health
from artgrab.common.servers import bind, check_address, signals_set
from artgrab.images import DecodePool
from artgrab.serving.access import Access
from artgrab.serving.batching import BatchingEngine, Classifier
from artgrab.serving.engines import Engine, Served
from artgrab.serving.interceptors import SERVICE_NAME, Gate
from artgrab.serving.metrics import Metrics
from artgrab.serving.predictor import Predictor
from artgrab.serving.service import PredictServicer
from artgrab.serving.settings import ServingSettings
from artgrab.serving.smoke import check_prediction
from artgrab.v1 import predict_service_pb2_grpc as pb_grpc

_FLUSH_SECONDS = 1.0
"""For the last answers on their way, once all is computed: a health Watch never ends by itself."""


async def serve(
    settings: ServingSettings,
    classifier: Classifier,
    on_ready: Callable[[str], None],
    *,
    stop: asyncio.Event | None = None,
) -> None:
    """Serve until SIGTERM, SIGINT or `stop`; finish what is under way within the grace.

    Args:
        settings: of this service.
        classifier: the model; used on one thread of the service's own.
        on_ready: called once with HOST:PORT when the service answers.
        stop: ends the service when it is set.

    Raises:
        BadInputError: an address to listen on is none; certificate, key or tokens are none.
        SurroundingsError: an address is taken.
        ObjectCorruptError: the model fails its first prediction.
    """
    engine = BatchingEngine(lambda: classifier, batch_pictures=settings.batch_pictures)
    await serve_engine(settings, engine, on_ready, served=classifier, stop=stop)


async def serve_engine(
    settings: ServingSettings,
    engine: Engine,
    on_ready: Callable[[str], None],
    *,
    served: Served,
    stop: asyncio.Event | None = None,
) -> None:
    """As serve, whoever computes the answers.

    Raises:
        SurroundingsError: as serve, or the engine is gone for good.
    """
    stop = stop or asyncio.Event()
    host = check_address(settings.listen)
    access = Access.of(settings)
    health = Health(SERVICE_NAME, option="ARTGRAB_SERVING_HEALTH_LISTEN")
    async with AsyncExitStack() as stack:
        stack.enter_context(signals_set(stop))
        await stack.enter_async_context(health.listening(settings.health_listen))
        await _until(stop, stack.enter_async_context(engine.running()))
        if stop.is_set():
            return
        predictor = await stack.enter_async_context(_predictor(settings, engine))
        metrics = Metrics(served, under_way=lambda: predictor.under_way, of_engine=engine.metrics)
        stack.enter_context(metrics.served(settings.metrics_listen))
        server = _server(settings, Gate(access.admissions, metrics))
        servicer = PredictServicer(served, predictor, metrics, max_pictures=settings.max_pictures)
        pb_grpc.add_PredictServiceServicer_to_server(servicer, server)
        health.add_to(server)
        port = bind(server, settings.listen, credentials=access.credentials)
        await server.start()
        stack.push_async_callback(
            _stop, server, predictor, health, grace_seconds=settings.grace_seconds
        )
        await _until(stop, check_prediction(predictor))
        if stop.is_set():
            return
        tell = partial(_tell, health, metrics)
        await tell(True)
        on_ready(f"{host}:{port}")
        await _until(stop, engine.watch(tell))


async def _tell(health: Health, metrics: Metrics, can_answer: bool) -> None:
    metrics.ready(can_answer)
    await health.tell(can_answer)


async def _until(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
    """Work until it is done or stop is set; what it raises is raised."""
    working, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        if not working.done():
            working.cancel()
            await asyncio.wait({working})
    if not working.cancelled():
        working.result()


@asynccontextmanager
async def _predictor(settings: ServingSettings, engine: Engine) -> AsyncIterator[Predictor]:
    async with DecodePool(
        workers=settings.decode_workers,
        memory_bytes=settings.decode_memory_bytes,
        timeout=settings.decode_seconds,
    ) as pool:
        yield Predictor(engine, pool, max_queued_pictures=settings.max_queued_pictures)


def _server(settings: ServingSettings, gate: Gate) -> Any:
    return grpc.aio.server(
        interceptors=[gate],
        maximum_concurrent_rpcs=settings.max_requests,
        options=(
            ("grpc.so_reuseport", 0),  # a second server on the port is an error, not a coin toss
            ("grpc.max_receive_message_length", settings.max_message_bytes),
            ("grpc.max_metadata_size", 16 * 1024),
            ("grpc.keepalive_time_ms", 60_000),
            ("grpc.keepalive_timeout_ms", 20_000),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.min_ping_interval_without_data_ms", 30_000),
            ("grpc.max_connection_age_ms", round(settings.connection_seconds * 1000)),
        ),
    )


async def _stop(server: Any, predictor: Predictor, health: Health, *, grace_seconds: float) -> None:
    """Tell it, refuse new requests, let the others end, and wait for nobody who only watches."""
    await health.leave()
    stopping = asyncio.create_task(server.stop(grace_seconds))
    await asyncio.wait(
        [stopping, asyncio.create_task(predictor.idle())],
        timeout=grace_seconds,
        return_when=asyncio.FIRST_COMPLETED,
    )
    await server.stop(_FLUSH_SECONDS)
    await stopping
