"""Fetching of packages: what is tried again, and what people are told."""

import os
from pathlib import Path

import pytest

from artgrab.common.errors import SurroundingsError
from tests.world import packages
from tests.world.packages import missing_requirements, require, run, unpack_debian


def write_program(folder, name, script):
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_a_download_that_was_cut_off_is_tried_again(tmp_path, monkeypatch):
    programs = tmp_path / "bin"
    programs.mkdir()
    # The first two downloads fail; `dpkg-deb -x ARCHIVE TARGET` makes the target.
    write_program(
        programs,
        "apt-get",
        f'echo "$1" >> {tmp_path}/calls\n[ "$1" = update ] && exit 0\n'
        f'[ "$(grep -c download {tmp_path}/calls)" -gt 2 ] && touch "$2_1.0_all.deb"',
    )
    write_program(programs, "dpkg-deb", 'mkdir -p "$3" && cp "$2" "$3/unpacked"')
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    pauses: list[float] = []
    tree = unpack_debian("some-data", tmp_path / "work", sleep=pauses.append)
    assert (tree / "unpacked").exists()
    assert (tmp_path / "calls").read_text().split().count("download") == 3
    assert pauses == [2.0]
    assert [path.name for path in (tmp_path / "work").iterdir()] == ["some-data"]


def test_a_download_that_never_comes_ends_with_the_last_words_of_apt(tmp_path, monkeypatch):
    write_program(tmp_path, "apt-get", 'echo "E: no such package" >&2; exit 100')
    write_program(tmp_path, "dpkg-deb", "exit 0")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(SurroundingsError, match="E: no such package"):
        unpack_debian("some-data", tmp_path / "work", sleep=lambda seconds: None)


def test_a_user_who_is_not_root_is_told_to_update_the_lists(tmp_path, monkeypatch):
    write_program(tmp_path, "apt-get", 'echo "E: Unable to locate package" >&2; exit 100')
    write_program(tmp_path, "dpkg-deb", "exit 0")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(SurroundingsError, match=r"locate package .*apt-get update"):
        unpack_debian("some-data", tmp_path / "work", sleep=lambda seconds: None)


def test_a_system_without_apt_is_told_that_it_takes_debian(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SurroundingsError, match=r"apt-get is missing.*Debian only"):
        require("apt-get")


def test_a_system_with_nothing_lacks_browser_and_php(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert missing_requirements() == [
        "chromium",
        "chromium-driver",
        "npm",
        "php-cli",
        "php-gd",
        "php-intl",
        "php-mbstring",
        "php-sqlite3",
        "php-xml",
    ]


def test_the_list_for_setting_up_names_what_is_needed(monkeypatch, tmp_path):
    listed = Path(packages.__file__).with_name("apt-packages.txt").read_text().split()
    monkeypatch.setenv("PATH", str(tmp_path))
    # npm comes with Node.js, which is often there from elsewhere and in conflict with Debian's.
    assert sorted([*listed, "npm"]) == missing_requirements()


def test_php_without_a_module_is_told_which_package_brings_it(monkeypatch, tmp_path):
    write_program(tmp_path, "php", "printf '[PHP Modules]\\npdo_sqlite\\ndom\\nmbstring\\nintl\\n'")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(SurroundingsError, match=r"install-recommends php-gd\)"):
        packages.require_php()


def test_a_silent_failure_is_told_too(tmp_path):
    with pytest.raises(SurroundingsError, match="false failed: no message"):
        run(["false"], cwd=tmp_path)
