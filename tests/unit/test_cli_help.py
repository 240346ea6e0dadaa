"""Every command explains itself, and what its help shows can be called."""

import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from artgrab.cli.app import app
from artgrab.common.network import NetworkSettings
from artgrab.common.version import VERSION
from tests.support.command_lines import ROOT, parsed


def _commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    for name, one in getattr(command, "commands", {}).items():
        yield from _commands(one, (*path, name))


COMMANDS = dict(_commands(ROOT))


def _examples(command: Any) -> list[str]:
    text = f"{command.help or ''}\n{command.epilog or ''}"
    return re.findall(r"^\s*Example: (artgrab .+)$", text, flags=re.MULTILINE)


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_begins_with_one_clear_sentence(path: tuple[str, ...]) -> None:
    first = (COMMANDS[path].help or "").strip().split("\n\n")[0]
    assert first.endswith(".")
    assert 15 <= len(first) <= 120, first


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_its_examples_are_commands_that_work(path: tuple[str, ...]) -> None:
    examples = _examples(COMMANDS[path])
    assert examples, f"artgrab {' '.join(path)} --help has no example"
    for line in examples:
        assert parsed(line)[: len(path)] == path, line


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_option_and_argument_is_explained(path: tuple[str, ...]) -> None:
    for parameter in COMMANDS[path].params:
        if not getattr(parameter, "hidden", False):
            assert getattr(parameter, "help", ""), parameter.name


def test_an_example_that_does_not_work_would_be_noticed() -> None:
    for line in ("artgrab run --no-such-option a.yaml", "artgrab predict", "artgrab walk a.yaml"):
        with pytest.raises(Exception, match=r"(?i)no such|missing"):
            parsed(line)


def test_the_main_help_names_exit_codes_and_environment() -> None:
    text = ROOT.epilog
    for code in ("0 done", "2 bad input", "3 partly done", "4 the surroundings", "1 a bug"):
        assert code in text
    for name in NetworkSettings.model_fields:
        assert f"ARTGRAB_{name.upper()}" in text


@pytest.mark.parametrize("width", [60, 80])
def test_help_fits_narrow_terminals(width: int) -> None:
    shown = CliRunner().invoke(app, ["run", "--help"], env={"COLUMNS": str(width)})
    assert shown.exit_code == 0
    assert max(map(len, shown.stdout.splitlines())) <= width


def test_the_version_is_told() -> None:
    assert CliRunner().invoke(app, ["--version"]).stdout == f"artgrab {VERSION}\n"


def test_help_and_completion_load_nothing_that_takes_long() -> None:
    heavy = {"boto3", "grpc", "numpy", "obstore", "prometheus_client", "pyarrow", "pydantic"}
    heavy |= {"httpx2", "lightkube", "selenium", "structlog", "torch"}
    code = "import sys; import artgrab.cli.app; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert heavy & set(done.stdout.split()) == set()
