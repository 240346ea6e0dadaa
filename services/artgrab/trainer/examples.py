"""Pictures of the test split that are worth a look: mistakes, doubts, and plain successes."""

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

from artgrab.common.manifest import TEST, ManifestRow


class Judged(NamedTuple):
    """A picture of the test split and the answer it got."""

    row: ManifestRow
    answer: str
    probability: float
    """Of the answer."""
    margin: float
    """How far the probability of the second answer is behind."""

    @property
    def right(self) -> bool:
        """Whether the answer is the picture's label."""
        return self.answer == self.row.label


class Examples(NamedTuple):
    """What the report shows."""

    mistakes: Sequence[Judged]
    """The most confident first."""
    doubts: Sequence[Judged]
    """The least certain first, rightly answered or not."""
    successes: Sequence[Judged]
    """The same number of each class, by chance: in the order of a digest."""


_MOST = 24
_MOST_SUCCESSES = 32
_MOST_OF_A_CLASS = 12


def judge(
    probabilities: Tensor, rows: Sequence[ManifestRow], labels: Sequence[str]
) -> list[Judged]:
    """Return the answers on the test split.

    Args:
        probabilities: a row for each picture of the snapshot, a column for each label.
        rows: the same pictures.
        labels: of at least two classes.
    """
    best, places = (values.tolist() for values in probabilities.topk(2, dim=1))
    return [
        Judged(row, labels[place], first, first - second)
        for row, (place, _), (first, second) in zip(rows, places, best, strict=True)
        if row.split == TEST
    ]


def pick_examples(
    judged: Sequence[Judged], labels: Sequence[str], *, most: int = _MOST
) -> Examples:
    """Choose pictures to show; equal input gives equal ones, in whatever order it comes."""
    ordered = sorted(judged, key=lambda one: one.row.object_sha256)
    mistakes = sorted((one for one in ordered if not one.right), key=lambda one: -one.probability)
    doubts = sorted(ordered, key=lambda one: one.margin)
    each = max(1, min(_MOST_OF_A_CLASS, _MOST_SUCCESSES // len(labels)))
    right = {
        label: [one for one in ordered if one.right and one.answer == label] for label in labels
    }
    successes = [one for label in labels for one in right[label][:each]]
    return Examples(mistakes[:most], doubts[: most // 2], successes[:_MOST_SUCCESSES])
