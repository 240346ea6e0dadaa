"""Both clients against real servers: the documented example, absence, TLS, refusals."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

import artgrab.client
from artgrab.client import AsyncPredictClient, PredictClient, Retries
from artgrab.common.errors import BadInputError, SurroundingsError
from artgrab.v1 import predict_service_pb2 as pb
from artgrab.v1 import predict_service_pb2_grpc as pb_grpc
from tests.support.certificates import make_pair
from tests.support.predicting import BrightnessClassifier, grey_png, predict_server


class PlayedServer(pb_grpc.PredictServiceServicer):
    """Answers as it is told: with failures first, then with labels."""

    def __init__(self, *failures: grpc.StatusCode) -> None:
        self.failures = list(failures)
        self.deadlines: list[float] = []

    async def Predict(self, request: pb.PredictRequest, context: Any) -> pb.PredictResponse:  # noqa: N802 - named by the contract
        self.deadlines.append(context.time_remaining())
        if self.failures:
            await context.abort(self.failures.pop(0), "as told")
        return pb.PredictResponse(predictions=[pb.Prediction(label="art")] * len(request.pictures))

    async def Describe(self, request: pb.DescribeRequest, context: Any) -> pb.DescribeResponse:  # noqa: N802 - named by the contract
        return pb.DescribeResponse(max_pictures=64)


@asynccontextmanager
async def played(
    servicer: PlayedServer, credentials: grpc.ServerCredentials | None = None
) -> AsyncIterator[str]:
    server = grpc.aio.server(options=(("grpc.so_reuseport", 0),))
    pb_grpc.add_PredictServiceServicer_to_server(servicer, server)
    address = "127.0.0.1:0"
    port = (
        server.add_secure_port(address, credentials)
        if credentials
        else server.add_insecure_port(address)
    )
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


async def test_the_example_of_the_documentation_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    example = "\n".join(re.findall(r"^    (.*)$", artgrab.client.__doc__ or "", re.MULTILINE))
    assert "PredictClient" in example
    (tmp_path / "cat.jpg").write_bytes(grey_png(250))
    monkeypatch.chdir(tmp_path)
    async with predict_server(BrightnessClassifier()) as endpoint:
        code = compile(example.replace("127.0.0.1:8500", endpoint), "example", "exec")
        await asyncio.to_thread(exec, code, {})
    assert re.fullmatch(r"art 0\.9\d+\n", capsys.readouterr().out)


async def test_the_client_without_asyncio_answers_the_same() -> None:
    pictures = [grey_png(250), b"bad", grey_png(3)]
    async with (
        predict_server(BrightnessClassifier(), max_pictures=2) as endpoint,
        AsyncPredictClient(endpoint) as client,
    ):
        expected = await client.predict(pictures)
        with PredictClient(endpoint) as plain:
            assert await asyncio.to_thread(plain.predict, pictures) == expected
            assert await asyncio.to_thread(plain.describe) == await client.describe()


async def test_every_call_has_a_deadline_that_its_repetitions_share() -> None:
    server = PlayedServer(grpc.StatusCode.UNAVAILABLE)
    now = [0.0]

    async def five_seconds_pass(_: float) -> None:
        now[0] += 5

    retries = Retries(clock=lambda: now[0])
    async with (
        played(server) as endpoint,
        AsyncPredictClient(
            endpoint, deadline_seconds=60, retries=retries, sleep=five_seconds_pass
        ) as client,
    ):
        assert [one.label for one in await client.predict([b"x"])] == ["art"]
    first, second = server.deadlines
    assert 0 < second <= 55.5 < first <= 60.5


async def test_a_refusal_is_not_asked_for_twice() -> None:
    server = PlayedServer(grpc.StatusCode.INVALID_ARGUMENT)
    async with played(server) as endpoint, AsyncPredictClient(endpoint) as client:
        with pytest.raises(BadInputError, match="as told"):
            await client.predict([b"x"])
    assert len(server.deadlines) == 1


async def test_an_endpoint_without_the_service_is_told_apart() -> None:
    server = grpc.aio.server()
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with AsyncPredictClient(f"127.0.0.1:{port}") as client:
        with pytest.raises(BadInputError, match="no predict server"):
            await client.describe()
    await server.stop(None)


def test_an_absent_server_is_asked_a_bounded_number_of_times() -> None:
    waits: list[float] = []
    retries = Retries(attempts=4, randomness=lambda: 0.5)
    with (
        PredictClient("127.0.0.1:1", retries=retries, sleep=waits.append) as client,
        pytest.raises(SurroundingsError, match=r"no predict server answers at 127\.0\.0\.1:1;"),
    ):
        client.predict([b"x"])
    assert waits == pytest.approx([0.1, 0.2, 0.4])


async def test_a_server_is_trusted_by_its_root_certificate_alone(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    key, certificate = pair.key.read_bytes(), pair.certificate.read_bytes()
    credentials = grpc.ssl_server_credentials([(key, certificate)])
    patience = Retries(attempts=1)
    async with played(PlayedServer(), credentials) as endpoint:
        async with AsyncPredictClient(endpoint, root_certificates=certificate) as client:
            assert (await client.predict([b"x"]))[0].label == "art"
        async with AsyncPredictClient(endpoint, tls=True, retries=patience) as client:
            with pytest.raises(SurroundingsError):
                await client.describe()
