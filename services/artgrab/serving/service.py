"""PredictService: translates between gRPC and Predictor, nothing else."""

from collections.abc import Sequence
from typing import Any, NoReturn

import grpc
import structlog

from artgrab.serving.engines import Answer, EngineAwayError, Failure, Served
from artgrab.serving.metrics import Metrics
from artgrab.serving.predictor import Predictor, QueueFullError
from artgrab.v1 import predict_service_pb2 as pb
from artgrab.v1 import predict_service_pb2_grpc as pb_grpc

_logger = structlog.get_logger(__name__)


class PredictServicer(pb_grpc.PredictServiceServicer):
    """Answers Predict and Describe for one model."""

    def __init__(
        self, served: Served, predictor: Predictor, metrics: Metrics, *, max_pictures: int
    ) -> None:
        self._served = served
        self._predictor = predictor
        self._metrics = metrics
        self._max_pictures = max_pictures

    async def Predict(  # noqa: N802 - the name in the contract
        self, request: pb.PredictRequest, context: Any
    ) -> pb.PredictResponse:
        """Answer for every picture of the request."""
        if len(request.pictures) > self._max_pictures:
            await _abort(
                context,
                grpc.StatusCode.INVALID_ARGUMENT,
                f"{len(request.pictures)} pictures in one request; "
                f"send at most {self._max_pictures} (max_pictures of Describe)",
            )
        answers = await self._predict(request.pictures, context)
        self._metrics.pictures_ended(answers)
        return pb.PredictResponse(
            predictions=[to_message(answer) for answer in answers],
            model_sha256=self._served.content_sha256,
        )

    async def Describe(  # noqa: N802 - the name in the contract
        self, request: pb.DescribeRequest, context: Any
    ) -> pb.DescribeResponse:
        """Say which model answers, and what a request may hold."""
        config = self._served.config
        return pb.DescribeResponse(
            model_sha256=self._served.content_sha256,
            backbone=config.backbone,
            labels=config.labels,
            max_pictures=self._max_pictures,
            image_size=config.image_size,
        )

    async def _predict(self, pictures: Sequence[bytes], context: Any) -> list[Answer | Failure]:
        try:
            return await self._predictor.predict(pictures)
        except QueueFullError:
            await _abort(
                context,
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                "too many pictures are under way; try again a little later",
            )
        except EngineAwayError as error:
            await _abort(context, grpc.StatusCode.UNAVAILABLE, str(error))
        except Exception:
            _logger.exception("prediction failed", pictures=len(pictures))
            await _abort(
                context, grpc.StatusCode.INTERNAL, "the model failed; the server's log says why"
            )


async def _abort(context: Any, code: grpc.StatusCode, message: str) -> NoReturn:
    await context.abort(code, message)
    raise AssertionError("abort returned")


def to_message(answer: Answer | Failure) -> pb.Prediction:
    """Return the message for what became of one picture."""
    if isinstance(answer, Exception):
        return pb.Prediction(error=f"The picture cannot be read: {answer}.")
    return pb.Prediction(
        label=answer.label,
        probability=answer.probability,
        classes=[
            pb.ClassProbability(label=label, probability=probability)
            for label, probability in answer.probabilities.items()
        ],
    )
