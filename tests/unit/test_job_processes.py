"""What a Job's process does whatever its work: exit codes, last words, progress, signals."""

import argparse
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from artgrab.common.errors import BadInputError, PartlyDoneError, SurroundingsError
from artgrab.common.job_processes import JobProgress, LastWord, add_options, run_work
from artgrab.common.progress import Progress, ProgressSink
from artgrab.common.servers import reserved_port
from artgrab.common.terminations import DatasetTermination, decode_last_word

DONE = DatasetTermination(key="a" * 64, content_sha256="b" * 64, images=3)


def run(
    work: BaseException | LastWord | None, tmp_path: Path
) -> tuple[int, DatasetTermination | None]:
    def do(options: argparse.Namespace, progress: ProgressSink) -> LastWord | None:
        if isinstance(work, BaseException):
            raise work
        return work

    options = argparse.Namespace(termination_message=tmp_path / "word", metrics_port=None)
    code = run_work(
        options,
        do,
        failed=lambda error: DatasetTermination(error=error),
        progress=JobProgress("dataset"),
    )
    word = tmp_path / "word"
    data = word.read_bytes() if word.exists() else b""
    return code, decode_last_word(data, DatasetTermination)


def test_what_was_done_is_the_last_word(tmp_path: Path) -> None:
    assert run(DONE, tmp_path) == (0, DONE)


def test_where_another_process_says_the_last_word_none_is_written(tmp_path: Path) -> None:
    assert run(None, tmp_path) == (0, None)


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (BadInputError("give another"), 2, "give another"),
        (PartlyDoneError("a class has no picture"), 2, "a class has no picture"),
        (SurroundingsError("no network"), 4, "no network"),
        (ZeroDivisionError("by 0"), 1, "a bug in artgrab: ZeroDivisionError: by 0"),
    ],
)
def test_an_error_is_one_line_the_last_word_and_an_exit_code(
    error: Exception, code: int, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(error, tmp_path) == (code, DatasetTermination(error=text))
    assert capsys.readouterr().err.endswith(f"artgrab: {text}\n")


def test_progress_is_served_as_metrics_while_the_work_goes_on(tmp_path: Path) -> None:
    seen: list[str] = []

    def do(options: argparse.Namespace, progress: ProgressSink) -> LastWord:
        progress(Progress(stage="features", item="all", done=3, total=7))
        url = f"http://127.0.0.1:{options.metrics_port}/metrics"
        with urllib.request.urlopen(url, timeout=20) as answer:
            seen.append(answer.read().decode())
        return DONE

    with reserved_port() as port:
        options = argparse.Namespace(termination_message=None, metrics_port=port)
        progress = JobProgress("training")
        code = run_work(
            options, do, failed=lambda error: DatasetTermination(error=error), progress=progress
        )
    assert code == 0
    labels = '{item="all",stage="features",unit="pictures"}'
    assert f"artgrab_training_done{labels} 3.0" in seen[0]
    assert f"artgrab_training_total{labels} 7.0" in seen[0]


def test_log_lines_come_now_and_then_and_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[int] = []
    monkeypatch.setattr(
        "artgrab.common.job_processes._log.info", lambda stage, **told: logged.append(told["done"])
    )
    seconds = 0.0
    progress = JobProgress("training", clock=lambda: seconds)
    for done in range(100):
        progress(Progress(stage="features", item="all", done=done, total=100))
        seconds += 1
    progress(Progress(stage="features", item="all", done=100, total=100, finished=True))
    assert logged == [0, 30, 60, 90, 100]


_WAITING = """
import argparse, os, signal, sys, time
from pathlib import Path
from artgrab.common.job_processes import JobProgress, run_work
from artgrab.common.terminations import DatasetTermination

def work(options, progress):
    os.kill(os.getpid(), getattr(signal, sys.argv[2]))
    time.sleep(60)  # work that is long: the signal has to end it

options = argparse.Namespace(termination_message=Path(sys.argv[1]), metrics_port=None)
sys.exit(run_work(options, work, failed=lambda error: DatasetTermination(error=error),
                  progress=JobProgress("dataset")))
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_ends_it_at_once_whatever_it_waits_for(name: str, tmp_path: Path) -> None:
    word = tmp_path / "word"
    ran = subprocess.run(
        [sys.executable, "-c", _WAITING, str(word), name],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    stopped = "ended by a signal before it was done; the same again goes on from here"
    assert (ran.returncode, ran.stderr) == (4, f"artgrab: {stopped}\n")
    found = decode_last_word(word.read_bytes(), DatasetTermination)
    assert found == DatasetTermination(error=stopped)


def test_the_options_are_those_agreed_upon() -> None:
    parser = argparse.ArgumentParser()
    add_options(parser)
    options = parser.parse_args(["--store", "s3://b/p", "--task", "/etc/artgrab/task/task.json"])
    assert (options.termination_message, options.metrics_port) == (None, None)
