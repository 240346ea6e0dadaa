"""The figures of a training's last word, which decide whether its model is served."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artgrab.common.tasks import TrainingTask
from artgrab.trainer.tasks import _word
from artgrab.trainer.train import TrainedModel

TASK = TrainingTask(namespace="default", classifier={}, snapshot="d" * 64)


def permille_of(accuracy: float | None) -> int | None:
    trained = TrainedModel(
        key="a" * 64,
        prefix="default/models/a",
        uri="file:///store/default/models/a",
        content_sha256="b" * 64,
        backbone="b",
        metrics={"accuracy": accuracy},
        trained=True,
    )
    return _word(TASK, trained, "", None).accuracy_permille


@pytest.mark.parametrize(
    ("right", "pictures", "permille"),
    [(1799, 2000, 899), (899, 999, 899), (900, 1000, 900), (9, 10, 900), (0, 3, 0), (3, 3, 1000)],
)
def test_a_model_is_never_told_better_than_it_is(right: int, pictures: int, permille: int) -> None:
    assert permille_of(right / pictures) == permille


@given(pictures=st.integers(1, 10**6), data=st.data())
def test_whole_permille_are_those_of_whole_numbers(pictures: int, data: st.DataObject) -> None:
    right = data.draw(st.integers(0, pictures))
    missed = Fraction(1000 * right, pictures) - (permille_of(right / pictures) or 0)
    assert -Fraction(1, 10**5) < missed < 1


def test_a_model_without_test_pictures_has_no_figure() -> None:
    assert permille_of(None) is None
