"""What `artgrab` says when it cannot do what was asked: one line, the right code, no trace.

Wrong documents, options, surroundings and pictures have files of their own (test_cli_bad_*.py);
here are the command itself and what is common to all. Buckets that cannot be used are in
test_store_s3_failures.py.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from artgrab.common.store import Store
from artgrab.common.store.lock import exclusive
from tests.support.cli_calls import artgrab
from tests.support.documents import category_text


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    path = tmp_path / "category.yaml"
    path.write_text(category_text("graffiti"))
    return path


def test_an_error_of_the_process_is_one_line_and_its_exit_code(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "artgrab.cli", "run", str(tmp_path / "no.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    line = f"artgrab: {tmp_path}/no.yaml: cannot be read: No such file or directory\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", line)


def test_a_store_that_cannot_be_made_is_the_fault_of_the_surroundings(
    capfd: Any, tmp_path: Path, documents: Path
) -> None:
    (tmp_path / "file").write_text("not a folder")
    refused = artgrab(capfd, "run", documents, "--store", tmp_path / "file" / "store")
    assert refused.code == 4
    assert f"store {tmp_path}/file/store" in refused.last


@pytest.mark.parametrize("command", ["run", "scrape", "dataset build", "train", "serve", "predict"])
def test_every_command_explains_itself_with_an_example(capfd: Any, command: str) -> None:
    shown = artgrab(capfd, *command.split(), "--help")
    assert shown.code == 0
    assert f"artgrab {command} " in shown.out
    assert "Example" in shown.out


def test_a_server_that_is_not_there_is_the_fault_of_the_surroundings(
    capfd: Any, tmp_path: Path
) -> None:
    picture = tmp_path / "a.jpg"
    picture.write_bytes(b"not asked about")
    refused = artgrab(capfd, "predict", picture, "--endpoint", "127.0.0.1:9")
    assert refused.code == 4
    assert "no predict server answers at 127.0.0.1:9" in refused.last


def test_an_unknown_level_of_logs_is_told_with_those_there_are(
    capfd: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARTGRAB_LOG_LEVEL", "loud")
    refused = artgrab(capfd, "run", "a.yaml")
    assert refused.code == 2
    for text in ("ARTGRAB_LOG_LEVEL", "LOUD", "INFO"):
        assert text in refused.last


def test_a_store_at_work_is_left_to_whoever_works_in_it(
    capfd: Any, store: Store, documents: Path
) -> None:
    with exclusive(store):
        refused = artgrab(capfd, "run", documents, "--store", store.uri)
    assert refused.code == 4
    for text in ("another artgrab run", "--store"):
        assert text in refused.last
    with exclusive(store):
        pass


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("run --sotre x a.yaml", "no such option --sotre; did you mean --store (see artgrab run -"),
        ("run --zzz a.yaml", "no such option --zzz (see artgrab run --help)"),
        ("run", "missing argument 'FILE...' (see artgrab run --help)"),
        ("statsu", "no such command 'statsu'; did you mean 'status' (see artgrab --help)"),
        ("takedown ad x", "no such command 'ad'; did you mean 'add' (see artgrab takedown --help)"),
        (
            "status --output xml",
            "invalid value for '--output': 'xml' is not one of 'table', 'json'",
        ),
        ("status --output", "option '--output' requires an argument (see artgrab"),
        ("status \x1b[31m", "got unexpected extra argument"),
        ("\x1b[31m", "no such command "),
        ("status --store \x1b[31m", "store "),
        ("predict \x1b[31m.jpg --endpoint 127.0.0.1:1", ".jpg"),
    ],
)
def test_a_wrong_command_line_is_one_line_with_what_may_be_meant(
    capfd: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, line: str
) -> None:
    monkeypatch.chdir(tmp_path)
    said = artgrab(capfd, *command.split(" "))
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("artgrab: ")
    assert line in said.err
    assert said.err[:-1].isprintable(), said.err


def test_a_bare_command_shows_its_help_and_no_more(capfd: Any) -> None:
    said = artgrab(capfd, "takedown")
    assert said.code == 2
    assert "Usage: artgrab takedown" in said.out
    assert said.err == ""


@pytest.mark.parametrize("command", ["status --store .", "--help", "run category.yaml --dry-run"])
def test_an_answer_that_cannot_be_written_is_told_in_one_line(
    documents: Path, command: str
) -> None:
    done = _written_to("/dev/full", command, documents.parent)
    line = "artgrab: No space left on device; make room and give the same command again\n"
    assert (done.returncode, done.stderr) == (4, line)


def test_a_reader_that_leaves_is_no_bug_and_told_nothing(documents: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    done = _written_to(write, "status --store .", documents.parent)
    assert (done.returncode, done.stderr) == (4, "")


def _written_to(place: str | int, command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    arguments = [sys.executable, "-m", "artgrab.cli", *command.split()]
    with open(place, "w") as out:
        return subprocess.run(
            arguments, cwd=folder, stdout=out, stderr=subprocess.PIPE, text=True, timeout=120
        )
