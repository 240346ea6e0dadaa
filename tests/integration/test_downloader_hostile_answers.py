"""Servers that do not speak HTTP as they should: each ends in time, with a reason, in bounds."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import psutil
import pytest

from artgrab.common.network import NetworkSettings
from artgrab.downloader.errors import FetchError
from artgrab.downloader.fetch import open_web
from artgrab.downloader.settings import DownloaderSettings
from tests.support.hostile.behaviours import OK
from tests.support.playing_hosts import PlayingHosts, network_of
from tests.support.waiting import WAIT_SECONDS

SETTINGS = DownloaderSettings(total_seconds=1.5, max_source_bytes=100_000)
PATIENT = SETTINGS.model_copy(update={"total_seconds": 60.0})
"""Where it is not the time that ends it, however busy the machine is."""


@asynccontextmanager
async def answering(begin: bytes, endlessly: bytes) -> AsyncIterator[NetworkSettings]:
    """Serve these bytes to whoever asks, the second ones again and again."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        answers.add(task)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(begin)
            await writer.drain()
            while endlessly:
                writer.write(endlessly)
                await writer.drain()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    answers: set[asyncio.Task[None]] = set()
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        yield network_of(port)
        await asyncio.wait_for(asyncio.gather(*answers), WAIT_SECONDS)


@pytest.mark.parametrize(
    ("begin", "endlessly", "reason"),
    [
        (b"", b"", "reset"),
        (b"hello\r\n\r\n", b"", "bad-answer"),
        (b"\xff\xd8\xff" * 1000, b"", "bad-answer"),
        (b"HTTP/1.1 200 " + b"a" * 100_000 + b"\r\n\r\n", b"", "bad-answer"),
        (OK + b"X: " + b"a" * 100_000 + b"\r\n\r\n", b"", "bad-answer"),
        (OK + b"X: \0\r\n\r\n", b"", "bad-answer"),
        (OK, b"X: aaaaaaaaaa\r\n" * 1000, "bad-answer"),
        (OK + b"X: ", b"a" * 10_000, "bad-answer"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 50, "too-large"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n1;", b"a" * 9999, "too-large"),
        (OK + b"Content-Length: -1\r\n\r\n", b"", "bad-answer"),
        (OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", b"", "bad-answer"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", b"", "bad-answer"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\nffffffffff\r\n", b"a" * 9999, "too-large"),
        (OK + b"\r\n", b"a" * 9999, "too-large"),
        (OK + b"Content-Length: 99\r\n\r\nabc", b"", "cut-off"),
        (OK + b"Content-Length: 3\r\nContent-Encoding: gzip\r\n\r\nabc", b"", "cut-off"),
    ],
)
async def test_an_answer_against_the_rules_ends_with_a_reason(
    begin: bytes, endlessly: bytes, reason: str
) -> None:
    async with answering(begin, endlessly) as network, open_web(PATIENT, network) as web:
        with pytest.raises(FetchError) as caught:
            async with web.get("http://a.test/a.jpg") as reply:
                await reply.read()
    assert caught.value.reason == reason


async def test_a_server_without_tls_behind_https_is_a_passing_failure() -> None:
    async with answering(b"", b"") as network, open_web(SETTINGS, network) as web:
        with pytest.raises(FetchError) as caught:
            async with web.get("https://a.test/a.jpg"):
                pass
    assert caught.value.reason in {"tls", "timeout", "connect-timeout", "reset", "connect"}
    assert caught.value.passing


async def test_a_site_of_many_names_does_not_use_up_the_files_that_may_be_open(
    hosts: PlayingHosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 256 take a busy machine long
    monkeypatch.setattr("artgrab.downloader.connections._MAX_IDLE", 16)
    async with open_web(SETTINGS, hosts.network) as web:
        for number in range(40):
            async with web.get(f"http://name-{number}.a.test/") as reply:
                await reply.read()
        connected = [one for one in psutil.Process().net_connections("tcp4") if one.raddr]
        ours = [one for one in connected if one.raddr.port == hosts.port]
    assert 8 < len(ours) < 24
