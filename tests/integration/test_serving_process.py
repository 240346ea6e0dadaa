"""The predict server as a process of its own: its one line, its end, its failures.

Every process imports torch, so one that is ready serves several assertions.
"""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import grpc.aio
import pytest

from artgrab.client import PredictClient
from artgrab.common.store import Store
from artgrab.serving.fetch import fetch
from artgrab.serving.sources import in_store
from tests.support.drawn import jpeg
from tests.support.model_folders import BACKBONE, write_model
from tests.support.requirements import need_torchserve

PREFIX = "default/models/" + "5" * 64
SECONDS = 90


def _command(store_uri: str, *options: str) -> list[str]:
    module = [sys.executable, "-m", "artgrab.serving", "--store", store_uri, "--model", PREFIX]
    return [*module, "--listen", "127.0.0.1:0", *options]


@contextmanager
def _started(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _failed(command: list[str], **environment: str) -> tuple[int, str]:
    """Return exit code and the only line of a server that cannot start."""
    done = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env={**os.environ, **environment},
    )
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return done.returncode, line


def _endpoint(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return str(json.loads(process.stdout.readline())["endpoint"])


def test_a_server_says_one_line_answers_and_ends_well_on_sigterm(store_uri: str) -> None:
    content_sha256 = write_model(Store.open(store_uri), PREFIX)
    with _started(_command(store_uri)) as process:
        endpoint = _endpoint(process)
        with PredictClient(endpoint) as client:
            assert client.describe().backbone == BACKBONE
            good, bad = client.predict([jpeg(1), b"GIF89a"])
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 0
    assert (output, errors) == ("", "")
    assert good.model_sha256 == content_sha256
    assert sum(good.classes.values()) == pytest.approx(1, abs=1e-5)
    assert bad.error


def test_a_missing_model_is_told_in_one_line(store: Store) -> None:
    code, line = _failed(_command(store.uri))
    assert code == 4
    assert line.startswith("artgrab: ")
    assert PREFIX in line


@pytest.mark.folder_only("about a folder")
def test_a_store_that_is_not_there_is_bad_input_and_is_not_made(tmp_path: Path) -> None:
    code, line = _failed(_command(str(tmp_path / "no-store")))
    assert (code, line) == (2, f"artgrab: store {tmp_path}/no-store: there is none; check --store")
    assert not list(tmp_path.iterdir())


def test_a_corrupt_model_is_never_served(store_uri: str) -> None:
    store = Store.open(store_uri)
    write_model(store, PREFIX)
    weights = f"{PREFIX}/model.safetensors"
    data = bytearray(store.get(weights))
    data[-1] ^= 1
    store.put(weights, bytes(data))
    code, line = _failed(_command(store_uri))
    assert code == 4
    assert "digest" in line


@pytest.mark.folder_only("about the port")
def test_a_taken_port_is_told_in_one_line(store_uri: str) -> None:
    write_model(Store.open(store_uri), PREFIX)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        code, line = _failed(_command(store_uri, "--listen", address))
    assert code == 4
    assert f"{address} cannot be listened on" in line


@pytest.mark.folder_only("about a setting")
def test_a_setting_that_is_none_is_bad_input(store_uri: str) -> None:
    write_model(Store.open(store_uri), PREFIX)
    code, line = _failed(_command(store_uri), ARTGRAB_SERVING_MAX_PICTURES="many")
    assert code == 2
    assert "ARTGRAB_SERVING_" in line
    assert "MAX_PICTURES" in line


def _served_folder(folder: Path) -> list[str]:
    module = [sys.executable, "-m", "artgrab.serving", "--folder", str(folder)]
    return [*module, "--listen", "127.0.0.1:0"]


@pytest.mark.folder_only("about another folder")
def test_a_fetched_folder_is_served_without_a_store(store_uri: str, tmp_path: Path) -> None:
    folder = tmp_path / "models"
    content_sha256 = write_model(Store.open(store_uri), PREFIX)
    fetch(in_store(store_uri, PREFIX), folder, content_sha256=content_sha256, archive=False)
    with _started(_served_folder(folder)) as process, PredictClient(_endpoint(process)) as client:
        (answer,) = client.predict([jpeg(1)])
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=SECONDS) == ("", "")
    assert (process.returncode, answer.model_sha256) == (0, content_sha256)


@pytest.mark.folder_only("about another folder")
@pytest.mark.parametrize("runtime", ["native", "torchserve"])
def test_a_folder_that_was_changed_is_never_served(
    store_uri: str, tmp_path: Path, runtime: str
) -> None:
    if runtime == "torchserve":
        need_torchserve()
    folder = tmp_path / "models"
    content_sha256 = write_model(Store.open(store_uri), PREFIX)
    fetch(in_store(store_uri, PREFIX), folder, content_sha256=content_sha256, archive=False)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    code, line = _failed([*_served_folder(folder), "--runtime", runtime])
    assert code == 4
    assert line == f"artgrab: {folder}: the files do not have the model's digest"


@pytest.mark.folder_only("about options")
@pytest.mark.parametrize(
    "options",
    [[], ["--folder", "f", "--model", "m"], ["--store", "s"], ["--folder", "f", "--store", "s"]],
)
def test_a_model_is_named_in_one_way_alone(options: list[str]) -> None:
    code, line = _failed([sys.executable, "-m", "artgrab.serving", *options])
    assert code == 2
    assert line == "artgrab: give --store URI and --model PREFIX, or --folder FOLDER alone"


@pytest.mark.folder_only("about the process")
async def test_a_server_ends_with_its_parent_even_by_sigkill(store_uri: str) -> None:
    write_model(Store.open(store_uri), PREFIX)
    code = (
        "import os, subprocess, sys\n"
        "subprocess.run([*sys.argv[1:], '--exit-with-parent', str(os.getpid())])"
    )
    with _started([sys.executable, "-c", code, *_command(store_uri)]) as parent:
        endpoint = await asyncio.to_thread(_endpoint, parent)
        parent.send_signal(signal.SIGKILL)
        parent.wait(SECONDS)
        async with grpc.aio.insecure_channel(endpoint) as channel, asyncio.timeout(30):
            await _gone(channel)


async def _gone(channel: grpc.aio.Channel) -> None:
    """Return when nobody listens any more."""
    state = channel.get_state(try_to_connect=True)
    while state is not grpc.ChannelConnectivity.TRANSIENT_FAILURE:
        await channel.wait_for_state_change(state)
        state = channel.get_state(try_to_connect=True)
