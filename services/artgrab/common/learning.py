"""What a classifier does by itself in a cluster: when it learns anew, what it serves, and how."""

from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from artgrab.common.resource_fields import Resource


class Retrain(Resource):
    """When a cluster learns again from what has been collected since; in a cluster only."""

    min_new_percent: int = Field(
        5,
        ge=0,
        le=1000,
        description="Learn again when so many more pictures are stored, in percent of those that "
        "were when the last dataset was begun; `0`: when there is one more.",
    )
    quiet_minutes: int = Field(
        10,
        ge=0,
        le=10080,
        description="Minutes since the end of the last scrape before a newer dataset is begun, so "
        "that categories that come one after the other are learned together.",
    )


class Promotion(Resource):
    """What a newer model must reach to be served; in a cluster only."""

    min_accuracy_percent: int = Field(
        0,
        ge=0,
        le=100,
        description="Share of the pictures of the test split that it must tell right.",
    )
    max_regression_permille: int = Field(
        5,
        ge=0,
        le=1000,
        description="How many more of a thousand pictures of the test split it may tell wrong "
        "than the model that is served, which is judged by the same pictures.",
    )


class Runtime(StrEnum):
    """What computes the answers."""

    TORCH_SERVE = "TorchServe"
    NATIVE = "Native"


class Serving(Resource):
    """How the model is served; in a cluster only."""

    runtime: Runtime = Field(
        Runtime.TORCH_SERVE,
        description="What computes the answers: `TorchServe`, or `Native`, which needs less "
        "memory. Both give the same answers to the same calls.",
    )
    min_replicas: int = Field(1, ge=1, le=100, description="Pods that serve when nothing is asked.")
    max_replicas: int = Field(
        4,
        ge=1,
        le=100,
        description="Pods that serve when much is asked; at least `minReplicas`.",
    )

    @model_validator(mode="after")
    def _fewest_not_above_most(self) -> Self:
        if self.max_replicas < self.min_replicas:
            raise ValueError(
                f"maxReplicas must be at least minReplicas, which is {self.min_replicas}; "
                f"it is {self.max_replicas}"
            )
        return self
