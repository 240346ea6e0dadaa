"""The parts of the TorchServe runtime that need neither Java nor TorchServe."""

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from artgrab.common.errors import ObjectCorruptError, SurroundingsError
from artgrab.common.restarts import RestartLimit
from artgrab.common.store import Store
from artgrab.images import PictureRefusedError, process_picture
from artgrab.model.classifier import Classifier
from artgrab.serving.torchserve import TorchServeEngine, TorchServeSettings, replies
from artgrab.serving.torchserve.config import Home, Ports
from artgrab.serving.torchserve.folders import own_folder
from artgrab.serving.torchserve.handler import TorchServeHandler
from artgrab.serving.torchserve.programs import Programs, find_programs
from artgrab.serving.torchserve.stub import Stub
from tests.support import played_torchserve
from tests.support.drawn import jpeg
from tests.support.model_folders import write_model
from tests.support.waiting import WAIT_SECONDS

PORTS = Ports(inference=1, management=2, metrics=3)
PREFIX = "m"


@dataclass
class Context:
    """What TorchServe hands to a handler."""

    system_properties: dict[str, str]
    model_yaml_config: dict[str, Any] = field(default_factory=dict)


def loaded(folder: Path, *, digest: str = "") -> tuple[TorchServeHandler, Classifier]:
    store = Store.open(str(folder))
    content_sha256 = write_model(store, PREFIX)
    handler = TorchServeHandler()
    config = {"artgrab": {"contentSha256": digest or content_sha256}}
    handler.initialize(Context({"model_dir": str(folder / PREFIX)}, config))
    return handler, Classifier.load(store, PREFIX)


def read_all(answers: Sequence[bytes]) -> list[replies.Reply | PictureRefusedError]:
    return [replies.read_reply(answer) for answer in answers]


def test_the_handler_answers_as_the_classifier_does_and_a_bad_picture_fails_alone(
    tmp_path: Path,
) -> None:
    handler, classifier = loaded(tmp_path)
    raw, stored = jpeg(1), process_picture(jpeg(2)).object_bytes
    batch = [{"data": raw}, {"data": b"<html>"}, {"stored": stored}, {"stored": b"x"}, {}]
    first, second, third, fourth, fifth = read_all(handler.handle(batch, None))
    (of_raw,), (of_stored,) = classifier.predict([raw]), classifier.predict_stored([stored])
    for reply, answer in ((first, of_raw), (third, of_stored)):
        assert isinstance(reply, replies.Reply)
        assert not isinstance(answer, PictureRefusedError)
        assert (reply.label, reply.probability) == (answer.label, answer.probability)
        assert reply.probabilities == answer.probabilities
    refused = [str(one) for one in (second, fourth, fifth)]
    assert refused == ["html", "damaged", "empty"]


def test_a_model_that_raises_fails_its_pictures_and_not_the_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret detail")

    handler, _ = loaded(tmp_path)
    monkeypatch.setattr(handler._classifier, "predict", broken)
    (answer,) = handler.handle([{"data": jpeg(1)}], None)
    assert b"secret" not in answer
    with pytest.raises(replies.ModelFailedError):
        replies.read_reply(answer)


def test_a_handler_loads_no_model_but_the_one_that_its_archive_names(tmp_path: Path) -> None:
    with pytest.raises(ObjectCorruptError, match="digest"):
        loaded(tmp_path, digest="0" * 64)


@pytest.mark.parametrize("data", [b"", b"\xff", b"{}", b'{"label":"art"}', b"503"])
def test_an_answer_that_is_not_the_handlers_is_a_failure(data: bytes) -> None:
    with pytest.raises(replies.ModelFailedError):
        replies.read_reply(data)


