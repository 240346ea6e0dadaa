"""Completion in real shells: documents, commands, and names out of the store."""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from artgrab.cli.completion import documents
from artgrab.common.classifier_states import update_classifier_state
from artgrab.common.store import Store

ARTGRAB = Path(sys.executable).with_name("artgrab")
SHELLS = ("bash", "zsh", "fish")


def artgrab(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ARTGRAB, *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


@cache
def script_of(shell: str) -> str:
    """Return what a shell is to read so that it can complete."""
    return artgrab(_ARTGRAB_COMPLETE=f"source_{shell}").stdout


def offered(folder: Path, line: str) -> list[str]:
    """Return what bash offers at the end of a line, from the script that artgrab gives it."""
    script = """
    source /dev/stdin
    read -ra COMP_WORDS <<< "$2"
    [[ "$2" == *' ' ]] && COMP_WORDS+=("")
    COMP_WORDS[0]=$1
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    complete -p artgrab >&2 || exit 1
    _artgrab_completion "$1"
    printf '%s\\n' "${COMPREPLY[@]}"
    """
    environment = {k: v for k, v in os.environ.items() if k != "ARTGRAB_STORE"}
    done = subprocess.run(
        ["bash", "--norc", "-c", script, "bash", str(ARTGRAB), line],
        env=environment,
        cwd=folder,
        input=script_of("bash"),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return [line for line in done.stdout.splitlines() if line]


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_gets_a_script_of_its_own(shell: str) -> None:
    script = script_of(shell)
    assert "_ARTGRAB_COMPLETE" in script
    if program := shutil.which(shell):
        checked = subprocess.run([program, "-n"], input=script, text=True, timeout=60)
        assert checked.returncode == 0


def test_bash_offers_commands(tmp_path: Path) -> None:
    assert offered(tmp_path, "artgrab st") == ["status"]


def test_bash_offers_the_commands_of_a_group_and_their_options(tmp_path: Path) -> None:
    assert offered(tmp_path, "artgrab cluster ") == ["status"]
    assert "--all-namespaces" in offered(tmp_path, "artgrab cluster status --")


def test_bash_offers_documents(tmp_path: Path) -> None:
    for name in ("art.yaml", "notes.txt"):
        (tmp_path / name).touch()
    assert offered(tmp_path, "artgrab run ") == ["art.yaml"]


def test_bash_offers_the_classifiers_of_the_store(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path / "store"))
    for name in ("art-or-not", "fish"):
        update_classifier_state(store, namespace="default", classifier=name, model="m")
    assert offered(tmp_path, "artgrab serve --store store ") == ["art-or-not", "fish"]


def test_documents_are_offered_with_the_folders_on_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    for name in ("art.yaml", "other.YML", "notes.txt", ".hidden.yaml", "mine/deep.yaml"):
        (tmp_path / name).touch()
    assert documents("") == ["art.yaml", "mine/", "other.YML"]
    assert documents("mi") == ["mine/deep.yaml"]
    assert documents(".h") == [".hidden.yaml"]
    assert documents(f"{tmp_path}/a") == [f"{tmp_path}/art.yaml"]


def test_folders_that_cannot_be_read_offer_nothing(tmp_path: Path) -> None:
    assert documents(f"{tmp_path}/none/") == []
    (tmp_path / "empty").mkdir()
    assert documents(f"{tmp_path}/em") == [f"{tmp_path}/empty/"]
