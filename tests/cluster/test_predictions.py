"""The client that counts answers is believed when it says that none was missing or wrong."""

import asyncio
from collections.abc import Sequence

import pytest

from artgrab.client import Prediction, Retries
from tests.cluster.predictions import Golden, Question, asking
from tests.support.predicting import MODEL_SHA256, BrightnessClassifier, grey_png, predict_server

QUESTIONS = (Question("bright", grey_png(230), "art"), Question("dark", grey_png(20), "not-art"))
ONCE = Retries(attempts=1)


def ask(endpoint: str, golden: Golden, questions: Sequence[Question] = QUESTIONS) -> dict[str, int]:
    with asking(endpoint, questions, golden, retries=ONCE) as client:
        client.wait_more(4)
    return dict(client.count.models)


async def test_it_counts_the_answers_of_each_model() -> None:
    async with predict_server(BrightnessClassifier()) as endpoint:
        models = await asyncio.to_thread(ask, endpoint, Golden())
    assert models.keys() == {MODEL_SHA256}
    assert models[MODEL_SHA256] >= 5


async def test_a_request_without_an_answer_fails() -> None:
    async with predict_server(BrightnessClassifier()) as endpoint:
        pass
    with pytest.raises(AssertionError, match="no predict server answers"):
        await asyncio.to_thread(ask, endpoint, Golden())


async def test_a_picture_without_an_answer_is_wrong() -> None:
    async with predict_server(BrightnessClassifier()) as endpoint:
        with pytest.raises(AssertionError, match="none:"):
            await asyncio.to_thread(ask, endpoint, Golden(), [Question("none", b"none", "art")])


async def test_an_answer_that_is_another_than_before_is_wrong() -> None:
    golden = Golden()
    before = Prediction(
        label="art", classes={"art": 0.5, "not-art": 0.5}, model_sha256=MODEL_SHA256
    )
    assert golden.fault(QUESTIONS[0], before) == ""
    async with predict_server(BrightnessClassifier()) as endpoint:
        with pytest.raises(AssertionError, match=r"bright: .*, after .*0.5"):
            await asyncio.to_thread(ask, endpoint, golden)


def test_two_models_may_differ() -> None:
    golden = Golden()
    answers = [
        Prediction(label="art", classes={"art": share, "not-art": 1 - share}, model_sha256=model)
        for share, model in ((0.6, "one"), (0.9, "other"), (0.6, "one"))
    ]
    assert [golden.fault(QUESTIONS[0], one) for one in answers] == ["", "", ""]
