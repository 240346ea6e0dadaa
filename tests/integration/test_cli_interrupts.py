"""Ctrl-C and SIGTERM, at every stage of a job and while single stages run or load.

Each job is a session of its own, and the signal goes to its whole foreground group, as a
terminal's does. All jobs share one store, so that each goes on where the one before was stopped.
"""

import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from artgrab.common.classifier_states import update_classifier_state
from artgrab.common.keys import model_prefix
from artgrab.common.store import Store
from artgrab.common.store.lock import exclusive
from tests.chaos.grounds import Grounds, grounds
from tests.chaos.jobs import Run, Setting, hear_signals, marked, running
from tests.chaos.plans import Phase
from tests.support.jobs import wait_until
from tests.support.model_folders import write_model
from tests.support.requirements import need
from tests.world.world import demo_world, missing_requirements

pytestmark = [pytest.mark.timeout(900), pytest.mark.xdist_group("job")]

GOES_ON = "interrupted; the same command goes on from here: "


@pytest.fixture(scope="module")
def field() -> Iterator[Grounds]:
    need(not missing_requirements(), packages=" ".join(missing_requirements()))
    with demo_world() as world, grounds(world, None) as field:
        yield field


def reach(run: Run, phase: Phase) -> None:
    """Return in the middle of a phase: of collecting, when there are records."""
    store = Store.open(run.setting.store)

    def reached() -> bool:
        if run.look() is not Phase.COLLECT or phase is not Phase.COLLECT:
            return run.look() in (phase, None)
        return run.collecting_began and some_records(store)

    wait_until(reached)
    assert run.process.poll() is None, run.err.read_text()


def some_records(store: Store) -> bool:
    return any(info.key.endswith(".jsonl") for info in store.list("default/categories"))


def assert_it_ended_well(run: Run) -> None:
    """No process, lock or temporary file; and the last line says how to go on."""
    assert run.process.wait(timeout=120) == 4, run.err.read_text()
    said = run.err.read_text()
    assert "Traceback" not in said
    assert GOES_ON in said.splitlines()[-1]
    again = ["run", str(run.setting.documents), "--store", run.setting.store, "--output", "json"]
    assert shlex.split(said.splitlines()[-1])[-len(again) :] == again
    assert run.out.read_text() == ""
    with exclusive(Store.open(run.setting.store)):
        pass


def assert_nothing_is_left(run: Run) -> None:
    assert [one.cmdline() for one in marked(run.setting)] == []
    assert list((run.setting.scratch / "tmp").glob("artgrab-*")) == []


def interrupted(setting: Setting, phase: Phase, number: signal.Signals) -> None:
    """Interrupt a job once: it has cleared away when it ends."""
    with running(setting, setting.scratch) as run:
        reach(run, phase)
        os.killpg(run.process.pid, number)
        assert_it_ended_well(run)
        assert_nothing_is_left(run)


def interrupted_twice(setting: Setting, phase: Phase) -> None:
    """Interrupt a job twice: it has ended when its children may still be ending."""
    with running(setting, setting.scratch) as run:
        reach(run, phase)
        os.killpg(run.process.pid, signal.SIGINT)
        # The kernel keeps one of a kind waiting: two Ctrl-C without a pause may be one.
        os.killpg(run.process.pid, signal.SIGTERM)
        assert_it_ended_well(run)
        wait_until(lambda: not list(marked(setting)))
        assert_nothing_is_left(run)


def test_a_job_can_be_interrupted_at_any_stage_and_the_same_command_goes_on(field: Grounds) -> None:
    setting = field.new("folder")
    interrupted(setting, Phase.COLLECT, signal.SIGINT)
    interrupted_twice(setting, Phase.COLLECT)
    interrupted(setting, Phase.TRAIN, signal.SIGINT)
    interrupted_twice(setting, Phase.TRAIN)
    assert_training_alone_ends_well(setting)
    interrupted(setting, Phase.PREDICT, signal.SIGTERM)
    with running(setting, setting.scratch) as run:
        assert run.result()["categories"]["fish"]["stored"] == 26


def assert_training_alone_ends_well(setting: Setting) -> None:
    with command("train", str(setting.documents), "--store", setting.store) as process:
        wait_until(lambda: loads_torch(process))
        process.send_signal(signal.SIGTERM)
        assert_interrupted(process)


@contextmanager
def command(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "artgrab.cli", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hear_signals,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def loads_torch(process: subprocess.Popen[str]) -> bool:
    return "libtorch" in Path(f"/proc/{process.pid}/maps").read_text()


def assert_interrupted(process: subprocess.Popen[str]) -> None:
    _, said = process.communicate(timeout=120)
    assert process.returncode == 4, said
    assert GOES_ON in said.splitlines()[-1]
    assert "Traceback" not in said


def test_a_server_interrupted_while_it_loads_ends_well(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path / "store"))
    key = "5" * 64
    write_model(store, model_prefix("default", key))
    update_classifier_state(store, namespace="default", classifier="art", model=key)
    serve = ("serve", "art", "--store", store.uri, "--listen", "127.0.0.1:0")
    with command(*serve) as process:
        wait_until(lambda: loads_torch(process))
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=120)
    assert (process.returncode, said) == (0, "")


def test_a_downloader_that_is_interrupted_has_done_its_work(tmp_path: Path) -> None:
    listen = ("--store", str(tmp_path / "store"), "--listen", "127.0.0.1:0")
    with command("download", *listen) as process:
        assert process.stdout is not None
        assert "ready on 127.0.0.1:" in process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=120)
    assert (process.returncode, said) == (0, "")


def test_a_scrape_that_waits_for_a_downloader_can_be_interrupted(field: Grounds) -> None:
    setting = field.new("folder")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(120)
        endpoint = f"127.0.0.1:{silent.getsockname()[1]}"
        with command("scrape", str(setting.documents), "--downloader", endpoint) as process:
            connection, _ = silent.accept()
            with connection:
                process.send_signal(signal.SIGINT)
                assert_interrupted(process)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_while_everything_is_still_being_loaded_is_told_in_one_line(
    tmp_path: Path, number: signal.Signals
) -> None:
    slow = "import signal; print('loading', flush=True); signal.pause()"
    (tmp_path / "typer.py").write_text(slow)
    command = [sys.executable, "-m", "artgrab.cli", "status", "--store", "my store"]
    with subprocess.Popen(
        command,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hear_signals,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "loading\n"
            process.send_signal(number)
            _, said = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 4
    (line,) = said.splitlines()
    assert line.startswith(f"artgrab: {GOES_ON}")
    assert line.endswith("status --store 'my store'")
