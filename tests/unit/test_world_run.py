"""`make run` where the demo world cannot be: one line that says what to do instead, no trace."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.waiting import WAIT_SECONDS

ROOT = Path(__file__).parents[2]
PHP_MODULES = "printf 'pdo_sqlite\\ndom\\nmbstring\\nintl\\ngd\\n'"
INSTEAD = "artgrab run examples/commons.yaml"


def refused(path: Path, **environment: str) -> str:
    """Start the run with these programs alone and return the one line it says."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.world.run", "--store", str(path / "store")],
        cwd=ROOT,
        env={**os.environ, "PATH": str(path), **environment},
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
    )
    assert (done.returncode, done.stdout) == (4, "")
    (line,) = done.stderr.splitlines()
    assert not (path / "store").exists()
    return line


def put_programs(folder: Path, *names: str, script: str) -> None:
    for name in names:
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)


@pytest.mark.parametrize(
    ("missing", "package"),
    [("npm", "npm"), ("php", "php-cli"), ("chromium", "chromium"), ("chromedriver", "driver")],
)
def test_a_missing_program_is_told_by_its_package(
    missing: str, package: str, tmp_path: Path
) -> None:
    there = {"npm", "php", "chromium", "chromedriver"} - {missing}
    put_programs(tmp_path, *there, script=PHP_MODULES)
    line = refused(tmp_path)
    assert package in line
    assert INSTEAD in line


def test_a_php_that_does_not_start_is_taken_for_one_without_its_modules(tmp_path: Path) -> None:
    put_programs(tmp_path, "npm", "php", "chromium", "chromedriver", script="exit 127")
    line = refused(tmp_path)
    assert "php-sqlite3" in line
    assert INSTEAD in line


def test_a_system_without_apt_is_told_that_the_world_is_not_for_it(tmp_path: Path) -> None:
    put_programs(tmp_path, "npm", "php", "chromium", "chromedriver", script=PHP_MODULES)
    line = refused(tmp_path, ARTGRAB_CACHE=str(tmp_path / "cache"))
    assert "apt-get is missing" in line
    assert INSTEAD in line


def test_a_cache_that_cannot_be_is_told_with_the_setting_that_moves_it(tmp_path: Path) -> None:
    put_programs(tmp_path, "npm", "php", "chromium", "chromedriver", script=PHP_MODULES)
    line = refused(tmp_path, ARTGRAB_CACHE=str(tmp_path / "npm"))
    assert "ARTGRAB_CACHE" in line
    assert INSTEAD in line
