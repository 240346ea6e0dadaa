"""The browser as processes: who is running, what is left behind, what is said where it lacks."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from artgrab.common.network import NetworkSettings
from artgrab.scraper.browser import (
    Browser,
    BrowserError,
    chromium,
    remove_leftovers,
)
from artgrab.scraper.browser_options import browser_options
from tests.support.requirements import need_browser
from tests.support.waiting import eventually

pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("browser")]

_HOLDER = """
import asyncio, sys
from artgrab.common.network import NetworkSettings
from artgrab.scraper.browser import chromium

async def main():
    async with chromium(NetworkSettings()) as browser:
        await browser.open("data:text/html,hello")
        print("ready", flush=True)
        await asyncio.sleep(3600)

asyncio.run(main())
"""


def _processes(folder: Path) -> list[psutil.Process]:
    """Return the processes whose command line or environment names the folder."""
    found = []
    for process in psutil.process_iter():
        try:
            told = " ".join(process.cmdline())
            if str(folder) in told or str(folder) in process.environ().get("TMPDIR", ""):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return found


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of this test for all temporary files; its path is short, as sockets go there."""
    need_browser()
    with tempfile.TemporaryDirectory(prefix="art-", dir="/tmp") as folder:
        monkeypatch.setenv("TMPDIR", folder)
        monkeypatch.setattr(tempfile, "tempdir", None)
        yield Path(folder)


def _files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_nothing_is_left_of_a_browser_that_was_closed(temporary: Path) -> None:
    async with chromium(NetworkSettings()) as browser:
        await browser.open("data:text/html,<title>hello</title>")
        assert b"hello" in await browser.html()
        assert len(_processes(temporary)) > 3
    assert _processes(temporary) == []
    assert _files(temporary) == []


async def test_nothing_is_left_when_the_scrape_is_cancelled(temporary: Path) -> None:
    async def hold() -> None:
        async with chromium(NetworkSettings()) as browser:
            await browser.open("data:text/html,hello")
            await browser.run("await new Promise(() => {})")

    task = asyncio.create_task(hold())
    await eventually(lambda: task.done() or len(_processes(temporary)) > 3)
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await eventually(lambda: not _processes(temporary) and not _files(temporary))


async def test_nothing_is_left_when_our_process_is_killed(temporary: Path) -> None:
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _HOLDER, stdout=asyncio.subprocess.PIPE
    )
    assert holder.stdout is not None
    try:
        assert await holder.stdout.readline() == b"ready\n"
        names = {process.name() for process in _processes(temporary)}
        assert {"chromedriver", "chromium"} <= names
    finally:
        holder.send_signal(signal.SIGKILL)
        await holder.wait()
    await eventually(lambda: not _processes(temporary) and not _files(temporary))


async def test_a_browser_that_crashes_is_an_error_of_the_browser(temporary: Path) -> None:
    async with chromium(NetworkSettings()) as browser:
        await browser.open("data:text/html,hello")
        for process in _processes(temporary):
            if process.name() == "chromium":
                process.kill()
        with pytest.raises(BrowserError):
            await browser.html()
    assert _processes(temporary) == []


def _kill(folder: Path, word: str) -> None:
    """Kill the processes with a word as their program or in their options."""
    found = [one for one in _processes(folder) if word in (one.name(), *_words(one))]
    assert found
    for process in found:
        process.kill()


def _words(process: psutil.Process) -> list[str]:
    command = process.cmdline()
    return command if "artgrab.scraper.guardian" not in command else ["artgrab.scraper.guardian"]


@pytest.mark.parametrize("word", ["artgrab.scraper.guardian", "chromedriver", "--type=renderer"])
async def test_the_death_of_any_process_of_a_browser_is_noticed_and_nothing_is_left(
    temporary: Path, word: str
) -> None:
    async with chromium(NetworkSettings()) as browser:
        await browser.open("data:text/html,hello")
        _kill(temporary, word)
        with pytest.raises(BrowserError):
            await _use_until_it_breaks(browser)
    assert _processes(temporary) == []
    assert _files(temporary) == []


async def _use_until_it_breaks(browser: Browser) -> None:
    async with asyncio.timeout(60):
        while True:
            await browser.html()


