"""The charts of the report: how it was learned, and how far its probabilities can be believed."""

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from artgrab.common.pages import percent
from artgrab.trainer.charts import Axis, Line, line_chart
from artgrab.trainer.curves import Probabilities, ReliabilityBin, roc_points
from artgrab.trainer.head import Indices
from artgrab.trainer.history import Step

_SHARE = Axis("", 0, 1, percent=True)
_CURVES = ("ours", "amber", "right", "wrong", "base")
"""Colours of ROC curves; no more of them can be told apart."""


def loss_chart(history: Sequence[Step]) -> Markup:
    """Return loss on train and validation by step."""
    ours = [(float(one.step), one.loss) for one in history]
    other = [
        (float(one.step), one.validation_loss) for one in history if one.validation_loss is not None
    ]
    highest = max(value for _, value in (*ours, *other))
    return line_chart(
        [Line(other, "amber"), Line(ours, "ours")],
        x=_steps(history),
        y=Axis("loss", 0, highest * 1.05),
        summary=f"Loss by step: from {ours[0][1]:.3f} to {ours[-1][1]:.3f} on train"
        + (f", from {other[0][1]:.3f} to {other[-1][1]:.3f} on validation" if other else ""),
    )


def accuracy_chart(history: Sequence[Step]) -> Markup | None:
    """Return accuracy on validation by step; none where there is no validation split."""
    points = [
        (float(one.step), one.validation_accuracy)
        for one in history
        if one.validation_accuracy is not None
    ]
    if not points:
        return None
    lowest = min(value for _, value in points)
    return line_chart(
        [Line(points, "amber")],
        x=_steps(history),
        y=Axis("accuracy", max(0.0, np.floor(lowest * 10) / 10), 1, percent=True),
        summary=f"Accuracy on validation by step: {percent(points[0][1])} at first, "
        f"{percent(points[-1][1])} in the end",
    )


def reliability_chart(bins: Sequence[ReliabilityBin], *, classes: int) -> Markup:
    """Return accuracy by stated probability; where it is on the diagonal both agree."""
    low = 1 / classes
    points = [(one.probability, one.accuracy) for one in bins]
    return line_chart(
        [Line([(0, 0), (1, 1)], "soft", dashed=True), Line(points, "ours", dots=True)],
        x=Axis("stated probability", np.floor(low * 10) / 10, 1, percent=True),
        y=_SHARE,
        summary="Accuracy by stated probability: "
        + "; ".join(
            f"{percent(x, decimals=0)} stated, {percent(y, decimals=0)} right" for x, y in points
        ),
    )


def roc_chart(
    probabilities: Probabilities, target: Indices, labels: Sequence[str]
) -> tuple[Markup, list[tuple[str, str]]] | None:
    """Return the ROC curves with the colour and name of each; none where there is none.

    Of two classes one curve says all.
    """
    shown = labels[:1] if len(labels) == 2 else labels[: len(_CURVES)]
    lines, key = [Line([(0, 0), (1, 1)], "soft", dashed=True)], []
    for index, (label, kind) in enumerate(zip(shown, _CURVES, strict=False)):
        points = roc_points(probabilities[:, index], target == index)
        if points:
            lines.append(Line([(x, y) for x, y in points], kind))
            key.append((kind, label))
    if not key:
        return None
    chart = line_chart(
        lines,
        x=_SHARE._replace(name="of the others taken for it"),
        y=_SHARE,
        summary=f"ROC curves of {', '.join(label for _, label in key)}",
    )
    return chart, key


def _steps(history: Sequence[Step]) -> Axis:
    return Axis("step", 0, max(1, history[-1].step), whole=True)
