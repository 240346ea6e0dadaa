"""The predict server over real sockets: answers, limits, the queue, batches, health, its end."""

import asyncio
import os
import signal
import threading

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from artgrab.client import AsyncPredictClient, Retries
from artgrab.common.errors import ObjectCorruptError, SurroundingsError
from artgrab.v1 import predict_service_pb2 as pb
from artgrab.v1 import predict_service_pb2_grpc as pb_grpc
from tests.support.predicting import (
    MODEL_SHA256,
    Brightness,
    BrightnessClassifier,
    grey_png,
    predict_server,
)
from tests.support.waiting import WAIT_SECONDS, eventually

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


async def _status_of(call: object) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call  # type: ignore[misc]  # grpc has no types
    return caught.value.code(), caught.value.details() or ""


async def test_a_bad_picture_fails_alone_and_the_order_is_kept() -> None:
    async with (
        predict_server(BrightnessClassifier()) as endpoint,
        AsyncPredictClient(endpoint) as client,
    ):
        bright, bad, dark = await client.predict([grey_png(250), b"<svg/>", grey_png(5)])
    assert (bright.label, bright.error, bright.model_sha256) == ("art", "", MODEL_SHA256)
    assert bright.probability == pytest.approx(250 / 255, abs=0.02)
    assert sum(bright.classes.values()) == pytest.approx(1)
    assert dark.label == "not-art"
    assert bad.label == ""
    assert "cannot be read" in bad.error
    assert "\n" not in bad.error


async def test_the_server_describes_its_model_and_its_limits() -> None:
    async with (
        predict_server(BrightnessClassifier(), max_pictures=7) as endpoint,
        AsyncPredictClient(endpoint) as client,
    ):
        described = await client.describe()
    assert described.model_sha256 == MODEL_SHA256
    assert described.labels == ("art", "not-art")
    assert (described.backbone, described.image_size) == ("brightness", 64)
    assert described.max_pictures == 7


async def test_more_pictures_than_allowed_are_refused_by_a_message_that_names_the_limit() -> None:
    async with (
        predict_server(BrightnessClassifier(), max_pictures=2) as endpoint,
        grpc.aio.insecure_channel(endpoint) as channel,
    ):
        stub = pb_grpc.PredictServiceStub(channel)
        code, details = await _status_of(
            stub.Predict(pb.PredictRequest(pictures=[b"x"] * 3), timeout=WAIT_SECONDS)
        )
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert "3 pictures" in details
    assert "at most 2" in details


async def test_a_message_over_the_limit_is_refused_and_the_server_lives_on() -> None:
    async with (
        predict_server(BrightnessClassifier(), max_message_bytes=4096) as endpoint,
        grpc.aio.insecure_channel(endpoint) as channel,
    ):
        stub = pb_grpc.PredictServiceStub(channel)
        code, _ = await _status_of(
            stub.Predict(pb.PredictRequest(pictures=[bytes(8192)]), timeout=WAIT_SECONDS)
        )
        answer = await stub.Predict(
            pb.PredictRequest(pictures=[grey_png(200)]), timeout=WAIT_SECONDS
        )
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert answer.predictions[0].label == "art"


async def test_a_request_without_pictures_has_no_answers() -> None:
    async with (
        predict_server(BrightnessClassifier()) as endpoint,
        grpc.aio.insecure_channel(endpoint) as channel,
    ):
        answer = await pb_grpc.PredictServiceStub(channel).Predict(
            pb.PredictRequest(), timeout=WAIT_SECONDS
        )
    assert list(answer.predictions) == []


async def test_a_client_sends_more_pictures_than_one_request_holds() -> None:
    levels = [0, 255] * 5
    async with (
        predict_server(BrightnessClassifier(), max_pictures=3) as endpoint,
        AsyncPredictClient(endpoint) as client,
    ):
        answers = await client.predict(grey_png(level) for level in levels)
    assert [one.label for one in answers] == ["not-art", "art"] * 5


async def test_what_waits_while_the_model_computes_is_answered_in_one_batch() -> None:
    classifier = BrightnessClassifier()
    async with (
        predict_server(classifier, batch_pictures=8) as endpoint,
        AsyncPredictClient(endpoint) as client,
    ):
        classifier.batches.clear()
        classifier.gate.clear()
        first = asyncio.create_task(client.predict([grey_png(1)]))
        await eventually(lambda: classifier.batches == [1])
        rest = [asyncio.create_task(client.predict([grey_png(1)] * 4)) for _ in range(3)]
        await asyncio.sleep(0)
        await _until_decoded(client, classifier)
        classifier.gate.set()
        await asyncio.gather(first, *rest)
    assert sum(classifier.batches) == 13
    assert max(classifier.batches) == 8


async def _until_decoded(client: AsyncPredictClient, classifier: BrightnessClassifier) -> None:
    """Return when the decoder is through with all that came before: it takes one at a time."""
    (refused,) = await client.predict([b"no picture"])
    assert refused.error
    assert classifier.batches == [1]


