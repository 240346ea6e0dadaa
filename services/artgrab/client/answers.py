"""What a predict server says, as plain values."""

from dataclasses import dataclass, field

from artgrab.v1 import predict_service_pb2 as pb


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """The answer for one picture: a label, or the reason why there is none."""

    label: str = ""
    """The most probable class; empty with error."""
    probability: float = 0.0
    """Of that class, 0 to 1."""
    classes: dict[str, float] = field(default_factory=dict)
    """Probability of every class; they sum up to 1."""
    error: str = ""
    """Why this picture has no answer, in one sentence; empty where it has one."""
    model_sha256: str = ""
    """Content digest of the model that answered; empty where it was not asked."""


@dataclass(frozen=True, kw_only=True)
class ModelDescription:
    """Which model a server answers with, and what a request may hold."""

    model_sha256: str
    backbone: str
    labels: tuple[str, ...]
    max_pictures: int
    """In one request; predict() of a client sends as many requests as that takes."""
    image_size: int
    """Pixels, side of the square that the backbone sees."""


def read_predictions(response: pb.PredictResponse) -> list[Prediction]:
    """Return the answers of a response, in its order."""
    return [
        Prediction(
            label=one.label,
            probability=one.probability,
            classes={c.label: c.probability for c in one.classes},
            error=one.error,
            model_sha256=response.model_sha256,
        )
        for one in response.predictions
    ]


def read_description(response: pb.DescribeResponse) -> ModelDescription:
    """Return what a server says of itself."""
    return ModelDescription(
        model_sha256=response.model_sha256,
        backbone=response.backbone,
        labels=tuple(response.labels),
        max_pictures=max(1, response.max_pictures),
        image_size=response.image_size,
    )
