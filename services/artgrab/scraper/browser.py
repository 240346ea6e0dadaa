"""A headless Chromium that leaves nothing behind, however this process ends."""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

from selenium import webdriver
from selenium.common import exceptions
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.common.proxy import Proxy
from selenium.webdriver.remote.client_config import ClientConfig
from selenium.webdriver.support.wait import WebDriverWait
from urllib3.exceptions import HTTPError, ReadTimeoutError

from artgrab.common.errors import SurroundingsError
from artgrab.common.network import NetworkSettings
from artgrab.common.processes import end_those_at_home
from artgrab.scraper.browser_options import browser_options
from artgrab.scraper.browser_programs import BrowserMissingError, find_programs, mismatch

SCRIPT_SECONDS = 30.0
PATIENCE_SECONDS = 30.0
"""Beyond the limits of pages and scripts: so late a driver may answer before it is given up."""
_START_SECONDS = 75
"""On a busy machine."""
_IDLE_SECONDS = 2.0
"""So long the former page answers where nothing is being opened (an empty answer, a download)."""
_LOOK_SECONDS = 0.05
_EMPTY_PAGE = "data:text/html,"
_MAX_PAGE_LENGTH = 32_000_000
"""Characters; a page of 20,000 pictures has about 10 million."""
_END_SECONDS = 20
_LONGEST_PATH = 30
_ROOM_BYTES = 16_000_000
"""A profile takes 2 MB (measured, Chromium 156); without room the driver waits for ever."""
_PROFILE_PREFIX = "artgrab-chromium-"


class BrowserError(SurroundingsError):
    """The browser is missing, does not start, or broke down."""


class PageError(SurroundingsError):
    """A page could not be opened in the time it was given."""


class Browser(Protocol):
    """One window; its calls must not overlap."""

    async def open(self, url: str) -> int:
        """Load a page and return its HTTP status (0 where the browser does not tell).

        Raises:
            PageError: the site does not answer, or not in time.
            BrowserError: the browser broke down.
        """
        ...

    async def run(self, script: str, *arguments: object) -> Any:
        """Run the body of an asynchronous JavaScript function and return its result.

        Raises:
            PageError: the script failed or took too long, or the page was left meanwhile.
            BrowserError: the browser broke down.
        """
        ...

    async def html(self) -> bytes:
        """Return the page as it is now, in UTF-8, cut at 32 million characters.

        Raises:
            PageError: a script of the page hinders us.
            BrowserError: the browser broke down.
        """
        ...

    async def address(self) -> str:
        """Return the URL of the page that is open.

        Raises:
            PageError: a script of the page hinders us.
            BrowserError: the browser broke down.
        """
        ...


BrowserFactory = Callable[[NetworkSettings], AbstractAsyncContextManager[Browser]]


