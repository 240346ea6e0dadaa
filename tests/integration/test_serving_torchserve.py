"""The predict server with the real TorchServe behind it: clients see no difference.

TorchServe takes ten seconds to start, so most tests share one, in which the order does not matter:
each leaves it answering.
"""

import asyncio
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import grpc.aio
import psutil
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from artgrab.client import AsyncPredictClient, PredictClient, Prediction
from artgrab.common.classifier_states import update_classifier_state
from artgrab.common.errors import BadInputError, SurroundingsError
from artgrab.common.restarts import RestartLimit
from artgrab.common.servers import reserved_port
from artgrab.common.store import Store
from artgrab.model.classifier import Classifier
from artgrab.serving.torchserve import TorchServeEngine, TorchServeSettings
from artgrab.serving.torchserve.archive import build_archive
from artgrab.serving.torchserve.config import Ports
from artgrab.serving.torchserve.programs import find_programs
from tests.support.drawn import drawn, encoded, jpeg
from tests.support.model_folders import write_model
from tests.support.predicting import grey_png, server_of
from tests.support.requirements import need_torchserve
from tests.support.torchserve import (
    PREFIX,
    ServingProcess,
    alive,
    folder_command,
    serving_command,
    started,
    torchserve_process,
)
from tests.support.waiting import WAIT_SECONDS, eventually

pytestmark = pytest.mark.xdist_group("torchserve")

TOLERANCE = 1e-5
"""By which a probability may differ between runtimes: batches are filled differently."""

GOLDEN = [
    *(jpeg(seed) for seed in range(12)),
    encoded(drawn(20), "PNG"),
    encoded(drawn(21), "WEBP"),
    encoded(drawn(22).convert("P"), "GIF"),
    encoded(drawn(23).convert("CMYK")),
    encoded(drawn(24, width=900, height=60)),
    grey_png(255),
]
BAD = [b"", b"GIF89a", jpeg(1)[:500], b"<html>no picture</html>", grey_png(9, side=1)]


@pytest.fixture(scope="module")
def store_uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("torchserve") / "store")


