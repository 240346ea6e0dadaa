"""The figures of a model, as metrics.json and the report show them."""

from collections.abc import Sequence
from typing import Self

import msgspec

from artgrab.common.keys import SCHEMA_VERSION
from artgrab.model.weights import WeightsChoice
from artgrab.trainer.curves import AnswerDetails
from artgrab.trainer.evaluate import GroundFlips, LeftOut, Scores
from artgrab.trainer.history import Step


class Metrics(msgspec.Struct, frozen=True, kw_only=True):
    """All figures; a figure that cannot be had is null."""

    accuracy: float | None
    """Share of right answers on the test split."""
    baseline_accuracy: float | None
    """The same for a head on colours and edges alone."""
    left_out_accuracy: float | None
    """Mean over categories of the accuracy on pictures of a category that was never seen."""
    left_out_baseline_accuracy: float | None
    left_out: dict[str, float]
    left_out_baseline: dict[str, float]
    left_out_omitted: dict[str, str]
    """Categories that cannot be left out, and why."""
    ground_flips: GroundFlips | None
    """How far the answers hang on the ground alone, on the test split."""
    labels: tuple[str, ...]
    test: Scores | None
    details: AnswerDetails | None
    """By class, by stated probability and by threshold, on the test split."""
    history: tuple[Step, ...]
    """How the head was learned."""
    weights: str
    """What the backbone started from."""
    warnings: tuple[str, ...]
    schema_version: int = SCHEMA_VERSION

    @classmethod
    def of(
        cls,
        *,
        test: Scores | None,
        baseline: Scores | None,
        left_out: LeftOut,
        left_out_baseline: LeftOut,
        ground_flips: GroundFlips | None,
        labels: tuple[str, ...],
        weights: WeightsChoice,
        details: AnswerDetails | None = None,
        history: Sequence[Step] = (),
    ) -> Self:
        """Bring together what was found out."""
        return cls(
            accuracy=test.accuracy if test else None,
            baseline_accuracy=baseline.accuracy if baseline else None,
            left_out_accuracy=left_out.accuracy,
            left_out_baseline_accuracy=left_out_baseline.accuracy,
            left_out=left_out.categories,
            left_out_baseline=left_out_baseline.categories,
            left_out_omitted=left_out.omitted,
            ground_flips=ground_flips,
            labels=labels,
            test=test,
            details=details,
            history=tuple(history),
            weights=weights.source,
            warnings=(weights.warning,) if weights.warning else (),
        )
