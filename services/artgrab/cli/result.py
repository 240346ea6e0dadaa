"""What `artgrab run` answers: the document of `--output json`."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from artgrab.common.runs import CategoryCounts


class DatasetResult(msgspec.Struct, frozen=True, kw_only=True):
    uri: str
    content_sha256: str
    images: int
    splits: dict[str, int]


class ModelResult(msgspec.Struct, frozen=True, kw_only=True):
    uri: str
    content_sha256: str
    backbone: str


class PredictionResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    image: str
    label: str
    probability: float
    error: str = ""


class Work(msgspec.Struct, kw_only=True):
    """What this very run did; all 0 where everything was there already."""

    fetched: int = 0
    stored: int = 0
    trained: int = 0

    @property
    def none(self) -> bool:
        return not (self.fetched or self.stored or self.trained)


class RunResult(msgspec.Struct, kw_only=True):
    """The document of `--output json`."""

    categories: dict[str, CategoryCounts]
    work: Work
    dataset: DatasetResult | None = None
    model: ModelResult | None = None
    metrics: Mapping[str, Any] = {}
    predictions: Sequence[PredictionResult] = ()
    endpoint: str = ""
    problems: Sequence[str] = ()
    """Sources that could not be gone through to their end, and categories that are suspended."""


def to_json(result: RunResult) -> str:
    """Return the document in one line."""
    return msgspec.json.encode(result).decode()