async def test_more_pictures_than_may_wait_are_refused_as_exhausted() -> None:
    classifier = BrightnessClassifier()
    async with (
        predict_server(classifier, max_pictures=2, max_queued_pictures=3) as endpoint,
        grpc.aio.insecure_channel(endpoint) as channel,
    ):
        stub = pb_grpc.PredictServiceStub(channel)
        two = pb.PredictRequest(pictures=[grey_png(9)] * 2)
        classifier.batches.clear()
        classifier.gate.clear()
        held = asyncio.create_task(_awaited(stub.Predict(two, timeout=WAIT_SECONDS)))
        await eventually(lambda: bool(classifier.batches))
        code, details = await _status_of(stub.Predict(two, timeout=WAIT_SECONDS))
        classifier.gate.set()
        assert len((await held).predictions) == 2
        assert len((await stub.Predict(two, timeout=WAIT_SECONDS)).predictions) == 2
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "try again" in details


async def _awaited(call: object) -> pb.PredictResponse:
    return await call  # type: ignore[misc, no-any-return]  # grpc has no types


async def test_a_busy_server_is_asked_again_until_it_answers() -> None:
    classifier = BrightnessClassifier()
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        classifier.gate.set()
        await held

    async with (
        predict_server(classifier, max_pictures=2, max_queued_pictures=2) as endpoint,
        AsyncPredictClient(endpoint) as first,
        AsyncPredictClient(endpoint, retries=Retries(randomness=lambda: 0.5), sleep=sleep) as again,
    ):
        classifier.batches.clear()
        classifier.gate.clear()
        held = asyncio.create_task(first.predict([grey_png(9)] * 2))
        await eventually(lambda: bool(classifier.batches))
        answers = await again.predict([grey_png(250)])
    assert [one.label for one in answers] == ["art"]
    assert waits == [pytest.approx(0.1)]


async def test_pictures_of_a_client_that_gave_up_are_not_computed() -> None:
    classifier = BrightnessClassifier()
    async with (
        predict_server(classifier) as endpoint,
        AsyncPredictClient(endpoint) as patient,
        AsyncPredictClient(endpoint, deadline_seconds=2) as hasty,
    ):
        await hasty.describe()
        classifier.batches.clear()
        classifier.gate.clear()
        held = asyncio.create_task(patient.predict([grey_png(9)]))
        await eventually(lambda: classifier.batches == [1])
        with pytest.raises(SurroundingsError, match="took too long"):
            await hasty.predict([grey_png(9)] * 3)
        last = asyncio.create_task(patient.predict([grey_png(9)]))
        await _until_decoded(patient, classifier)
        classifier.gate.set()
        await asyncio.gather(held, last)
    assert classifier.batches == [1, 1]


async def test_a_model_that_fails_costs_its_requests_and_not_the_service() -> None:
    classifier = BrightnessClassifier()
    async with (
        predict_server(classifier) as endpoint,
        AsyncPredictClient(endpoint) as client,
    ):
        classifier.failure = RuntimeError("secret detail")
        with pytest.raises(SurroundingsError, match="INTERNAL") as caught:
            await client.predict([grey_png(9)])
        classifier.failure = None
        (answer,) = await client.predict([grey_png(9)])
    assert "secret" not in str(caught.value)
    assert answer.label == "not-art"


async def test_a_model_without_probabilities_is_never_ready() -> None:
    class Broken(BrightnessClassifier):
        def _answer(self, stored: bytes) -> Brightness:
            answer = super()._answer(stored)
            return type(answer)("art", float("nan"), {"art": float("nan"), "not-art": 0.0})

    with pytest.raises(ObjectCorruptError, match="sum up"):
        async with predict_server(Broken()):
            pytest.fail("it was ready")


async def test_health_is_told_for_the_service_and_for_the_whole() -> None:
    async with (
        predict_server(BrightnessClassifier()) as endpoint,
        grpc.aio.insecure_channel(endpoint) as channel,
    ):
        stub = health_pb2_grpc.HealthStub(channel)
        for name in ("", "artgrab.v1.PredictService"):
            answer = await stub.Check(
                health_pb2.HealthCheckRequest(service=name), timeout=WAIT_SECONDS
            )
            assert answer.status == SERVING
        code, _ = await _status_of(
            stub.Check(health_pb2.HealthCheckRequest(service="other"), timeout=WAIT_SECONDS)
        )
    assert code is grpc.StatusCode.NOT_FOUND


async def test_at_its_end_a_server_tells_so_and_answers_what_is_under_way() -> None:
    classifier = BrightnessClassifier()
    async with (
        predict_server(classifier, grace_seconds=60) as endpoint,
        AsyncPredictClient(endpoint) as client,
        grpc.aio.insecure_channel(endpoint) as channel,
    ):
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        assert (await watch.read()).status == SERVING
        classifier.batches.clear()
        classifier.gate.clear()
        held = asyncio.create_task(client.predict([grey_png(250)]))
        await eventually(lambda: bool(classifier.batches))
        _raise_stop(classifier)
        assert (await watch.read()).status == NOT_SERVING
        classifier.gate.set()
        assert (await held)[0].label == "art"
        watch.cancel()


def _raise_stop(classifier: BrightnessClassifier) -> None:
    assert threading.current_thread() is threading.main_thread()
    assert not classifier.gate.is_set()
    os.kill(os.getpid(), signal.SIGTERM)


async def test_a_taken_port_is_told_in_one_sentence() -> None:
    async with predict_server(BrightnessClassifier()) as endpoint:
        with pytest.raises(SurroundingsError, match="choose another"):
            async with predict_server(BrightnessClassifier(), listen=endpoint):
                pytest.fail("two servers on one port")
