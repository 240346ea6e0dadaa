"""How a head was learned: the figures of each step, for whoever watches and for the report."""

import msgspec
import numpy as np

from artgrab.common.progress import Progress, ProgressSink
from artgrab.trainer.evaluate import Table
from artgrab.trainer.head import MAX_STEPS, Head

_TINY = 1e-300
"""A probability of zero must not make an infinite loss."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """The head after one step of the solver."""

    step: int
    """From 0, the head that knows nothing."""
    loss: float
    """What is minimised: weighted cross-entropy on train (nats) and the penalty on weights."""
    validation_loss: float | None
    """Mean cross-entropy on the validation split (nats); none where it has no picture."""
    validation_accuracy: float | None


class Recorder:
    """Takes down each step of a head and tells it on; is the `watch` of train_head."""

    def __init__(self, validation: Table, *, progress: ProgressSink, item: str) -> None:
        self.steps: list[Step] = []
        self._validation = validation
        self._progress = progress
        self._item = item

    def __call__(self, loss: float, head: Head) -> None:
        """Take down one step."""
        validation = _figures(head, self._validation)
        self.steps.append(
            Step(
                step=len(self.steps),
                loss=loss,
                validation_loss=validation[0] if validation else None,
                validation_accuracy=validation[1] if validation else None,
            )
        )
        self._tell(self.steps[-1], finished=False)

    def finish(self) -> None:
        """Tell that there are no more steps."""
        if self.steps:  # none where the loss was never a number
            self._tell(self.steps[-1], finished=True)

    def _tell(self, last: Step, *, finished: bool) -> None:
        figures = {"loss": last.loss}
        if last.validation_accuracy is not None:
            figures["validation accuracy"] = last.validation_accuracy
        self._progress(
            Progress(
                stage="train",
                item=self._item,
                done=last.step,
                total=last.step if finished else MAX_STEPS,
                at_most=not finished,
                unit="steps",
                figures=figures,
                finished=finished,
            )
        )


def _figures(head: Head, table: Table) -> tuple[float, float] | None:
    """Return mean cross-entropy and accuracy, none without pictures."""
    if not len(table.classes):
        return None
    probabilities = head.probabilities(table.features).numpy()
    of_truth = probabilities[np.arange(len(table.classes)), table.classes]
    right = probabilities.argmax(axis=1) == table.classes
    return float(-np.log(of_truth + _TINY).mean()), float(right.mean())
