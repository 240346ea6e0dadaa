"""The soak of `make soak-serve`, for seconds and with a tiny model; and how it judges."""

import pytest

from artgrab.client import Prediction
from artgrab.common.errors import SurroundingsError
from artgrab.common.store import Store
from benchmarks.soak_memory import Sample, growth_megabytes
from benchmarks.soak_pictures import KINDS, Case
from benchmarks.soak_serve import Limits, Tally, missed_goals, soak
from tests.support.model_folders import write_model
from tests.support.torchserve import PREFIX

GOOD = Case("good", b"", {"art": 0.75, "not-art": 0.25}, "")
BAD = Case("html", b"", {}, "The picture cannot be read: html.")
RIGHT = Prediction(label="art", probability=0.75, classes={"art": 0.75, "not-art": 0.25})


def tiny_model(store: Store) -> str:
    write_model(store, PREFIX)
    return PREFIX


def test_a_short_soak_ends_with_no_wrong_and_no_missing_answer() -> None:
    result = soak("native", Limits(seconds=60, requests=150), make=tiny_model)
    assert (result["wrong"], result["failed"]) == (0, 0)
    assert result["requests"] >= 150
    assert set(result) == {"requests", "wrong", "failed", "rss_growth_mb"}


def test_a_right_answer_is_neither_wrong_nor_failed() -> None:
    tally = Tally()
    near = Prediction(
        label="art", probability=0.750009, classes={"art": 0.750009, "not-art": 0.249991}
    )
    tally.check([GOOD, GOOD, BAD], [RIGHT, near, Prediction(error=BAD.error)])
    assert (tally.requests, tally.wrong, tally.failed) == (1, 0, 0)


@pytest.mark.parametrize(
    "answer",
    [
        Prediction(label="art", probability=0.7501, classes={"art": 0.7501, "not-art": 0.2499}),
        Prediction(label="not-art", probability=0.25, classes=RIGHT.classes),
        Prediction(label="art", probability=0.25, classes=RIGHT.classes),
        Prediction(label="art", probability=0.75, classes={"art": 0.75}),
    ],
)
def test_another_answer_than_the_models_is_wrong(answer: Prediction) -> None:
    tally = Tally()
    tally.check([GOOD], [answer])
    assert (tally.wrong, tally.failed) == (1, 0)


def test_a_bad_picture_must_have_its_own_reason_and_no_answer() -> None:
    tally = Tally()
    tally.check([BAD, BAD], [RIGHT, Prediction(error="The picture cannot be read: svg.")])
    assert (tally.wrong, tally.failed) == (2, 0)


def test_good_pictures_without_an_answer_are_failures() -> None:
    tally = Tally()
    tally.check([GOOD], [Prediction(error="why")])
    tally.gave_up([GOOD, BAD, GOOD], SurroundingsError("away"))
    assert (tally.requests, tally.wrong, tally.failed) == (2, 0, 3)


def test_growth_is_from_the_plateau_after_the_start_to_the_end() -> None:
    sizes = [900.0 if n < 60 else 1000.0 + n / 100 for n in range(601)]
    samples = [Sample(n, {"server": size, "java": 300.0}) for n, size in enumerate(sizes)]
    assert growth_megabytes(samples) == pytest.approx(5.85 - 0.75)
    assert growth_megabytes(samples, "java") == 0
    assert growth_megabytes([Sample(n, {"a": 500.0 - n / 10}) for n in range(601)]) < 0
    assert growth_megabytes([Sample(0.0, {"a": 5.0})]) == 0


def test_each_missed_goal_is_told() -> None:
    good = {"requests": 5000, "wrong": 0, "failed": 0, "rss_growth_mb": 50.0}
    assert missed_goals(good, least_requests=5000) == []
    bad = {"requests": 4999, "wrong": 1, "failed": 2, "rss_growth_mb": 50.1}
    assert missed_goals(bad, least_requests=5000) == [
        "1 wrong",
        "2 failed",
        "4999 requests, 5000 are wanted",
        "memory grew by more than 50 MB",
    ]


def test_every_kind_of_bad_picture_of_the_contract_is_sent() -> None:
    kinds = " ".join(KINDS)
    for word in ("empty", "truncated", "1x1", "cmyk", "16 bits", "animated", "100 mega", "html"):
        assert word in kinds
