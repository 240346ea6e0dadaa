"""The process that `helm test` runs, against an API server over HTTP and a real predict server."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from artgrab.client import AsyncPredictClient
from tests.support.kept_objects import Body, KeptObjects, kept_objects
from tests.support.played_api_server import condition, write_kubeconfig
from tests.support.predicting import BrightnessClassifier, predict_server
from tests.support.waiting import WAIT_SECONDS, eventually

CLASSIFIER = "artclassifiers", "artgrab-test"


@pytest.fixture
def server() -> Iterator[KeptObjects]:
    with kept_objects() as one:
        yield one


def _environment(server: KeptObjects, folder: Path, labels: list[str]) -> Mapping[str, str]:
    source = {"mediawiki": {"url": "https://commons.wikimedia.org/w/api.php"}}
    categories = [
        {"name": f"test-{label}", "class": label, "spec": {"sources": [source]}} for label in labels
    ]
    return os.environ | {
        "KUBECONFIG": str(write_kubeconfig(folder / "kubeconfig", server.url)),
        "ARTGRAB_TEST_NAMESPACE": "artgrab",
        "ARTGRAB_TEST_CATEGORIES": json.dumps(categories),
        "ARTGRAB_TEST_POLL_SECONDS": "0.05",
    }


async def _start(environment: Mapping[str, str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "artgrab.release_test"),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


async def _end(process: asyncio.subprocess.Process) -> tuple[int | None, str]:
    async with asyncio.timeout(WAIT_SECONDS):
        said, _ = await process.communicate()
    return process.returncode, said.decode()


async def test_it_goes_from_categories_to_a_prediction_and_leaves_nothing(
    server: KeptObjects, tmp_path: Path
) -> None:
    async with predict_server(BrightnessClassifier()) as endpoint:
        async with AsyncPredictClient(endpoint) as client:
            model = await client.describe()

        def serve(plural: str, body: Body) -> None:
            ready = condition("Ready", "True", "ModelServed", "it answers")
            served = {"endpoint": endpoint, "contentSha256": model.model_sha256}
            if plural == "artclassifiers":
                body["status"] = {"conditions": [ready], "serving": served}

        server.made = serve
        process = await _start(_environment(server, tmp_path, list(model.labels)))
        code, said = await _end(process)
    assert code == 0, said
    assert "artclassifier/artgrab-test: ModelServed: it answers" in said
    assert said.rstrip().rpartition("\n")[2].startswith("PASSED")
    assert server.held == {}


async def test_told_to_end_it_removes_what_it_made(server: KeptObjects, tmp_path: Path) -> None:
    process = await _start(_environment(server, tmp_path, ["art", "not-art"]))
    await eventually(lambda: CLASSIFIER in server.held)
    assert len(server.held) == 3
    process.send_signal(signal.SIGTERM)
    code, said = await _end(process)
    assert code == 4, said
    assert "FAILED: told to end before it was done" in said
    assert server.held == {}


@pytest.mark.parametrize(
    ("refusal", "code", "told"),
    [
        ((422, "spec.sources: Required value"), 2, "change tests.categories"),
        ((403, "you may not"), 4, "FAILED: ArtCategory test-art: you may not"),
        ((500, "etcd is away"), 4, "etcd is away"),
    ],
)
async def test_a_refusal_is_told(
    server: KeptObjects, tmp_path: Path, refusal: tuple[int, str], code: int, told: str
) -> None:
    server.refusal = refusal
    found, said = await _end(await _start(_environment(server, tmp_path, ["art", "not-art"])))
    assert found == code, said
    assert told in said
    assert "Traceback" not in said


async def test_a_server_that_is_not_there_and_settings_that_are_wrong_are_told_in_a_line(
    server: KeptObjects, tmp_path: Path
) -> None:
    environment = dict(_environment(server, tmp_path, ["art", "not-art"]))
    write_kubeconfig(tmp_path / "kubeconfig", "http://127.0.0.1:1")
    code, said = await _end(await _start(environment))
    assert code == 4, said
    assert "the API server does not answer" in said
    wrong: Any = environment | {"ARTGRAB_TEST_CATEGORIES": "[]"}
    code, said = await _end(await _start(wrong))
    assert code == 2, said
    assert "ARTGRAB_TEST_CATEGORIES" in said
    assert "Traceback" not in said
