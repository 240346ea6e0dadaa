"""A predict server with TLS, tokens, and ports for Kubernetes and Prometheus."""

import asyncio
import os
import signal
import threading
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from artgrab.client import AsyncPredictClient, PredictClient, Retries
from artgrab.common.errors import BadInputError, SurroundingsError
from artgrab.common.servers import reserved_port
from artgrab.serving import ServingSettings
from artgrab.serving.batching import BatchingEngine
from artgrab.serving.server import serve_engine
from artgrab.v1 import predict_service_pb2 as pb
from artgrab.v1 import predict_service_pb2_grpc as pb_grpc
from tests.support.certificates import make_pair
from tests.support.predicting import BrightnessClassifier, grey_png, predict_server
from tests.support.waiting import WAIT_SECONDS, eventually

TOKEN, OTHER = "first-token-0123456789", "second-token-0123456789"
STATUS = health_pb2.HealthCheckResponse
SERVICE = "artgrab.v1.PredictService"
ONCE = Retries(attempts=1)


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    file = tmp_path / "tokens"
    file.write_text(f"{TOKEN}\n")
    return file


@asynccontextmanager
async def health_stub(port: int) -> AsyncIterator[health_pb2_grpc.HealthStub]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield health_pb2_grpc.HealthStub(channel)


async def status_of(stub: health_pb2_grpc.HealthStub, service: str) -> int:
    answer = await stub.Check(
        health_pb2.HealthCheckRequest(service=service), timeout=WAIT_SECONDS, wait_for_ready=True
    )
    return int(answer.status)


async def page_of(port: int) -> str:
    url = f"http://127.0.0.1:{port}/metrics"
    return await asyncio.to_thread(lambda: urllib.request.urlopen(url).read().decode())


async def test_a_certificate_is_replaced_without_a_restart(tmp_path: Path) -> None:
    pair, new = make_pair(tmp_path / "old"), make_pair(tmp_path / "new")
    old_root, new_root = pair.certificate.read_bytes(), new.certificate.read_bytes()
    settings = {"tls_certificate_file": pair.certificate, "tls_key_file": pair.key}
    async with (
        predict_server(BrightnessClassifier(), **settings) as endpoint,
        AsyncPredictClient(endpoint, root_certificates=old_root) as before,
    ):
        assert (await before.predict([grey_png(250)]))[0].label == "art"
        pair.replace(new)
        async with AsyncPredictClient(endpoint, root_certificates=new_root) as after:
            assert (await after.predict([grey_png(250)]))[0].label == "art"
        async with AsyncPredictClient(endpoint, root_certificates=old_root, retries=ONCE) as late:
            with pytest.raises(SurroundingsError):
                await late.describe()
        assert (await before.predict([grey_png(250)]))[0].label == "art"


