"""What happens to every request before the service sees it: it is let in, and it is counted."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import grpc.aio

from artgrab.common.health import CHECK
from artgrab.serving.admissions import Admissions
from artgrab.serving.metrics import Metrics

SERVICE_NAME = "artgrab.v1.PredictService"
_OURS = f"/{SERVICE_NAME}/"
_NAMES = {code.value[0]: code.name for code in grpc.StatusCode}

Continuation = Callable[[Any], Awaitable[Any]]


class Gate(grpc.aio.ServerInterceptor):  # type: ignore[misc]  # grpc ships no types
    """Lets in who shows a token, and counts what is asked of the service itself.

    Whether it is well is told to everybody who asks; who watches it takes the place of a request
    for as long as it likes, and needs a token.
    """

    def __init__(
        self,
        admissions: Admissions | None,
        metrics: Metrics,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make the gate.

        Args:
            admissions: who may ask; everybody where absent.
            metrics: to count in.
            clock: seconds.
        """
        self._admissions = admissions
        self._metrics = metrics
        self._clock = clock

    async def intercept_service(self, continuation: Continuation, details: Any) -> Any:
        """Return what handles a call."""
        handler = await continuation(details)
        if handler is None or details.method == CHECK:
            return handler
        is_ours = details.method.startswith(_OURS)
        method = details.method.removeprefix(_OURS)
        metadata = details.invocation_metadata or ()
        refusal = self._admissions.refusal(metadata) if self._admissions else ""
        if refusal:
            return self._refusing(method if is_ours else "", refusal)
        return self._counting(method, handler) if is_ours else handler

    def _refusing(self, method: str, why: str) -> Any:
        """Return what answers without reading the request, which may be large."""

        async def refuse(_requests: object, context: Any) -> None:
            if method:
                self._metrics.request_refused(method, grpc.StatusCode.UNAUTHENTICATED.name)
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, why)

        return grpc.stream_unary_rpc_method_handler(refuse)

    def _counting(self, method: str, handler: Any) -> Any:
        async def counted(request: object, context: Any) -> object:
            began, code = self._clock(), grpc.StatusCode.UNKNOWN.name
            try:
                answer: object = await handler.unary_unary(request, context)
                code = grpc.StatusCode.OK.name
                return answer
            except asyncio.CancelledError:
                code = grpc.StatusCode.CANCELLED.name
                raise
            except grpc.aio.AbortError:
                code = _name_of(context.code())
                raise
            finally:
                self._metrics.request_ended(method, code, self._clock() - began)

        return grpc.unary_unary_rpc_method_handler(
            counted, handler.request_deserializer, handler.response_serializer
        )


def _name_of(code: Any) -> str:
    return _NAMES.get(code, "UNKNOWN") if isinstance(code, int) else str(code.name)
