"""How good a head is, on pictures like those it saw and on categories it never saw."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torchmetrics.functional.classification import (
    multiclass_calibration_error,
    multiclass_confusion_matrix,
)

from artgrab.trainer.features import Features
from artgrab.trainer.head import Head, Indices, train_head


class Table(NamedTuple):
    """Pictures as a head sees them."""

    features: Features
    classes: Indices
    """Index of the label of each."""
    categories: Sequence[str]
    labels: tuple[str, ...]

    def where(self, chosen: NDArray[np.bool_]) -> "Table":
        """Return some of the pictures."""
        categories = [name for name, keep in zip(self.categories, chosen, strict=True) if keep]
        return Table(self.features[chosen], self.classes[chosen], categories, self.labels)

    def fit(self) -> Head:
        """Return a head learned from these pictures."""
        count = len(self.labels)
        return train_head(self.features, self.classes, self.categories, count=count)


class Scores(msgspec.Struct, frozen=True, kw_only=True):
    """Figures on a set of pictures."""

    pictures: int
    accuracy: float
    confusion: list[list[int]]
    """Pictures by true label (row) and answer (column)."""
    per_category: dict[str, float]
    """Accuracy."""
    calibration_error: float
    """Mean distance of confidence and accuracy over 15 bins (Guo et al. 2017, ECE)."""


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """Accuracy on each category by a head that saw all pictures but this category's."""

    accuracy: float | None
    """Unweighted mean over the categories; none where no category could be left out."""
    categories: dict[str, float]
    omitted: dict[str, str]
    """Why, by category."""


def score(head: Head, table: Table) -> Scores:
    """Return the figures of a head on pictures."""
    probabilities, target = head.probabilities(table.features), torch.from_numpy(table.classes)
    count = len(table.labels)
    right = (probabilities.argmax(dim=1) == target).numpy()
    return Scores(
        pictures=len(target),
        accuracy=float(right.mean()),
        confusion=multiclass_confusion_matrix(probabilities, target, count).tolist(),
        per_category=_mean_by_category(table.categories, right),
        calibration_error=float(multiclass_calibration_error(probabilities, target, count)),
    )


def leave_each_category_out(
    table: Table, *, told: Callable[[int, int], None] = lambda done, total: None
) -> LeftOut:
    """Train without each category in turn and ask for its pictures.

    Nothing is tuned: the head is what train_head makes of all other pictures, whatever their split,
    and the most probable class (0.5 and more of two) is the answer.

    Args:
        table: all pictures.
        told: called with the categories done and their number.
    """
    names = np.asarray(table.categories)
    categories = sorted(set(table.categories))
    accuracy: dict[str, float] = {}
    omitted: dict[str, str] = {}
    for done, category in enumerate(categories, start=1):
        out = names == category
        gone = sorted(set(table.classes[out].tolist()) - set(table.classes[~out].tolist()))
        if gone:
            omitted[category] = f"the only category of {table.labels[gone[0]]}"
        else:
            accuracy[category] = score(table.where(~out).fit(), table.where(out)).accuracy
        told(done, len(categories))
    mean = sum(accuracy.values()) / len(accuracy) if accuracy else None
    return LeftOut(accuracy=mean, categories=accuracy, omitted=omitted)


def _mean_by_category(categories: Sequence[str], right: NDArray[np.bool_]) -> dict[str, float]:
    names = np.asarray(categories)
    return {str(name): float(right[names == name].mean()) for name in np.unique(names)}
