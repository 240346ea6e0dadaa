"""The model that is served now, judged by the test pictures of a new snapshot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import structlog
from torch import nn

from artgrab.common.digests import sha256_hex
from artgrab.common.errors import BadInputError, ObjectCorruptError, ObjectMissingError
from artgrab.common.keys import model_prefix
from artgrab.common.manifest import TEST, ManifestRow
from artgrab.common.progress import ProgressSink
from artgrab.common.store import Store
from artgrab.model.backbone import use_threads
from artgrab.model.classifier import filled_backbone, input_of
from artgrab.model.documents import MODEL_VERSION
from artgrab.model.folder import Model, encode_tensors, read_stored_model
from artgrab.trainer.extractors import backbone_features
from artgrab.trainer.features import (
    ALL,
    Features,
    Row,
    Share,
    StoredPicture,
    features_prefix,
    fill_cache,
)
from artgrab.trainer.head import Head

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a comparison is made of."""

    store: Store
    namespace: str
    served: str
    """Key of the model."""
    labels: Sequence[str]
    """Of the new snapshot's classifier."""
    rows: Sequence[ManifestRow]
    """Of the new snapshot; only those of the test split with one of the labels are asked for."""
    progress: ProgressSink
    threads: int

    @property
    def judged(self) -> list[ManifestRow]:
        return [row for row in self.rows if row.split == TEST and row.label in self.labels]


class Compared(NamedTuple):
    """What a comparison came to."""

    content_sha256: str
    """Of the model; empty where it is not there, or not readable."""
    accuracy: float | None
    """Share of right answers; None where it cannot be judged by these pictures."""


def compare(asked: Asked) -> Compared:
    """Return how good the served model is, seen through its own backbone and image size.

    One that is gone or cannot be read is no failure of the new one: it is said in the log, as is
    one that answers with other labels.

    Raises:
        ObjectMissingError, ObjectCorruptError: a picture is not there or not the recorded one.
    """
    served = _read(asked)
    if served is None:
        return Compared("", None)
    known, rows = _known(asked, served), asked.judged
    if known is None or not rows:
        return Compared(served.model.content_sha256, None)
    features = np.stack([known[row.object_sha256] for row in rows])
    return Compared(served.model.content_sha256, _accuracy(served.model, features, rows))


def share_comparison(asked: Asked, share: Share) -> None:
    """Compute a share of what compare() would compute of single pictures, and keep it for it."""
    served = _read(asked)
    if served is not None:
        _known(asked, served, share)


class _Served(NamedTuple):
    model: Model
    backbone: nn.Module


def _read(asked: Asked) -> _Served | None:
    prefix = model_prefix(asked.namespace, asked.served)
    try:
        model = read_stored_model(asked.store, prefix)
        return _Served(model, filled_backbone(model))
    except (ObjectMissingError, ObjectCorruptError, BadInputError) as error:
        _log.warning("the served model cannot be compared with", problem=str(error))
        return None


def _known(asked: Asked, served: _Served, share: Share = ALL) -> Mapping[str, Row] | None:
    """Return features by SHA-256 of the picture; None where labels differ."""
    config = served.model.config
    if set(config.labels) != set(asked.labels):
        _log.warning(
            "the served model has other labels and is not compared with",
            served=list(config.labels),
            wanted=list(asked.labels),
        )
        return None
    use_threads(1)  # of each of the threads
    vision = input_of(config)
    made_of = {
        "backbone": config.backbone,
        "backbone_sha256": sha256_hex(encode_tensors(served.backbone.state_dict())),
        "image_size": vision.image_size,
        "mean": vision.mean,
        "std": vision.std,
        "version": MODEL_VERSION,
    }
    return fill_cache(
        asked.store,
        [StoredPicture(row.object_key, row.object_sha256) for row in asked.judged],
        backbone_features(served.backbone, vision),
        prefix=features_prefix(asked.namespace, made_of),
        threads=asked.threads,
        progress=asked.progress,
        item="served model",
        share=share,
    )


def _accuracy(model: Model, features: Features, rows: Sequence[ManifestRow]) -> float:
    head = Head(
        weight=model.tensors["head.weight"].double(), bias=model.tensors["head.bias"].double()
    )
    answers: list[int] = head.probabilities(features).argmax(dim=1).tolist()
    labels = model.config.labels
    right = [labels[answer] == row.label for answer, row in zip(answers, rows, strict=True)]
    return sum(right) / len(right)
