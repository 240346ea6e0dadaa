"""The cache of the demo world: a part is there or it is not, whatever happens meanwhile."""

import multiprocessing
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.waiting import WAIT_SECONDS
from tests.world.cache import cache_root, ensure_part


def fill_and_wait(root: Path) -> None:
    def fill(folder: Path) -> None:
        (folder / "half").write_text("half")
        (root / "filling").touch()
        time.sleep(60)  # until it is killed

    ensure_part(root, "part", fill)


def test_a_part_is_filled_once(tmp_path):
    fillings = []

    def fill(folder: Path) -> None:
        fillings.append(folder)
        (folder / "file").write_text("content")

    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(lambda _: ensure_part(tmp_path, "part", fill), range(4)))
    assert len(fillings) == 1
    assert set(parts) == {tmp_path / "part"}
    assert (tmp_path / "part/file").read_text() == "content"


def test_a_filling_that_fails_leaves_nothing_behind(tmp_path):
    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        ensure_part(tmp_path, "part", fail)
    assert [path.name for path in tmp_path.iterdir()] == [".part.lock"]


def test_a_killed_filling_is_begun_anew(tmp_path):
    killed = multiprocessing.get_context("spawn").Process(target=fill_and_wait, args=(tmp_path,))
    killed.start()
    deadline = time.monotonic() + WAIT_SECONDS
    while not (tmp_path / "filling").exists() and time.monotonic() < deadline:
        killed.join(0.02)
    assert killed.pid is not None
    os.kill(killed.pid, signal.SIGKILL)
    killed.join()

    def fill(folder: Path) -> None:
        (folder / "whole").write_text("whole")

    ensure_part(tmp_path, "part", fill)
    assert [path.name for path in (tmp_path / "part").iterdir()] == ["whole"]
    assert not list(tmp_path.glob(".part.new-*"))


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"ARTGRAB_CACHE": "/a", "XDG_CACHE_HOME": "/b"}, "/a"),
        ({"XDG_CACHE_HOME": "/b"}, "/b/artgrab"),
        ({"HOME": "/c"}, "/c/.cache/artgrab"),
    ],
)
def test_the_environment_says_where_the_cache_is(environment, folder, monkeypatch):
    for name in ("ARTGRAB_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert cache_root().parent == Path(folder)