async def test_a_server_with_tls_is_not_spoken_with_in_the_clear(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    settings = {"tls_certificate_file": pair.certificate, "tls_key_file": pair.key}
    async with (
        predict_server(BrightnessClassifier(), **settings) as endpoint,
        AsyncPredictClient(endpoint, tls=False, retries=ONCE) as client,
    ):
        with pytest.raises(SurroundingsError):
            await client.describe()


async def test_only_who_shows_a_token_is_answered_by_either_client(
    tokens: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async with predict_server(BrightnessClassifier(), tokens_file=tokens) as endpoint:
        async with AsyncPredictClient(endpoint, token=TOKEN) as client:
            assert (await client.predict([grey_png(250)]))[0].label == "art"
        with PredictClient(endpoint, token=TOKEN) as plain:
            assert (await asyncio.to_thread(plain.predict, [grey_png(3)]))[0].label == "not-art"
        for token, said in ((OTHER, "none of this server's"), (None, "none was given")):
            async with AsyncPredictClient(endpoint, token=token, sleep=sleep) as client:
                with pytest.raises(BadInputError, match=said) as caught:
                    await client.describe()
                assert OTHER not in str(caught.value)
    assert waits == []
    captured = capsys.readouterr()
    assert TOKEN not in captured.out + captured.err
    assert OTHER not in captured.out + captured.err


async def test_tokens_are_rotated_without_a_restart(tokens: Path) -> None:
    async with (
        predict_server(BrightnessClassifier(), tokens_file=tokens) as endpoint,
        AsyncPredictClient(endpoint, token=TOKEN) as old,
        AsyncPredictClient(endpoint, token=OTHER) as new,
    ):
        await old.describe()
        tokens.write_text(f"{TOKEN}\n{OTHER}\n")
        await old.describe()
        await new.describe()
        tokens.write_text(f"{OTHER}\n")
        await new.describe()
        with pytest.raises(BadInputError):
            await old.describe()


async def test_a_request_without_a_token_is_refused_before_its_pictures_are_read(
    tokens: Path,
) -> None:
    async with (
        predict_server(
            BrightnessClassifier(), tokens_file=tokens, max_message_bytes=4096
        ) as endpoint,
        grpc.aio.insecure_channel(endpoint) as channel,
    ):
        request = pb.PredictRequest(pictures=[bytes(2**20)])
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await pb_grpc.PredictServiceStub(channel).Predict(request, timeout=WAIT_SECONDS)
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_health_needs_neither_tls_nor_token_on_its_own_port(
    tmp_path: Path, tokens: Path
) -> None:
    pair = make_pair(tmp_path / "tls")
    with reserved_port() as port:
        settings = {
            "tls_certificate_file": pair.certificate,
            "tls_key_file": pair.key,
            "tokens_file": tokens,
            "health_listen": f"127.0.0.1:{port}",
        }
        async with (
            predict_server(BrightnessClassifier(), **settings) as endpoint,
            health_stub(port) as stub,
        ):
            assert await status_of(stub, SERVICE) == STATUS.SERVING
            assert await status_of(stub, "") == STATUS.SERVING
            root = pair.certificate.read_bytes()
            async with AsyncPredictClient(endpoint, root_certificates=root, token=TOKEN) as client:
                assert (await client.predict([grey_png(250)]))[0].label == "art"


async def test_while_the_model_is_loaded_it_is_alive_and_not_ready() -> None:
    classifier, may_load = BrightnessClassifier(), threading.Event()
    stop = asyncio.Event()

    def load() -> BrightnessClassifier:
        assert may_load.wait(WAIT_SECONDS)
        return classifier

    with reserved_port() as port:
        settings = ServingSettings(decode_workers=1, health_listen=f"127.0.0.1:{port}")
        ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        engine = BatchingEngine(load, batch_pictures=4)
        server = asyncio.create_task(
            serve_engine(settings, engine, ready.set_result, served=classifier, stop=stop)
        )
        async with health_stub(port) as stub:
            assert await status_of(stub, SERVICE) == STATUS.NOT_SERVING
            assert await status_of(stub, "") == STATUS.SERVING
            may_load.set()
            await ready
            assert await status_of(stub, SERVICE) == STATUS.SERVING
            stop.set()
            await server


async def test_a_signal_in_the_middle_of_the_first_prediction_ends_the_server() -> None:
    classifier, stop = BrightnessClassifier(), asyncio.Event()
    classifier.gate.clear()
    engine = BatchingEngine(lambda: classifier, batch_pictures=4)
    told: list[str] = []
    settings = ServingSettings(decode_workers=1)
    server = asyncio.create_task(
        serve_engine(settings, engine, told.append, served=classifier, stop=stop)
    )
    try:
        await eventually(lambda: bool(classifier.batches))
        stop.set()
        await asyncio.wait_for(server, WAIT_SECONDS)
    finally:
        classifier.gate.set()
    assert told == []


async def code_of_watch(channel: grpc.aio.Channel, token: str | None = None) -> grpc.StatusCode:
    """Return how a watch ends; OK where it does not."""
    metadata = (("authorization", f"Bearer {token}"),) if token else ()
    watch = health_pb2_grpc.HealthStub(channel).Watch(
        health_pb2.HealthCheckRequest(service=SERVICE), metadata=metadata, timeout=WAIT_SECONDS
    )
    try:
        assert (await watch.read()).status == STATUS.SERVING
    except grpc.aio.AioRpcError as error:
        return error.code()
    watch.cancel()
    return grpc.StatusCode.OK


async def test_nobody_without_a_token_takes_the_places_of_others_by_watching_health(
    tokens: Path,
) -> None:
    with reserved_port() as port:
        settings = {"tokens_file": tokens, "health_listen": f"127.0.0.1:{port}"}
        async with (
            predict_server(BrightnessClassifier(), **settings) as endpoint,
            grpc.aio.insecure_channel(endpoint) as beside,
            grpc.aio.insecure_channel(f"127.0.0.1:{port}") as apart,
        ):
            assert await code_of_watch(beside) is grpc.StatusCode.UNAUTHENTICATED
            assert await code_of_watch(beside, TOKEN) is grpc.StatusCode.OK
            assert await code_of_watch(apart) is grpc.StatusCode.UNIMPLEMENTED
            for channel in (beside, apart):
                assert await status_of(health_pb2_grpc.HealthStub(channel), SERVICE) == (
                    STATUS.SERVING
                )


async def test_at_sigterm_it_is_not_ready_at_once_and_what_is_under_way_is_answered() -> None:
    classifier = BrightnessClassifier()
    with reserved_port() as port:
        async with (
            predict_server(
                classifier, grace_seconds=60, health_listen=f"127.0.0.1:{port}"
            ) as endpoint,
            AsyncPredictClient(endpoint) as client,
            health_stub(port) as stub,
        ):
            classifier.batches.clear()
            classifier.gate.clear()
            held = asyncio.create_task(client.predict([grey_png(250)]))
            await eventually(lambda: bool(classifier.batches))
            os.kill(os.getpid(), signal.SIGTERM)
            while await status_of(stub, SERVICE) != STATUS.NOT_SERVING:
                await asyncio.sleep(0)
            assert not held.done()
            classifier.gate.set()
            assert (await held)[0].label == "art"


async def test_what_becomes_of_requests_and_pictures_is_counted(tokens: Path) -> None:
    classifier = BrightnessClassifier()
    with reserved_port() as port:
        settings = {"tokens_file": tokens, "metrics_listen": f"127.0.0.1:{port}"}
        async with predict_server(classifier, max_pictures=2, **settings) as endpoint:
            async with AsyncPredictClient(endpoint, token=TOKEN) as client:
                await client.predict([grey_png(250), b"bad"])
                client._max_pictures = 3
                with pytest.raises(BadInputError):
                    await client.predict([grey_png(250)] * 3)
                classifier.failure = RuntimeError("broken")
                with pytest.raises(SurroundingsError):
                    await client.predict([grey_png(250)])
            async with AsyncPredictClient(endpoint) as client:
                with pytest.raises(BadInputError):
                    await client.describe()
            page = await page_of(port)
    for line in (
        'artgrab_serving_requests_total{code="OK",method="Predict"} 1.0',
        'artgrab_serving_requests_total{code="OK",method="Describe"} 1.0',
        'artgrab_serving_requests_total{code="INVALID_ARGUMENT",method="Predict"} 1.0',
        'artgrab_serving_requests_total{code="INTERNAL",method="Predict"} 1.0',
        'artgrab_serving_requests_total{code="UNAUTHENTICATED",method="Describe"} 1.0',
        'artgrab_serving_request_seconds_count{method="Describe"} 1.0',
        'artgrab_serving_pictures_total{outcome="answered"} 1.0',
        'artgrab_serving_pictures_total{outcome="refused"} 1.0',
        "artgrab_serving_pictures_under_way 0.0",
        "artgrab_serving_ready 1.0",
    ):
        assert line in page.splitlines()


@pytest.mark.parametrize("name", ["health_listen", "metrics_listen"])
async def test_a_taken_port_is_told_by_the_name_of_its_setting(name: str) -> None:
    async with predict_server(BrightnessClassifier()) as endpoint:
        with pytest.raises(SurroundingsError, match=f"ARTGRAB_SERVING_{name.upper()}"):
            async with predict_server(BrightnessClassifier(), **{name: endpoint}):
                pytest.fail("two servers on one port")
    with pytest.raises(BadInputError, match=f"ARTGRAB_SERVING_{name.upper()}"):
        async with predict_server(BrightnessClassifier(), **{name: "8501"}):
            pytest.fail("no address")


async def test_clients_are_asked_to_connect_anew_so_that_other_replicas_get_work() -> None:
    ready, idle = grpc.ChannelConnectivity.READY, grpc.ChannelConnectivity.IDLE
    async with (
        predict_server(BrightnessClassifier(), connection_seconds=1) as endpoint,
        grpc.aio.insecure_channel(endpoint) as channel,
        asyncio.timeout(WAIT_SECONDS),
    ):
        stub = pb_grpc.PredictServiceStub(channel)
        await stub.Describe(pb.DescribeRequest())
        while (state := channel.get_state()) is ready:
            await channel.wait_for_state_change(state)
        assert state is idle
        await stub.Describe(pb.DescribeRequest())


@pytest.mark.parametrize("kind", ["asyncio", "threads"])
async def test_no_prediction_fails_while_servers_are_replaced_on_their_address(kind: str) -> None:
    """As in a rolling update behind one address: GOAWAY, a gap, another server."""
    answered, over = [0], threading.Event()

    def ask_on(client: PredictClient) -> None:
        while not over.is_set():
            assert client.predict([grey_png(250)])[0].label == "art"
            answered[0] += 1

    async def ask(client: AsyncPredictClient) -> None:
        while not over.is_set():
            assert (await client.predict([grey_png(250)]))[0].label == "art"
            answered[0] += 1

    with reserved_port() as port:
        address = f"127.0.0.1:{port}"
        with PredictClient(address) as plain:
            async with AsyncPredictClient(address) as client:
                works = [
                    asyncio.to_thread(ask_on, plain) if kind == "threads" else ask(client)
                    for _ in range(2)
                ]
                asking = asyncio.gather(*works)
                for _ in range(4):
                    async with predict_server(BrightnessClassifier(), listen=address):
                        await eventually(partial(more_than, answered, answered[0] + 20))
                async with predict_server(BrightnessClassifier(), listen=address):
                    over.set()
                    await asking


def more_than(counter: list[int], least: int) -> bool:
    return counter[0] >= least