@pytest.fixture(scope="module")
def fetched(store_uri: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder and an archive, made as by an init container, and the digest of their model."""
    need_torchserve()
    digest = write_model(Store.open(store_uri), PREFIX)
    folder = tmp_path_factory.mktemp("models")
    module = [sys.executable, "-m", "artgrab.serving.fetch", "--store", store_uri, "--archive"]
    command = [*module, "--model", PREFIX, "--content-sha256", digest, "--to", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    return folder, digest


@pytest.fixture(scope="module")
def ports() -> Iterator[tuple[int, int]]:
    """Where the server tells Kubernetes of its health, and Prometheus of its counts."""
    with reserved_port() as health, reserved_port() as metrics:
        yield health, metrics


@pytest.fixture(scope="module")
def served(fetched: tuple[Path, str], ports: tuple[int, int]) -> Iterator[ServingProcess]:
    """A server for all tests that leave it answering; it is started as in a pod."""
    folder, digest = fetched
    environment = {
        "ARTGRAB_SERVING_HEALTH_LISTEN": f"127.0.0.1:{ports[0]}",
        "ARTGRAB_SERVING_METRICS_LISTEN": f"127.0.0.1:{ports[1]}",
    }
    with started(folder_command(folder), content_sha256=digest, **environment) as process:
        yield process


@pytest.fixture
async def native(store_uri: str, served: ServingProcess) -> AsyncIterator[str]:
    """The native server with the same model."""
    classifier = Classifier.load(Store.open(store_uri), PREFIX)
    async with server_of(classifier) as endpoint:
        yield endpoint


async def answers_of(endpoint: str, pictures: list[bytes]) -> list[Prediction]:
    async with AsyncPredictClient(endpoint) as client:
        return await client.predict(pictures)


async def test_the_same_pictures_have_the_same_numbers_on_both_runtimes(
    served: ServingProcess, native: str
) -> None:
    ours = await answers_of(native, GOLDEN)
    theirs = await answers_of(served.endpoint, GOLDEN)
    assert len({one.probability for one in ours}) > len(GOLDEN) / 2  # the model sees them
    assert [one.label for one in theirs] == [one.label for one in ours]
    assert {one.model_sha256 for one in theirs} == {served.content_sha256}
    for their, our in zip(theirs, ours, strict=True):
        assert our.classes.keys() == their.classes.keys() == {"art", "not-art"}
        assert their.classes == pytest.approx(our.classes, abs=TOLERANCE)
        assert their.probability == their.classes[their.label]


async def test_bad_pictures_fail_alone_and_in_the_same_words(
    served: ServingProcess, native: str
) -> None:
    mixed = [picture for pair in zip(GOLDEN, BAD, strict=False) for picture in pair]
    ours, theirs = await answers_of(native, mixed), await answers_of(served.endpoint, mixed)
    assert [one.error for one in theirs] == [one.error for one in ours]
    assert [bool(one.error) for one in theirs].count(False) >= len(BAD)
    assert [one.label for one in theirs] == [one.label for one in ours]


async def test_both_say_the_same_of_their_model_and_their_limits(
    served: ServingProcess, native: str
) -> None:
    async with AsyncPredictClient(native) as ours, AsyncPredictClient(served.endpoint) as theirs:
        assert await theirs.describe() == await ours.describe()
        refusals = []
        for client, endpoint in ((ours, native), (theirs, served.endpoint)):
            client._max_pictures = 1000
            with pytest.raises(BadInputError) as caught:
                await client.predict([grey_png(9)] * 65)
            refusals.append(str(caught.value).replace(endpoint, "HERE"))
    assert refusals[0] == refusals[1]


async def test_its_health_is_told_on_a_port_for_kubernetes(
    served: ServingProcess, ports: tuple[int, int]
) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{ports[0]}") as channel:
        check = health_pb2_grpc.HealthStub(channel).Check
        for service in ("", "artgrab.v1.PredictService"):
            asked = health_pb2.HealthCheckRequest(service=service)
            told = await check(asked, timeout=WAIT_SECONDS)
            assert told.status == health_pb2.HealthCheckResponse.SERVING


async def test_its_counts_and_those_of_torchserve_are_on_one_page(
    served: ServingProcess, ports: tuple[int, int]
) -> None:
    await answers_of(served.endpoint, [*GOLDEN[:2], b"bad"])
    page = await page_of(ports[1])
    assert 'artgrab_serving_requests_total{code="OK",method="Predict"}' in page
    assert 'artgrab_serving_pictures_total{outcome="refused"}' in page
    assert f'content_sha256="{served.content_sha256}"' in page
    assert "\nts_inference_requests_total{" in page


@asynccontextmanager
async def health_of(endpoint: str) -> AsyncIterator[AsyncIterator[bool]]:
    """Yield whether it serves, now and whenever that changes."""
    async with grpc.aio.insecure_channel(endpoint) as channel, asyncio.timeout(WAIT_SECONDS):
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        yield (one.status == health_pb2.HealthCheckResponse.SERVING async for one in watch)
        watch.cancel()


@pytest.mark.parametrize("killed", ["model_service_worker.py", "org.pytorch.serve.ModelServer"])
async def test_what_is_killed_comes_back_and_no_client_sees_more_than_a_delay(
    served: ServingProcess, killed: str
) -> None:
    victim = served.only(killed)
    async with health_of(served.endpoint) as health:
        assert await anext(health)
        victim.send_signal(signal.SIGKILL)
        answers = await answers_of(served.endpoint, GOLDEN)
        assert [await anext(health), await anext(health)] == [False, True]
    assert not [one.error for one in answers if one.error]
    assert alive([victim]) == []
    assert served.only(killed).pid != victim.pid


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_no_process_is_left_behind(tmp_path: Path, how: signal.Signals) -> None:
    need_torchserve()
    with torchserve_process(str(tmp_path / "store")) as served:
        with PredictClient(served.endpoint) as client:
            (answer,) = client.predict([jpeg(1)])
        assert answer.label
        below = served.descendants()
        served.only("model_service_worker.py")
        output, errors = served.end(how)
    assert alive(below) == []
    assert served.process.returncode == (0 if how is signal.SIGTERM else -how)
    assert (output, errors) == ("", "")


async def test_a_server_that_is_ended_while_it_starts_leaves_no_process(tmp_path: Path) -> None:
    need_torchserve()
    uri = str(tmp_path / "store")
    digest = write_model(Store.open(uri), PREFIX)
    command = serving_command(uri, "--listen", "127.0.0.1:0")
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        starting = ServingProcess(process, "", digest)
        await eventually(lambda: starting.all_of("org.pytorch.serve.ModelServer"))
        below = starting.descendants()
        output, errors = starting.end(signal.SIGTERM)
    assert alive(below) == []
    assert (process.returncode, output, errors) == (0, "", "")


async def refused_to_load_another_model(ports: Ports) -> None:
    """See that the API that would load code from anywhere is off on loopback too."""
    method = "/org.pytorch.serve.grpc.management.ManagementAPIsService/RegisterModel"
    async with grpc.aio.insecure_channel(f"127.0.0.1:{ports.management}") as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await channel.unary_unary(method)(b"\x4a\x0ehttp://h/m.mar", timeout=WAIT_SECONDS)
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED


async def page_of(port: int) -> str:
    """Return the metrics that Prometheus would read."""
    url = f"http://127.0.0.1:{port}/metrics"
    return await asyncio.to_thread(lambda: urllib.request.urlopen(url).read().decode())


async def test_torchserve_keeps_to_this_machine_counts_and_is_given_up_if_it_dies_too_often(
    tmp_path: Path,
) -> None:
    need_torchserve()
    store = Store.open(str(tmp_path))
    write_model(store, PREFIX)
    archive = build_archive(lambda name: store.get(f"{PREFIX}/{name}"), where=PREFIX)
    limit = RestartLimit(most=0)
    engine = TorchServeEngine(TorchServeSettings(), find_programs(), archive, restarts=limit)
    told: list[bool] = []

    async def tell(can_answer: bool) -> None:
        told.append(can_answer)

    async with engine.running():
        java = engine.java
        assert java is not None
        connections = psutil.Process(java.pid).net_connections("inet")
        listening = {one.laddr.ip for one in connections if one.status == psutil.CONN_LISTEN}
        assert {ip.removeprefix("::ffff:") for ip in listening} == {"127.0.0.1"}
        await refused_to_load_another_model(engine.ports)
        assert "ts_inference_requests_total{" in await page_of(engine.ports.metrics)
        os.kill(java.pid, signal.SIGKILL)
        with pytest.raises(SurroundingsError, match=r"killed by SIGKILL; that was 1 times within"):
            await engine.watch(tell)
    assert told == [False]


@pytest.mark.parametrize("command", ["service", "artgrab serve"])
def test_without_java_it_says_in_one_line_what_to_install(tmp_path: Path, command: str) -> None:
    uri = str(tmp_path / "store")
    store = Store.open(uri)
    write_model(store, PREFIX)
    key = PREFIX.rpartition("/")[2]
    update_classifier_state(store, namespace="default", classifier="art", model=key)
    commands = {"service": serving_command(uri), "artgrab serve": cli_command(uri)}
    environment = {name: value for name, value in os.environ.items() if name != "JAVA_HOME"}
    code, line = failed(commands[command], environment | {"PATH": str(tmp_path)})
    assert code == 4
    assert "apt-get install openjdk-17-jre-headless" in line


def cli_command(uri: str) -> list[str]:
    """Return what people type to serve the model of their classifier."""
    serve = [sys.executable, "-m", "artgrab.cli", "serve", "art", "--runtime", "torchserve"]
    return [*serve, "--store", uri, "--listen", "127.0.0.1:0"]


def test_a_wrong_archive_is_refused_in_one_line(
    store_uri: str, fetched: tuple[Path, str], tmp_path: Path
) -> None:
    file = tmp_path / "other.mar"
    data = bytearray((fetched[0] / "artgrab.mar").read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    code, line = failed(serving_command(store_uri, "--archive", str(file)), dict(os.environ))
    assert code == 4
    assert str(file) in line


def failed(command: list[str], environment: dict[str, str]) -> tuple[int, str]:
    """Return exit code and the only line of a server that cannot start."""
    done = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
        env=environment,
    )
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return done.returncode, line
