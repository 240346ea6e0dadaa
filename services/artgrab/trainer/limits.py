"""What a model cannot do, in sentences: found in its figures, and what holds for each."""

from collections.abc import Iterable, Sequence

from artgrab.common.pages import percent
from artgrab.trainer.metrics import Metrics
from artgrab.trainer.report_facts import CategoryFigures

_FEW_PICTURES = 100
"""With fewer in the test split an accuracy of 0.9 is off by six points and more."""
_BADLY_CALIBRATED = 0.05
_MANY_FLIPS = 0.05


def limits(metrics: Metrics, categories: Sequence[CategoryFigures]) -> list[str]:
    """Return one sentence for each limit."""
    return [
        *_unseen(metrics, categories),
        *_beaten(categories),
        *_grounds(metrics),
        *_calibration(metrics),
        *_few(metrics),
        *_always(metrics),
    ]


def _unseen(metrics: Metrics, categories: Sequence[CategoryFigures]) -> Iterable[str]:
    chance = 1 / max(2, len(metrics.labels))
    lost = [one.name for one in categories if one.left_out and one.left_out.share < chance]
    if lost:
        yield f"Without having seen them it is wrong on most pictures of {_listed(lost)}."


def _beaten(categories: Sequence[CategoryFigures]) -> Iterable[str]:
    beaten = [
        one.name
        for one in categories
        if one.left_out and one.baseline and one.left_out.share < one.baseline.share
    ]
    if beaten:
        yield f"Colours and edges alone do better on {_listed(beaten)}, when never seen."


def _grounds(metrics: Metrics) -> Iterable[str]:
    flips = metrics.ground_flips
    if flips is None:
        return
    if (flips.onto_white or 0) > _MANY_FLIPS:
        yield (
            f"What a picture stands on matters: cut out and put onto white, "
            f"{percent(flips.onto_white)} of the pictures that fill their frame get another answer."
        )
    if (flips.off_white or 0) > _MANY_FLIPS:
        yield (
            f"Put onto grey, {percent(flips.off_white)} of the pictures on white "
            "get another answer."
        )


def _calibration(metrics: Metrics) -> Iterable[str]:
    if metrics.test and metrics.test.calibration_error > _BADLY_CALIBRATED:
        yield (
            f"Stated probabilities are off by {percent(metrics.test.calibration_error)} "
            "on average: do not take them at their word."
        )


def _few(metrics: Metrics) -> Iterable[str]:
    if metrics.test and metrics.test.pictures < _FEW_PICTURES:
        yield (
            f"Only {metrics.test.pictures} pictures are in the test split: "
            "its figures may be off by many points."
        )


def _always(metrics: Metrics) -> Iterable[str]:
    yield (
        f"It always answers {_listed(metrics.labels, 'or')}: a picture that is none of them "
        "gets one of these answers, too, and may get a high probability."
    )
    yield (
        "It is judged on pictures from the sources that it learned from; on pictures from "
        "elsewhere expect less, nearer to the figure for kinds it never saw."
    )
    yield "Labels come from the category that was searched for; nobody has checked each picture."


def _listed(names: Sequence[str], word: str = "and") -> str:
    if len(names) == 1:
        return names[0]
    return f"{', '.join(names[:-1])} {word} {names[-1]}"
