"""More about the answers on the test split: by class, by stated probability, by threshold."""

from collections.abc import Sequence

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torchmetrics.functional.classification import binary_auroc, binary_roc

from artgrab.trainer.head import Indices

Probabilities = NDArray[np.float64]
"""A row for each picture, a column for each class."""

_BINS = 15
"""As in the calibration error (Guo et al. 2017)."""
_THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


class ClassFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One class against all others; a figure that cannot be had is null."""

    label: str
    pictures: int
    precision: float | None
    """Share of the pictures that got this answer for which it is right."""
    recall: float | None
    """Share of the pictures of this class that got this answer."""
    f1: float | None
    """Harmonic mean of both."""
    auc: float | None
    """Area under the ROC curve: how often a picture of the class gets a higher probability for it
    than one of another class."""


class ReliabilityBin(msgspec.Struct, frozen=True, kw_only=True):
    """Answers whose stated probability is about the same."""

    probability: float
    """Mean."""
    accuracy: float
    pictures: int


class ThresholdFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What happens if answers below a probability are not taken."""

    probability: float
    coverage: float
    """Share of pictures that still get an answer."""
    accuracy: float | None
    """Of these answers."""


class AnswerDetails(msgspec.Struct, frozen=True, kw_only=True):
    """All of them."""

    classes: tuple[ClassFigures, ...]
    reliability: tuple[ReliabilityBin, ...]
    thresholds: tuple[ThresholdFigures, ...]


def details_of(
    probabilities: Probabilities, target: Indices, labels: Sequence[str]
) -> AnswerDetails:
    """Return the details of answers.

    Args:
        probabilities: of at least one picture.
        target: true class of each.
        labels: name of each class.
    """
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == target
    return AnswerDetails(
        classes=tuple(
            _class_figures(probabilities, target, index, label)
            for index, label in enumerate(labels)
        ),
        reliability=_reliability(confidence, right),
        thresholds=tuple(_at_threshold(least, confidence, right) for least in _THRESHOLDS),
    )


def roc_points(probability: NDArray[np.float64], positive: NDArray[np.bool_]) -> list[list[float]]:
    """Return false and true positive rates by falling threshold; none where one side is empty."""
    if positive.all() or not positive.any():
        return []
    false_rate, true_rate, _ = binary_roc(*_tensors(probability, positive))
    return [[float(x), float(y)] for x, y in zip(false_rate, true_rate, strict=True)]


def _class_figures(
    probabilities: Probabilities, target: Indices, index: int, label: str
) -> ClassFigures:
    answered, true = probabilities.argmax(axis=1) == index, target == index
    hits = int((answered & true).sum())
    both = int(answered.sum()) + int(true.sum())
    column = probabilities[:, index]
    return ClassFigures(
        label=label,
        pictures=int(true.sum()),
        precision=hits / int(answered.sum()) if answered.any() else None,
        recall=hits / int(true.sum()) if true.any() else None,
        f1=2 * hits / both if both else None,
        auc=float(binary_auroc(*_tensors(column, true))) if 0 < true.sum() < len(true) else None,
    )


def _tensors(
    probability: NDArray[np.float64], positive: NDArray[np.bool_]
) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.from_numpy(np.ascontiguousarray(probability)), torch.from_numpy(positive).long()


def _reliability(
    confidence: NDArray[np.float64], right: NDArray[np.bool_]
) -> tuple[ReliabilityBin, ...]:
    places = np.minimum((confidence * _BINS).astype(np.int64), _BINS - 1)
    return tuple(
        ReliabilityBin(
            probability=float(confidence[places == place].mean()),
            accuracy=float(right[places == place].mean()),
            pictures=int((places == place).sum()),
        )
        for place in np.unique(places)
    )


def _at_threshold(
    least: float, confidence: NDArray[np.float64], right: NDArray[np.bool_]
) -> ThresholdFigures:
    taken = confidence >= least
    return ThresholdFigures(
        probability=least,
        coverage=float(taken.mean()),
        accuracy=float(right[taken].mean()) if taken.any() else None,
    )
