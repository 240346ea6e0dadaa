"""Whether the service answers, by grpc.health.v1: beside the service, and on a port of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from artgrab.common.servers import bind, check_address, set_health

CHECK = "/grpc.health.v1.Health/Check"
_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class _Checked(health.aio.HealthServicer):  # type: ignore[misc]  # grpc ships no types
    """Tells whoever asks, and nobody who only listens."""

    async def Watch(self, request: object, context: Any) -> None:  # noqa: N802 - in the contract
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, "ask by Check")


class Health:
    """Tells clients, and whoever starts and ends processes by what it tells.

    On a port of its own there is neither TLS nor token, as Kubernetes has none, and the server as a
    whole ("") is well while it answers at all: one whose model or store is away for a moment must
    not be killed for it. Nobody can watch there, as watches never end and would keep others out.
    """

    def __init__(self, service: str, *, option: str, watched: bool = True) -> None:
        """Prepare; nothing is told before `listening`.

        Args:
            service: its full name.
            option: the setting that names the port, for people.
            watched: whether callers of the service may watch; each takes a place for ever.
        """
        self._service = service
        self._option = option
        self._beside = health.aio.HealthServicer() if watched else _Checked()
        self._apart = _Checked()

    def add_to(self, server: Any) -> None:
        """Answer beside the service."""
        health_pb2_grpc.add_HealthServicer_to_server(self._beside, server)

    @asynccontextmanager
    async def listening(self, listen: str) -> AsyncIterator[None]:
        """Answer on a port of its own as long as the context is open; nowhere where it is empty.

        Raises:
            BadInputError: that is no address.
            SurroundingsError: it is taken.
        """
        await self.tell(False)
        if not listen:
            yield
            return
        check_address(listen, option=self._option)
        server = grpc.aio.server(options=(("grpc.so_reuseport", 0),), maximum_concurrent_rpcs=64)
        health_pb2_grpc.add_HealthServicer_to_server(self._apart, server)
        bind(server, listen, option=self._option)
        await server.start()
        try:
            yield
        finally:
            await server.stop(None)

    async def tell(self, can_answer: bool) -> None:
        """Tell whether the service answers."""
        status = _SERVING if can_answer else _NOT_SERVING
        await set_health(self._beside, status, service=self._service)
        await self._apart.set(self._service, status)
        await self._apart.set("", _SERVING)

    async def leave(self) -> None:
        """Tell that nothing answers any more, whatever is told later."""
        await self._beside.enter_graceful_shutdown()
        await self._apart.enter_graceful_shutdown()
