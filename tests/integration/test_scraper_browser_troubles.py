"""A browser without room, and sites that keep it waiting: told in words, and soon."""

import asyncio
import contextlib
import os
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from aiohttp import web

from artgrab.common.network import NetworkSettings
from artgrab.scraper import browser
from artgrab.scraper.browser import BrowserError, PageError, chromium
from tests.support.playing_hosts import PlayingHosts, playing_hosts
from tests.support.requirements import need, need_browser

pytestmark = [pytest.mark.timeout(180), pytest.mark.xdist_group("browser")]


@pytest.fixture
def small_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A temporary folder of one megabyte, whose path is short enough for sockets."""
    need_browser()
    need(os.geteuid() == 0, packages="mount, and be root")
    folder = tempfile.mkdtemp(prefix="art-", dir="/tmp")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=True)
    monkeypatch.setattr(tempfile, "tempdir", folder)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
        Path(folder).rmdir()


async def test_no_room_for_temporary_files_is_told_before_the_driver_waits_for_it(
    small_disk: str,
) -> None:
    with pytest.raises(BrowserError) as told:
        async with chromium(NetworkSettings()):
            pass
    assert str(told.value) == (
        f"{small_disk} has 1 MB left and the browser needs 16; make room, or let TMPDIR name "
        "another folder"
    )
    assert list(Path(small_disk).iterdir()) == []


async def test_a_machine_without_any_temporary_folder_is_told_as_that(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    need_browser()
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/proc"])
    with pytest.raises(BrowserError, match="let TMPDIR name a folder with room in it"):
        async with chromium(NetworkSettings()):
            pass


@contextlib.asynccontextmanager
async def dripping() -> AsyncIterator[str]:
    """A site that sends its headers byte by byte, for ever; yields ADDRESS:PORT."""

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        with contextlib.suppress(ConnectionError):
            while not reader.at_eof():
                writer.write(b"a")
                await writer.drain()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(reader.read(4096), 0.1)
        writer.close()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def test_a_site_whose_headers_drip_is_left_in_time_and_the_browser_goes_on() -> None:
    need_browser()
    async with dripping() as address, playing_hosts() as hosts:
        hosts.put("http://good.test/", b"<p>hello", headers={"Content-Type": "text/html"})
        resolve = {"slow.test": address, **hosts.network.resolve}
        network = NetworkSettings(resolve=resolve, page_seconds=1.0)
        async with chromium(network) as opened:
            for _ in range(3):
                with pytest.raises(PageError, match=r"^no answer in time$"):
                    await opened.open("http://slow.test/")
                assert await opened.open("http://good.test/") == 200
                assert b"hello" in await opened.html()


async def test_a_page_whose_html_drips_is_left_in_time_as_well(hosts: PlayingHosts) -> None:
    need_browser()
    hosts.handle("http://slow.test/", _endless)
    async with chromium(hosts.network.model_copy(update={"page_seconds": 1.0})) as opened:
        with pytest.raises(PageError, match=r"^no answer in time$"):
            await opened.open("http://slow.test/")
        assert await opened.run("return 1 + 1") == 2


async def _endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/html"})
    await response.prepare(request)
    with contextlib.suppress(ConnectionError):
        while True:
            await response.write(b"<p>more</p>" * 100)
            await asyncio.sleep(0.1)  # what this site is made to do
    return response


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 204},
        {"body": b"PK", "headers": {"Content-Disposition": "attachment; filename=a.zip"}},
    ],
    ids=["nothing", "download"],
)
async def test_an_answer_that_is_no_page_is_told_as_that_and_soon(
    hosts: PlayingHosts, answer: dict[str, Any]
) -> None:
    need_browser()
    hosts.put("http://odd.test/", **answer)
    hosts.put("http://good.test/", b"<p>hello", headers={"Content-Type": "text/html"})
    async with chromium(hosts.network) as opened:
        with pytest.raises(PageError, match="its answer is no page"):
            await opened.open("http://odd.test/")
        assert await opened.open("http://good.test/") == 200


async def test_another_place_of_the_page_that_is_open_is_opened_too(hosts: PlayingHosts) -> None:
    need_browser()
    script = b"<p id=q></p><script>onhashchange = () => q.textContent = location.hash</script>"
    hosts.put("http://app.test/", script, headers={"Content-Type": "text/html"})
    async with chromium(hosts.network) as opened:
        await opened.open("http://app.test/#cats")
        assert await opened.open("http://app.test/#dogs") == 200
        assert b"#dogs" in await opened.html()
        assert await opened.address() == "http://app.test/#dogs"
    assert hosts.asked("http://app.test/") == 1


async def test_a_browser_that_hangs_is_told_in_time(
    monkeypatch: pytest.MonkeyPatch, hosts: PlayingHosts
) -> None:
    need_browser()
    monkeypatch.setattr(browser, "SCRIPT_SECONDS", 1.0)
    monkeypatch.setattr(browser, "PATIENCE_SECONDS", 1.0)
    async with chromium(hosts.network.model_copy(update={"page_seconds": 1.0})) as opened:
        for process in psutil.Process().children(recursive=True):
            if process.name() == "chromedriver":
                process.suspend()
        with pytest.raises(BrowserError, match="no answer in time, and the browser hangs"):
            await opened.open("http://good.test/")
