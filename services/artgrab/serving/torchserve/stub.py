"""TorchServe's gRPC APIs, as far as we call them."""

from collections.abc import Sequence
from typing import Any, Self

import grpc
import grpc.aio
import msgspec

from artgrab.common.servers import LOOPBACK
from artgrab.common.unreadable import UNREADABLE
from artgrab.serving.torchserve.config import Ports
from artgrab.serving.torchserve.replies import MODEL_NAME
from artgrab.v1 import torchserve_pb2 as pb

_PREDICTIONS = "/org.pytorch.serve.grpc.inference.InferenceAPIsService/Predictions"
_DESCRIBE = "/org.pytorch.serve.grpc.management.ManagementAPIsService/DescribeModel"
_OPTIONS = (
    ("grpc.enable_http_proxy", 0),
    ("grpc.enable_retries", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 500),  # it is beside us, and away only while it starts
    ("grpc.max_receive_message_length", 1024**2),
)
_DESCRIBE_SECONDS = 5.0


class _Worker(msgspec.Struct):
    id: str
    status: str
    pid: int = 0


class _Model(msgspec.Struct):
    workers: list[_Worker] = []


_models = msgspec.json.Decoder(list[_Model])


class Stub:
    """One TorchServe. An async context manager."""

    def __init__(self, ports: Ports) -> None:
        self._inference = _channel(ports.inference)
        self._management = _channel(ports.management)
        self._predictions = self._inference.unary_unary(
            _PREDICTIONS,
            request_serializer=pb.TorchServePredictionsRequest.SerializeToString,
            response_deserializer=pb.TorchServePredictionResponse.FromString,
        )
        self._describe = self._management.unary_unary(
            _DESCRIBE,
            request_serializer=pb.TorchServeDescribeModelRequest.SerializeToString,
            response_deserializer=pb.TorchServeManagementResponse.FromString,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._inference.close()
        await self._management.close()

    async def predict(self, name: str, picture: bytes) -> bytes:
        """Return what the handler answers for a picture of this kind (replies.RAW, STORED).

        Raises:
            grpc.RpcError: TorchServe or its worker is away.
        """
        request = pb.TorchServePredictionsRequest(model_name=MODEL_NAME, input={name: picture})
        response = await self._predictions(request)
        return bytes(response.prediction)

    async def ready_workers(self) -> Sequence[int]:
        """Return the process ids of workers that have loaded the model; none where it is away."""
        request = pb.TorchServeDescribeModelRequest(model_name=MODEL_NAME)
        try:
            response = await self._describe(request, timeout=_DESCRIBE_SECONDS)
            (model,) = _models.decode(response.msg)
        except (grpc.RpcError, *UNREADABLE, ValueError):
            return []
        return [worker.pid for worker in model.workers if worker.status == "READY"]


def _channel(port: int) -> Any:
    return grpc.aio.insecure_channel(f"{LOOPBACK}:{port}", options=_OPTIONS)