class ChromiumBrowser:
    """Chromium behind chromedriver; each call runs in a thread, as selenium blocks."""

    def __init__(
        self,
        driver: webdriver.Remote,
        *,
        page_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._driver = driver
        self._page_seconds = page_seconds
        self._clock = clock

    async def open(self, url: str) -> int:
        former = await self._shown()
        await self._call(self._driver.get, url)  # only begins: see browser_options
        failure = await self._opening(former)
        await self._call(self._driver.set_script_timeout, SCRIPT_SECONDS)
        if failure:
            await self._call(_command, self._driver, "Page.stopLoading", {})
            raise PageError(failure)
        match await self.run(_STATUS_SCRIPT):
            case [int() | None as status, None | False]:
                return status or 0
            case [_, str() as failure]:
                raise PageError(_first_line(failure))
        raise PageError("a script of the page hinders us")

    async def _opening(self, former: object) -> str:
        """Wait until another page than the former is there, as far as its own HTML goes.

        Chromium runs no script while it opens a page: whichever answers is the one that is shown.

        Returns:
            Why there is none; empty where there is.
        """
        begun = idle_since = self._clock()
        while (left := begun + self._page_seconds - self._clock()) > 0:
            await self._call(self._driver.set_script_timeout, left)
            shown = await self._shown()
            if shown not in (None, former):
                return ""
            if shown is None:  # it was replaced at this moment, or is not there in time
                idle_since = self._clock()
            if self._clock() - idle_since > _IDLE_SECONDS:
                return "its answer is no page"
            await asyncio.sleep(_LOOK_SECONDS)
        return "no answer in time"

    async def _shown(self) -> object:
        """Return what tells a page from all others; None where it does not answer."""
        try:
            return await self.run(_SHOWN_SCRIPT)
        except PageError:
            return None

    async def run(self, script: str, *arguments: object) -> Any:
        body = f"return (async function() {{ {script} }}).apply(null, arguments)"
        return await self._call(self._driver.execute_script, body, *arguments)

    async def html(self) -> bytes:
        source = await self.run(_HTML_SCRIPT, _MAX_PAGE_LENGTH)
        return str(source)[:_MAX_PAGE_LENGTH].encode("utf-8", errors="replace")

    async def address(self) -> str:
        return str(await self.run("return location.href"))

    @staticmethod
    async def _call(function: Callable[..., Any], *arguments: object) -> Any:
        try:
            return await asyncio.to_thread(function, *arguments)
        except _PAGE_FAILURES as error:
            raise PageError(_message(error)) from error
        except exceptions.WebDriverException as error:
            raise BrowserError(_message(error)) from error
        except ReadTimeoutError as error:
            raise BrowserError("no answer in time, and the browser hangs") from error
        except (HTTPError, OSError) as error:
            raise BrowserError(f"the browser broke down ({type(error).__name__})") from error


_SHOWN_SCRIPT = """
if (document.readyState === 'loading')
  await new Promise(resolve => document.addEventListener('DOMContentLoaded', resolve));
return [String(performance?.timeOrigin), location.href];
"""
_HTML_SCRIPT = "return document.documentElement?.outerHTML.slice(0, arguments[0]) ?? ''"
_PENDING_SCRIPT = """
window.artgrabPending = 0;
const begin = () => { window.artgrabPending++ };
// What was loaded still has to be shown.
const end = () => setTimeout(() => { window.artgrabPending-- }, 300);
const {fetch} = window, {send} = XMLHttpRequest.prototype;
window.fetch = function (...request) {
  begin();
  const answer = fetch.apply(this, request);
  answer.then(end, end);
  return answer;
};
XMLHttpRequest.prototype.send = function (...body) {
  begin();
  this.addEventListener('loadend', end, {once: true});
  return send.apply(this, body);
};
"""
"""Runs in each page before its own scripts: counts, in window.artgrabPending, what they load."""
# Where nothing answers, Chromium shows a page of its own instead.
_STATUS_SCRIPT = """
const failed = location.protocol === 'chrome-error:';
return [
  performance.getEntriesByType('navigation')[0]?.responseStatus,
  failed && (document.querySelector('.error-code')?.textContent || 'no answer'),
];
"""
_PAGE_FAILURES = (exceptions.TimeoutException, exceptions.JavascriptException)


@asynccontextmanager
async def chromium(network: NetworkSettings) -> AsyncIterator[Browser]:
    """Start Debian's Chromium on a profile of its own and end it, with all that belongs to it.

    Raises:
        BrowserError: it is not installed, or does not start.
    """
    browser, driver = _programs()
    parent = _temporary_folder()
    await asyncio.to_thread(remove_leftovers, Path(parent))
    folder, guardian = _prepare(parent, driver)
    session: webdriver.Remote | None = None
    try:
        port = await asyncio.to_thread(_port, guardian)
        options = browser_options(network, binary=browser, profile=f"{folder}/profile")
        limit = int(max(network.page_seconds, SCRIPT_SECONDS) + PATIENCE_SECONDS)
        session = await asyncio.to_thread(_start_session, port, options, driver, limit)
        yield ChromiumBrowser(session, page_seconds=network.page_seconds)
    finally:
        await asyncio.shield(asyncio.to_thread(_end, guardian, session, folder))


def remove_leftovers(folder: Path) -> None:
    """Remove our profiles whose owner is gone, such as after a power cut, and end who uses them."""
    for profile in folder.glob(f"{_PROFILE_PREFIX}*"):
        owner = profile.name.removeprefix(_PROFILE_PREFIX).partition("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists() and not profile.is_symlink():
            end_those_at_home(str(profile))
            shutil.rmtree(profile, ignore_errors=True)


def _temporary_folder() -> str:
    """Return the folder for temporary files, or /tmp where its path is long.

    Chromium puts a socket 77 characters deeper, and the path of a socket ends at 107 (unix(7)).
    """
    try:
        folder = tempfile.gettempdir()
    except OSError as error:
        raise BrowserError(f"{error.strerror}; let TMPDIR name a folder with room in it") from error
    return folder if len(folder) <= _LONGEST_PATH else "/tmp"  # noqa: S108 - mkdtemp goes below


def _programs() -> tuple[str, str]:
    try:
        return find_programs()
    except BrowserMissingError as error:
        raise BrowserError(str(error)) from error


def _prepare(parent: str, driver: str) -> tuple[str, subprocess.Popen[bytes]]:
    try:
        room = shutil.disk_usage(parent).free
        folder = tempfile.mkdtemp(prefix=f"{_PROFILE_PREFIX}{os.getpid()}-", dir=parent)
    except OSError as error:
        raise BrowserError(f"{parent} takes no files of the browser: {error.strerror}") from error
    if room < _ROOM_BYTES:
        os.rmdir(folder)
        raise BrowserError(
            f"{parent} has {room // 1_000_000} MB left and the browser needs "
            f"{_ROOM_BYTES // 1_000_000}; make room, or let TMPDIR name another folder"
        )
    try:
        return folder, _start_guardian(folder, driver)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise BrowserError(f"no process can be started for it: {error.strerror}") from error


def _start_guardian(folder: str, driver: str) -> subprocess.Popen[bytes]:
    # Neither our secrets nor the environment's proxies are any business of the browser.
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": folder, "TMPDIR": folder}
    command = [sys.executable, "-I", "-m", "artgrab.scraper.guardian", folder, driver, "--port=0"]
    return subprocess.Popen(  # noqa: S603 - our own command line
        command,
        env=environment | {"LANG": "C.UTF-8"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for us, who end it in order
    )


def _port(guardian: subprocess.Popen[bytes]) -> int:
    assert guardian.stdout is not None
    line = guardian.stdout.readline().decode(errors="replace").strip()
    if not line.isdecimal():
        raise BrowserError(
            f"chromedriver does not start: {line or 'it says nothing'}; run `chromedriver` to see"
        )
    return int(line)


def _start_session(port: int, options: Options, driver: str, limit: int) -> webdriver.Remote:
    """Return the session of a browser; each of its calls may take as many seconds as the limit."""
    address = f"http://127.0.0.1:{port}"
    direct = Proxy(raw={"proxyType": "DIRECT"})
    config = ClientConfig(address, proxy=direct, timeout=_START_SECONDS)
    try:
        session = webdriver.Remote(address, options=options, client_config=config)
        source = f"(() => {{ {_PENDING_SCRIPT} }})()"
        _command(session, "Page.addScriptToEvaluateOnNewDocument", {"source": source})
        _leave_first_page(session)
        session.set_script_timeout(SCRIPT_SECONDS)
    except exceptions.SessionNotCreatedException as error:
        complaint = mismatch(options.binary_location, driver) or (
            f"{_message(error)}; chromium and chromium-driver must be of one version, TMPDIR must "
            "have room, and ARTGRAB_BROWSER_SANDBOX=on needs user namespaces, and not to be root"
        )
        raise BrowserError(f"Chromium does not start: {complaint}") from error
    except (exceptions.WebDriverException, HTTPError, OSError) as error:
        raise BrowserError(f"Chromium does not start: {_message(error)}") from error
    config.timeout = limit
    return session


def _leave_first_page(session: webdriver.Remote) -> None:
    """Show an empty page: what Chromium opens at its start would be taken for what it is asked."""
    session.get(_EMPTY_PAGE)
    waiting = WebDriverWait(
        session, _START_SECONDS, _LOOK_SECONDS, ignored_exceptions=(exceptions.JavascriptException,)
    )
    waiting.until(lambda opened: opened.execute_script("return location.href") == _EMPTY_PAGE)


def _command(session: webdriver.Remote, name: str, parameters: dict[str, Any]) -> None:
    """Give a command of the DevTools protocol."""
    session.execute("executeCdpCommand", {"cmd": name, "params": parameters})


def _end(guardian: subprocess.Popen[bytes], session: webdriver.Remote | None, folder: str) -> None:
    if session is not None and not isinstance(session.command_executor, str):
        session.command_executor.close()
    guardian.terminate()
    try:
        guardian.communicate(timeout=_END_SECONDS)
    except subprocess.TimeoutExpired:
        guardian.kill()
        guardian.communicate()
    if guardian.returncode != 0:  # killed: what it watched over lives on
        end_those_at_home(folder)
    shutil.rmtree(folder, ignore_errors=True)


def _message(error: BaseException) -> str:
    if isinstance(error, exceptions.TimeoutException):
        return "no answer in time"
    return _first_line(str(getattr(error, "msg", None) or error)) or type(error).__name__


def _first_line(text: str) -> str:
    """Return a line that is safe to show: pages can choose what their errors say."""
    line = text.partition("\n")[0][:300]
    return "".join(character if character.isprintable() else " " for character in line).strip()
