"""Whether downloaders answer, asked before the work: streams have more patience than people."""

import asyncio
import time
from collections.abc import Sequence

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from artgrab.common.addresses import resolve
from artgrab.common.errors import BadInputError, SurroundingsError
from artgrab.scraper.channels import PLAIN, Channels
from artgrab.v1 import ingest_service_pb2 as pb

SERVICE = pb.DESCRIPTOR.services_by_name["IngestService"].full_name
PATIENCE_SECONDS = 10.0
"""For one that is just starting."""
_PAUSE_SECONDS = 0.2
_OTHERS = frozenset({grpc.StatusCode.NOT_FOUND, grpc.StatusCode.UNIMPLEMENTED})


async def check_downloaders(
    endpoints: Sequence[str],
    *,
    patience_seconds: float = PATIENCE_SECONDS,
    channels: Channels = PLAIN,
) -> None:
    """Return when one of the downloaders behind the endpoints serves.

    Raises:
        BadInputError: an endpoint is not HOST:PORT, or something else answers there.
        SurroundingsError: none answers in the time given, or TLS fails.
    """
    named = ", ".join(endpoints)
    deadline = time.monotonic() + patience_seconds
    while True:
        addresses = await resolve(endpoints)
        complaints = [await _complaint(address, channels) for address in addresses]
        if "" in complaints:
            return
        if time.monotonic() >= deadline:
            if of_tls := next(filter(None, [await channels.trouble(one) for one in addresses]), ""):
                raise SurroundingsError(f"the downloader at {named} cannot be asked: {of_tls}")
            why = complaints[0] if complaints else "no address is known for it"
            raise SurroundingsError(
                f"no downloader answers at {named} ({why}); check --downloader, or start one: "
                f"artgrab download --listen {endpoints[0]}"
            )
        await asyncio.sleep(_PAUSE_SECONDS)


async def _complaint(address: str, channels: Channels) -> str:
    """Return why an address does not serve us, empty where it does."""
    request = health_pb2.HealthCheckRequest(service=SERVICE)
    async with channels.open(address) as channel:
        try:
            answer = await health_pb2_grpc.HealthStub(channel).Check(request, timeout=5.0)
        except grpc.aio.AioRpcError as error:
            if error.code() in _OTHERS:
                raise BadInputError(f"{address} is no downloader; check --downloader") from error
            return _words(str(error.details() or error.code().name))
    serving = answer.status == health_pb2.HealthCheckResponse.SERVING
    return "" if serving else "it is not ready"


def _words(details: str) -> str:
    """Return what gRPC says, for people."""
    if "Connection refused" in details:
        return "connection refused"
    if "HTTP/2" in details or "http1" in details:
        return "what answers there does not speak gRPC"
    return " ".join(details.split())[:200]