def test_torchserve_is_told_to_stay_on_this_machine(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.write(TorchServeSettings(workers=3, batch_pictures=7, batch_delay_ms=2), PORTS)
    lines = home.properties.read_text().splitlines()
    said = dict(line.split("=", 1) for line in lines)
    assert {name for name in said if name.endswith("address")} == {
        "grpc_inference_address",
        "grpc_management_address",
        "inference_address",
        "management_address",
        "metrics_address",
    }
    assert said["grpc_inference_address"] == said["grpc_management_address"] == "127.0.0.1"
    assert said["metrics_address"] == "http://127.0.0.1:3"
    assert said["inference_address"].startswith("unix:")
    assert said["management_address"].startswith("unix:")
    assert (said["enable_model_api"], said["disable_token_authorization"]) == ("false", "true")
    assert said["default_workers_per_model"] == "3"
    assert said["models"] == '{"artgrab": {"1.0": {"batchSize": 7, "maxBatchDelay": 2}}}'


def test_java_has_the_memory_that_it_begins_with_from_the_start(tmp_path: Path) -> None:
    command = Home(tmp_path).command(Programs(java="java", home=tmp_path))
    at_first, young = (int(_only(command, option).rstrip("m")) for option in ("-Xms", "-Xmn"))
    assert "-XX:+AlwaysPreTouch" in command
    assert young <= at_first / 4 <= 32


def _only(command: list[str], option: str) -> str:
    (found,) = (word.removeprefix(option) for word in command if word.startswith(option))
    return found


def test_a_folder_too_deep_for_sockets_is_told(tmp_path: Path) -> None:
    home = Home(tmp_path / ("x" * 100))
    with pytest.raises(SurroundingsError, match="set TMPDIR to a short one"):
        home.write(TorchServeSettings(), PORTS)


def test_a_folder_is_kept_while_its_process_lives_and_removed_by_the_next_one_after_a_kill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    code = (
        "from artgrab.serving.torchserve.folders import own_folder\n"
        "with own_folder() as folder:\n"
        "    print(folder, flush=True)\n"
        "    input()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    ) as process:
        assert process.stdout is not None
        other = Path(process.stdout.readline().strip())
        with own_folder() as ours:
            assert sorted(tmp_path.iterdir()) == sorted([ours, other])
        process.kill()
        process.communicate()
    with own_folder() as ours:
        assert list(tmp_path.iterdir()) == [ours]
    assert list(tmp_path.iterdir()) == []


def test_a_leashed_program_ends_with_its_parent_and_tells_what_it_starts_whom_to_end_with() -> None:
    code = "import os; print(os.environ['ARTGRAB_LEASHED_PID'] == str(os.getpid()))"
    leash = "import os, sys; os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    shell = f'{sys.executable} -P -m artgrab.common.leashed $$ {sys.executable} -c "{code}"; :'
    said = subprocess.run(["/bin/sh", "-c", shell], check=True, capture_output=True, text=True)
    assert said.stdout == "True\n"
    gone = [sys.executable, "-c", leash, "-P", "-m", "artgrab.common.leashed", "1", "sleep", "60"]
    assert subprocess.run(gone, check=False).returncode == -9


def java(folder: Path, text: str) -> None:
    """Write a program `java` into bin/ of a folder."""
    file = folder / "bin/java"
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)


@pytest.fixture
def torchserve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that looks like an installed TorchServe, with Java 17 in it."""
    package = tmp_path / "ts"
    (package / "frontend").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "frontend/model-server.jar").touch()
    java(tmp_path, """echo 'openjdk version "17.0.15" 2025-04-15' >&2""")
    monkeypatch.delitem(sys.modules, "ts", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    return tmp_path


def test_java_and_torchserve_are_found(torchserve: Path) -> None:
    found = find_programs()
    assert (found.java, found.home) == (f"{torchserve}/bin/java", torchserve)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("""echo 'openjdk version "11.0.2" 2019' >&2""", "is Java 11; on Debian: apt-get install"),
        ("""echo 'java version "1.8.0_202"' >&2""", "is Java 8; "),
        ("echo hello", "does not tell its version; "),
    ],
)
def test_a_java_that_is_too_old_is_told(torchserve: Path, text: str, told: str) -> None:
    java(torchserve, text)
    with pytest.raises(SurroundingsError, match="TorchServe needs Java 17, and ") as caught:
        find_programs()
    assert told in str(caught.value)


def test_a_java_that_is_not_there_is_told(
    torchserve: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (torchserve / "bin/java").unlink()
    with pytest.raises(SurroundingsError, match=r"there is none in JAVA_HOME .*openjdk-17-jre"):
        find_programs()
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv("PATH", str(torchserve))
    with pytest.raises(SurroundingsError, match=r"there is none; .*openjdk-17-jre-headless"):
        find_programs()


def test_a_torchserve_that_is_not_installed_is_told(torchserve: Path) -> None:
    (torchserve / "ts/frontend/model-server.jar").unlink()
    with pytest.raises(SurroundingsError, match=r"pip install artgrab\[torchserve\]"):
        find_programs()


async def test_a_java_that_dies_at_its_start_is_told_with_its_last_words(torchserve: Path) -> None:
    java(torchserve, "echo 'no such heap' >&2; exit 3")
    programs = Programs(java=f"{torchserve}/bin/java", home=torchserve)
    engine = TorchServeEngine(TorchServeSettings(), programs, b"", restarts=RestartLimit(most=0))
    with pytest.raises(SurroundingsError, match=r"^TorchServe ended with 3, .*: no such heap$"):
        async with engine.running():
            pytest.fail("it is ready")


async def test_a_torchserve_that_never_answers_is_given_up_and_ended(torchserve: Path) -> None:
    java(torchserve, 'echo $$ >"$0.pid"; exec sleep 600')
    programs = Programs(java=f"{torchserve}/bin/java", home=torchserve)
    engine = TorchServeEngine(TorchServeSettings(start_seconds=1), programs, b"")
    with pytest.raises(SurroundingsError, match="TorchServe did not answer in 1 s"):
        async with engine.running():
            pytest.fail("it is ready")
    assert not Path("/proc", (torchserve / "bin/java.pid").read_text().strip()).exists()


@pytest.mark.parametrize("watched", [True, False], ids=["watched", "not watched yet"])
async def test_a_picture_that_died_with_its_worker_is_asked_again(
    torchserve: Path, watched: bool
) -> None:
    program = Path(played_torchserve.__file__)
    java(torchserve, f'exec {sys.executable} {program} "$@"')
    programs = Programs(java=f"{torchserve}/bin/java", home=torchserve)
    engine = TorchServeEngine(TorchServeSettings(answer_seconds=600), programs, b"")

    async def tell(ready: bool) -> None:
        pytest.fail("another worker was ready all the time")

    async with asyncio.timeout(WAIT_SECONDS), engine.running(), asyncio.TaskGroup() as group:
        watch = group.create_task(engine.watch(tell)) if watched else None
        asking = group.create_task(engine.answer(b"a picture"))
        await _until_a_worker_died(engine)
        watch = watch or group.create_task(engine.watch(tell))
        answer = await asking
        watch.cancel()
    assert isinstance(answer, replies.Reply)
    assert answer.label == played_torchserve.LABEL


async def _until_a_worker_died(engine: TorchServeEngine) -> None:
    async with Stub(engine.ports) as stub:
        while list(await stub.ready_workers()) == [played_torchserve.FIRST_WORKER]:
            pass
