"""A browser without room, and sites that keep it waiting: told in words, and soon."""

import asyncio
import contextlib
import os
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from artgrab.common.network import NetworkSettings
from artgrab.scraper import browser
from artgrab.scraper.browser import BrowserError, PageError, chromium
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


async def test_a_site_whose_headers_drip_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """In most cases the browser goes on; where it hangs as well, a scrape takes another one."""
    need_browser()
    monkeypatch.setattr(browser, "PAGE_LOAD_SECONDS", 2)
    async with dripping() as address:
        network = NetworkSettings(resolve={"*.test": address})
        async with chromium(network) as opened:
            with pytest.raises((PageError, BrowserError), match=r"^no answer in time") as told:
                await opened.open("http://slow.test/")
            if told.type is PageError:
                assert await opened.run("return 1 + 1") == 2
