"""Plays TorchServe: of the first picture after its start it never speaks again, and a worker dies.

Run as the `java` of an engine. The first picture of all is the engine's own, which is answered.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import grpc

from artgrab.serving.torchserve.replies import MODEL_NAME
from artgrab.v1 import torchserve_pb2 as pb

LABEL = "art"
FIRST_WORKER = 1
"""Its process id, as TorchServe would tell it."""
_PORTS = ("grpc_inference_port", "grpc_management_port")


class Played:
    """Its two services."""

    def __init__(self) -> None:
        self._pictures = 0
        self._worker = FIRST_WORKER

    async def predict(self, request: pb.TorchServePredictionsRequest, _: Any) -> Any:
        self._pictures += 1
        if self._pictures == 2:
            self._worker += 1
            await asyncio.Event().wait()
        reply = {"label": LABEL, "probabilities": {LABEL: 1.0}}
        return pb.TorchServePredictionResponse(prediction=json.dumps(reply).encode())

    async def describe(self, request: pb.TorchServeDescribeModelRequest, _: Any) -> Any:
        worker = {"id": "9000", "status": "READY", "pid": self._worker}
        models = [{"modelName": MODEL_NAME, "workers": [worker]}]
        return pb.TorchServeManagementResponse(msg=json.dumps(models))


def _port(properties: str, name: str) -> int:
    lines = Path(properties).read_text().splitlines()
    return int(next(line.partition("=")[2] for line in lines if line.startswith(name)))


def _service(name: str, method: str, behaviour: Any, request: Any) -> Any:
    handler = grpc.unary_unary_rpc_method_handler(
        behaviour,
        request_deserializer=request.FromString,
        response_serializer=lambda message: message.SerializeToString(),
    )
    return grpc.method_handlers_generic_handler(f"org.pytorch.serve.grpc.{name}", {method: handler})


async def main() -> None:
    properties, played = sys.argv[sys.argv.index("-f") + 1], Played()
    server = grpc.aio.server(
        handlers=[
            _service(
                "inference.InferenceAPIsService",
                "Predictions",
                played.predict,
                pb.TorchServePredictionsRequest,
            ),
            _service(
                "management.ManagementAPIsService",
                "DescribeModel",
                played.describe,
                pb.TorchServeDescribeModelRequest,
            ),
        ]
    )
    for name in _PORTS:
        server.add_insecure_port(f"127.0.0.1:{_port(properties, name)}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(main())
