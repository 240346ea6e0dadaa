"""The predict server as a process: put together here, served, and taken down."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from artgrab.common.servers import bind, check_address, set_health, signals_set
from artgrab.images import DecodePool
from artgrab.serving.predictor import Classifier, Predictor
from artgrab.serving.service import SERVICE_NAME, PredictServicer
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
        BadInputError: the address to listen on is none.
        SurroundingsError: the address is taken.
        ObjectCorruptError: the model fails its first prediction.
    """
    stop = stop or asyncio.Event()
    host = check_address(settings.listen)
    async with AsyncExitStack() as stack:
        stack.enter_context(signals_set(stop))
        predictor = await stack.enter_async_context(_predictor(settings, classifier))
        servicer = PredictServicer(classifier, predictor, max_pictures=settings.max_pictures)
        health_servicer = health.aio.HealthServicer()
        server = _server(settings, servicer, health_servicer)
        port = bind(server, settings.listen)
        await set_health(
            health_servicer, health_pb2.HealthCheckResponse.NOT_SERVING, service=SERVICE_NAME
        )
        await server.start()
        try:
            await check_prediction(predictor)
            await set_health(
                health_servicer, health_pb2.HealthCheckResponse.SERVING, service=SERVICE_NAME
            )
            on_ready(f"{host}:{port}")
            await stop.wait()
        finally:
            await health_servicer.enter_graceful_shutdown()
            await _stop(server, predictor, grace_seconds=settings.grace_seconds)


@asynccontextmanager
async def _predictor(settings: ServingSettings, classifier: Classifier) -> AsyncIterator[Predictor]:
    async with DecodePool(
        workers=settings.decode_workers,
        memory_bytes=settings.decode_memory_bytes,
        timeout=settings.decode_seconds,
    ) as pool:
        predictor = Predictor(
            classifier,
            pool,
            batch_pictures=settings.batch_pictures,
            max_queued_pictures=settings.max_queued_pictures,
        )
        async with predictor.running():
            yield predictor


def _server(settings: ServingSettings, servicer: PredictServicer, health_servicer: Any) -> Any:
    server = grpc.aio.server(
        maximum_concurrent_rpcs=settings.max_requests,
        options=(
            ("grpc.so_reuseport", 0),  # a second server on the port is an error, not a coin toss
            ("grpc.max_receive_message_length", settings.max_message_bytes),
            ("grpc.max_metadata_size", 16 * 1024),
            ("grpc.keepalive_time_ms", 60_000),
            ("grpc.keepalive_timeout_ms", 20_000),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.min_ping_interval_without_data_ms", 30_000),
        ),
    )
    pb_grpc.add_PredictServiceServicer_to_server(servicer, server)
    health_pb2_grpc.add_HealthServicer_to_server(health_servicer, server)
    return server


async def _stop(server: Any, predictor: Predictor, *, grace_seconds: float) -> None:
    """Refuse new requests, let the others end, and wait for nobody who only watches."""
    stopping = asyncio.create_task(server.stop(grace_seconds))
    await asyncio.wait(
        [stopping, asyncio.create_task(predictor.idle())],
        timeout=grace_seconds,
        return_when=asyncio.FIRST_COMPLETED,
    )
    await server.stop(_FLUSH_SECONDS)
    await stopping