async def test_what_a_killed_guardian_and_its_killed_owner_leave_is_ended_by_the_next_browser(
    temporary: Path,
) -> None:
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _HOLDER, stdout=asyncio.subprocess.PIPE
    )
    assert holder.stdout is not None
    assert await holder.stdout.readline() == b"ready\n"
    holder.send_signal(signal.SIGSTOP)  # so that it cannot clear away after the guardian
    _kill(temporary, "artgrab.scraper.guardian")
    holder.kill()
    await holder.wait()
    assert "chromium" in {process.name() for process in _processes(temporary)}
    async with chromium(NetworkSettings()):
        assert not any(str(holder.pid) in str(path) for path in _files(temporary))
    await eventually(lambda: not _processes(temporary) and not _files(temporary))


def test_profiles_whose_owner_is_gone_are_removed_and_no_others(tmp_path: Path) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    kept = [f"artgrab-chromium-{os.getpid()}-x", "artgrab-chromium-x", "artgrab-other", "chromium"]
    for name in [f"artgrab-chromium-{gone.pid}-x", *kept]:
        (tmp_path / name / "profile").mkdir(parents=True)
    target = tmp_path / "chromium"
    (tmp_path / f"artgrab-chromium-{gone.pid}-link").symlink_to(target)
    remove_leftovers(tmp_path)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {*kept, f"artgrab-chromium-{gone.pid}-link"}
    assert (target / "profile").is_dir()


async def test_a_missing_browser_is_told_with_the_packages_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BrowserError, match="apt-get install chromium chromium-driver"):
        async with chromium(NetworkSettings()):
            pass


@pytest.mark.parametrize(
    ("driver", "complaint"),
    [
        ("exit 1", "chromedriver does not start: it says nothing"),
        ("echo Hello.; echo No room. >&2; exit 1", "chromedriver does not start: No room."),
        ("echo ChromeDriver was started successfully on port 1.; sleep 600", "does not start"),
    ],
)
async def test_a_browser_that_does_not_start_is_told_in_one_sentence(
    temporary: Path, monkeypatch: pytest.MonkeyPatch, driver: str, complaint: str
) -> None:
    programs = temporary / "programs"
    programs.mkdir()
    for name, script in (("chromedriver", driver), ("chromium", "exit 1")):
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(BrowserError, match=complaint) as caught:
        async with chromium(NetworkSettings()):
            pass
    assert "\n" not in str(caught.value)
    assert _files(temporary) == ["programs"]
    assert _processes(programs) == []


async def test_a_driver_whose_port_is_taken_is_started_again(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_browser()
    driver = shutil.which("chromedriver")
    programs = temporary / "programs"
    programs.mkdir()
    (programs / "chromedriver").write_text(
        f"#!/bin/sh\nmkdir {programs}/first || exec {driver} $*\n"
        "echo IPv4 port not available. Exiting...; exit 1\n"
    )
    (programs / "chromedriver").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    async with chromium(NetworkSettings()):
        assert (programs / "first").is_dir()


async def test_the_browser_sees_neither_our_secrets_nor_our_proxies(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "do-not-tell")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    async with chromium(NetworkSettings()):
        environments = [process.environ() for process in _processes(temporary)]
    assert environments
    for environment in environments:
        assert "do-not-tell" not in environment.values()
        assert "HTTP_PROXY" not in environment


def test_hosts_are_mapped_as_the_settings_say_and_we_name_ourselves() -> None:
    network = NetworkSettings(
        resolve={"*.test": "127.0.0.1:81", "x.example": "[::1]:82"}, contact="https://me.example"
    )
    options = browser_options(network, binary="/usr/bin/chromium", profile="/nowhere")
    assert (
        "--host-resolver-rules=MAP *.test 127.0.0.1:81, MAP x.example [::1]:82" in options.arguments
    )
    (agent,) = [flag for flag in options.arguments if flag.startswith("--user-agent=")]
    assert agent.endswith(network.user_agent)


@pytest.mark.parametrize(("setting", "given_up"), [("on", False), ("off", True)])
def test_the_sandbox_is_given_up_where_the_settings_say_so(
    setting: str, given_up: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARTGRAB_BROWSER_SANDBOX", setting)
    options = browser_options(NetworkSettings(), binary="/usr/bin/chromium", profile="/nowhere")
    assert ("--no-sandbox" in options.arguments) == given_up


async def test_a_full_or_closed_disk_is_told_as_that(monkeypatch: pytest.MonkeyPatch) -> None:
    need_browser()
    monkeypatch.setattr(tempfile, "tempdir", "/proc")  # takes no folders, whoever asks
    with pytest.raises(BrowserError, match="/proc takes no files"):
        async with chromium(NetworkSettings()):
            pass
