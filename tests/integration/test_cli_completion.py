"""Completion in real shells: documents, commands, and names out of the store."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from artgrab.cli.completion import documents
from artgrab.cli.state import update_classifier_state
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


def offered(folder: Path, line: str) -> list[str]:
    """Return what bash offers at the end of a line, from the script that artgrab gives it."""
    script = """
    source <(_ARTGRAB_COMPLETE=source_bash "$1")
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
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return [line for line in done.stdout.splitlines() if line]


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_gets_a_script_of_its_own(shell: str) -> None:
    done = artgrab(_ARTGRAB_COMPLETE=f"source_{shell}")
    assert "_ARTGRAB_COMPLETE" in done.stdout
    if program := shutil.which(shell):
        checked = subprocess.run([program, "-n"], input=done.stdout, text=True, timeout=60)
        assert checked.returncode == 0


def test_bash_offers_commands_and_options(tmp_path: Path) -> None:
    assert offered(tmp_path, "artgrab st") == ["status"]
    assert "--dry-run" in offered(tmp_path, "artgrab run --d")


def test_bash_offers_documents_and_the_folders_on_the_way(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    for name in ("art.yaml", "other.YML", "notes.txt", ".hidden.yaml", "mine/deep.yaml"):
        (tmp_path / name).touch()
    assert offered(tmp_path, "artgrab run ") == ["art.yaml", "mine/", "other.YML"]
    assert offered(tmp_path, "artgrab run mi") == ["mine/deep.yaml"]


def test_bash_offers_the_classifiers_of_the_store(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path / "store"))
    for name in ("art-or-not", "fish"):
        update_classifier_state(store, namespace="default", classifier=name, model="m")
    assert offered(tmp_path, "artgrab serve --store store ") == ["art-or-not", "fish"]
    assert offered(tmp_path, "artgrab serve --store store f") == ["fish"]
    assert offered(tmp_path, "artgrab serve --store none ") == []


def test_folders_that_cannot_be_read_offer_nothing(tmp_path: Path) -> None:
    assert documents(f"{tmp_path}/none/") == []
    (tmp_path / "empty").mkdir()
    assert documents(f"{tmp_path}/em") == [f"{tmp_path}/empty/"]
