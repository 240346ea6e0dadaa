"""The client for code without asyncio."""

import time
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Self

import grpc

from artgrab.client.answers import (
    ModelDescription,
    Prediction,
    read_description,
    read_predictions,
)
from artgrab.client.channels import Access
from artgrab.client.requests import answers_in_order, build_request, split
from artgrab.client.retries import Retries
from artgrab.v1 import predict_service_pb2 as pb
from artgrab.v1 import predict_service_pb2_grpc as pb_grpc


class PredictClient:
    """Asks one predict server. A context manager; threads may share it.

    Calls that fail because the server is away or busy are made again, with growing, random waits.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        deadline_seconds: float = 60.0,
        retries: Retries | None = None,
        tls: bool | None = None,
        root_certificates: bytes | None = None,
        token: str | None = None,
        token_without_tls: bool = False,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Make the client; it connects with the first call.

        Args:
            endpoint: HOST:PORT.
            deadline_seconds: for one request, all its repetitions included.
            retries: how often and when; see Retries.
            tls: by default on, but for an address of this machine without root certificates.
            root_certificates: PEM of who may sign for the server; public authorities if absent.
            token: shown to the server with every call.
            token_without_tls: send it even where everybody on the way can read it; to this machine
                it is sent anyway.
            sleep: waits before a repetition.

        Raises:
            BadInputError: endpoint is no HOST:PORT; root_certificates or token are none, or the
                token would be sent in the clear.
        """
        access = Access(
            endpoint=endpoint,
            tls=tls,
            root_certificates=root_certificates,
            token=token,
            token_without_tls=token_without_tls,
        )
        self._channel = access.open_channel(grpc)
        self._metadata = access.metadata
        self._stub = pb_grpc.PredictServiceStub(self._channel)
        self._endpoint = endpoint
        self._deadline_seconds = deadline_seconds
        self._retries = retries or Retries()
        self._sleep = sleep
        self._max_pictures: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection; the client cannot be used again."""
        self._channel.close()

    def describe(self) -> ModelDescription:
        """Return which model answers.

        Raises:
            BadInputError: the server refuses the token.
            SurroundingsError: the server is not there, is busy or failed, for too long.
        """
        response = self._call(self._stub.Describe, pb.DescribeRequest())
        return read_description(response)

    def predict(self, pictures: Iterable[bytes]) -> list[Prediction]:
        """Return an answer for every picture (a JPEG, PNG, WebP or GIF file), in their order.

        A picture that cannot be read has its reason in `error`; the others are answered.

        Raises:
            BadInputError: the server refuses the request, or the token.
            SurroundingsError: the server is not there, is busy or failed, for too long.
        """
        return list(self.stream(pictures))

    def stream(self, pictures: Iterable[bytes]) -> Iterator[Prediction]:
        """Yield what predict returns, request by request; pictures are read no further ahead.

        Raises:
            BadInputError, SurroundingsError: as predict.
        """
        if self._max_pictures is None:
            self._max_pictures = self.describe().max_pictures
        for batch in split(pictures, max_pictures=self._max_pictures):
            response = self._call(self._stub.Predict, build_request(batch))
            yield from answers_in_order(batch, read_predictions(response))

    def _call(self, method: Callable[..., Any], request: object) -> Any:
        attempts = self._retries.begin(self._deadline_seconds)
        while True:
            try:
                return method(
                    request, timeout=attempts.remaining_seconds(), metadata=self._metadata
                )
            except grpc.RpcError as error:
                delay = attempts.delay_after(error, endpoint=self._endpoint)
            self._sleep(delay)
