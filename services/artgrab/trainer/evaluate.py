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
from artgrab.trainer.head import Head, Indices, Watch, train_head


class Table(NamedTuple):
    """Pictures as a head sees them."""

    features: Features
    classes: Indices
    """Index of the label of each."""
    categories: Sequence[str]
    labels: tuple[str, ...]
    counterfactuals: Features | None = None
    """Of the same pictures on other grounds, to be learned as well."""

    def where(self, chosen: NDArray[np.bool_]) -> "Table":
        """Return some of the pictures."""
        categories = [name for name, keep in zip(self.categories, chosen, strict=True) if keep]
        others = None if self.counterfactuals is None else self.counterfactuals[chosen]
        return Table(self.features[chosen], self.classes[chosen], categories, self.labels, others)

    def fit(self, *, watch: Watch | None = None) -> Head:
        """Return a head learned from these pictures, and from all of them on other grounds."""
        seen = [self.features]
        if self.counterfactuals is not None:
            seen.append(self.counterfactuals)
        return train_head(
            np.concatenate(seen),
            np.tile(self.classes, len(seen)),
            [*self.categories] * len(seen),
            count=len(self.labels),
            watch=watch,
        )


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


class GroundFlips(msgspec.Struct, frozen=True, kw_only=True):
    """Share of answers that change with the ground of a picture, rightly or not (flip rate)."""

    onto_white: float | None
    """Of pictures that fill their frame, cut out and put onto white; none where there are none."""
    onto_white_pictures: int
    off_white: float | None
    """Of pictures that stand on white, put onto grey."""
    off_white_pictures: int


def count_flips(
    head: Head, features: Features, changed: Features, on_white: NDArray[np.bool_]
) -> GroundFlips:
    """Return how often a head changes its answer with the ground.

    Args:
        head: what is asked.
        features: of pictures as they are.
        changed: of the same pictures on another ground.
        on_white: whether a picture stands on white.
    """
    before, after = (head.probabilities(one).argmax(dim=1).numpy() for one in (features, changed))
    flipped = before != after
    return GroundFlips(
        onto_white=_share(flipped[~on_white]),
        onto_white_pictures=int((~on_white).sum()),
        off_white=_share(flipped[on_white]),
        off_white_pictures=int(on_white.sum()),
    )


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


def _share(flipped: NDArray[np.bool_]) -> float | None:
    return float(flipped.mean()) if len(flipped) else None
