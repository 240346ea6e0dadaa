"""Which connections to sites are used again, and which are never."""

import asyncio
import gc
import ipaddress
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import uvloop

from artgrab.common.network import NetworkSettings
from artgrab.common.resolving import AddrInfo, Names
from artgrab.downloader.connections import Connection, Connections
from artgrab.downloader.errors import FetchError
from artgrab.downloader.fetch import Web, open_web
from artgrab.downloader.guard import Guard
from artgrab.downloader.settings import DownloaderSettings
from tests.support.certificates import make_authority
from tests.support.hostile.behaviours import CHUNKED, OK, answer
from tests.support.playing_hosts import network_of
from tests.support.waiting import WAIT_SECONDS, eventually

SETTINGS = DownloaderSettings()
URL = "http://a.test/a.jpg"
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter, int], Awaitable[None]]


class Site:
    """Answers each connection by a function that is told its number, and remembers how they end."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self.connections = 0
        self.ended = 0
        self.network = NetworkSettings()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self._talk(reader, writer, self.connections)
            await reader.read()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.ended += 1
            writer.close()


@asynccontextmanager
async def serving(talk: Talk, tls: ssl.SSLContext | None = None) -> AsyncIterator[Site]:
    site = Site(talk)
    server = await asyncio.start_server(site.serve, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    site.network = network_of(port)
    async with server:
        yield site
        await eventually(lambda: site.ended == site.connections)


def saying(*answers: bytes) -> Talk:
    """Give one answer after the other on each connection."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: int) -> None:
        for one in answers:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(one)

    return talk


async def read(web: Web, url: str = URL) -> bytes:
    async with web.get(url) as reply:
        return bytes(await reply.read())


async def test_a_connection_is_used_again_for_the_same_host_and_for_no_other() -> None:
    async with (
        serving(saying(answer(b"one"), answer(b"two"))) as site,
        open_web(SETTINGS, site.network) as web,
    ):
        assert await read(web) == b"one"
        assert await read(web, "http://b.test/a.jpg") == b"one"
        assert await read(web) == b"two"
        assert site.connections == 2


async def test_two_at_once_have_a_connection_each() -> None:
    async with (
        serving(saying(answer(b"one"), answer(b"two"))) as site,
        open_web(SETTINGS, site.network) as web,
    ):
        for said in (b"one", b"two"):
            answers = await asyncio.gather(*(read(web) for _ in range(2)))
            assert answers == [said, said]
        assert site.connections == 2


async def test_a_site_that_closes_a_kept_connection_when_it_is_asked_is_asked_anew() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        await saying(answer(b"%d" % number))(reader, writer, number)
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()

    async with serving(talk) as site, open_web(SETTINGS, site.network) as web:
        assert [await read(web) for _ in range(3)] == [b"1", b"2", b"3"]


async def test_a_site_that_closes_without_an_answer_is_asked_once() -> None:
    async def close(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int
    ) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async with serving(close) as site, open_web(SETTINGS, site.network) as web:
        with pytest.raises(FetchError, match="reset"):
            await read(web)
        assert site.connections == 1


@pytest.mark.parametrize(
    "says",
    [
        answer(b"right") + answer(b"wrong"),
        answer(b"r" * 200_000) + answer(b"wrong"),
        answer(b"right", "Connection: close"),
        answer(b"right").replace(b"HTTP/1.1", b"HTTP/1.0"),
        CHUNKED + b"5\r\nright\r\n0\r\n\r\nHTTP/1.1 2",
        b"HTTP/1.1 101 Go\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    ],
)
async def test_nothing_follows_an_answer_that_was_the_last_or_had_something_behind_it(
    says: bytes,
) -> None:
    async with serving(saying(says, answer(b""))) as site:
        async with open_web(SETTINGS, site.network) as web:
            answers = [await read(web) for _ in range(2)]
        assert answers[0] == answers[1] != b"wrong"
        assert site.connections == 2


async def test_what_comes_before_it_was_asked_for_ends_the_connection() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        await saying(answer(b"right"))(reader, writer, number)
        await gone.wait()
        writer.write(answer(b"wrong"))

    gone = asyncio.Event()
    async with serving(talk) as site, open_web(SETTINGS, site.network) as web:
        assert await read(web) == b"right"
        gone.set()
        await eventually(lambda: site.ended == 1)
        assert await read(web) == b"right"
        assert site.connections == 2


async def test_a_connection_is_not_kept_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("artgrab.downloader.connections._KEEPALIVE_SECONDS", 0.05)
    async with (
        serving(saying(answer(b"one"), answer(b"two"))) as site,
        open_web(SETTINGS, site.network) as web,
    ):
        assert await read(web) == b"one"
        await eventually(lambda: site.ended == 1)
        assert await read(web) == b"one"


async def test_a_body_that_nobody_reads_is_left_where_it_is() -> None:
    sent = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 50000000\r\n\r\n")
        while sent < 50_000_000:
            writer.write(bytes(65536))
            await writer.drain()
            sent += 65536

    async with serving(talk) as site, open_web(SETTINGS, site.network) as web:
        async with web.get(URL) as reply:
            assert reply.status == 404
        await eventually(lambda: site.ended == 1)
    assert sent < 20_000_000  # what the system's buffers take


async def test_a_reading_that_is_given_up_ends_its_connection() -> None:
    half = answer(b"whole")[:-2]
    async with serving(saying(half)) as site, open_web(SETTINGS, site.network) as web:
        reading = asyncio.create_task(read(web))
        await eventually(lambda: site.connections == 1)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        await eventually(lambda: site.ended == 1)


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """What a site needs that a.test is the name of."""
    authority = make_authority(tmp_path / "authority")
    pair = authority.issue(tmp_path / "site", names="DNS:a.test")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pair.certificate, pair.key)
    return context


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_a_picture_of_any_length_comes_whole_by_tls_on_every_loop(
    run: Callable[[Coroutine[Any, Any, None]], None], tls: ssl.SSLContext
) -> None:
    small, large = bytes(range(256)) * 400, bytes(range(256)) * 15_000
    chunks = CHUNKED + b"%x\r\n%s\r\n0\r\n\r\n"

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        answers = answer(small), answer(large), chunks % (len(large), large)
        await saying(*answers, OK + b"\r\n" + large)(reader, writer, number)
        writer.close()

    async def main() -> None:
        async with serving(talk, tls) as site:
            url = f"https://a.test:{site.network.resolve['*.test'].rpartition(':')[2]}/a.jpg"
            async with open_web(SETTINGS, site.network) as web:
                assert [await read(web, url) for _ in range(4)] == [small, large, large, large]
            assert site.connections == 1

    run(main())


@contextmanager
def closing(says: bytes, tls: ssl.SSLContext) -> Iterator[int]:
    """Serve from threads: each connection says this and is closed at once; yield the port."""

    def answer(plain: socket.socket) -> None:
        with plain, suppress(OSError), tls.wrap_socket(plain, server_side=True) as one:
            one.recv(65536)
            one.sendall(says)
            one.setblocking(False)
            one.unwrap()  # says that it ends, and waits for no answer

    def serve() -> None:
        with suppress(OSError):
            while True:
                answer(listening.accept()[0])

    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = threading.Thread(target=serve)
        serving.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        serving.join()


@pytest.mark.parametrize("count", [100_000, 600_000])
@pytest.mark.parametrize("framing", ["announced", "chunked", "unannounced"])
@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_a_picture_comes_whole_by_tls_where_the_site_closes_behind_it(
    run: Callable[[Coroutine[Any, Any, None]], None],
    framing: str,
    count: int,
    tls: ssl.SSLContext,
) -> None:
    body = bytes(range(256)) * (count // 256)
    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
    says = {
        "announced": head + b"Content-Length: %d\r\n\r\n%s" % (len(body), body),
        "chunked": head
        + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body),
        "unannounced": head + b"\r\n" + body,
    }[framing]

    async def main(port: int) -> None:
        async with open_web(SETTINGS, network_of(port)) as web:
            for _ in range(4):
                assert await read(web, f"https://a.test:{port}/a.jpg") == body

    with closing(says, tls) as port:
        run(main(port))


async def test_connections_that_failed_are_gone_without_a_collector_of_cycles() -> None:
    def alive() -> int:
        # Not isinstance: it asks objects for their class, which torch warns of in some of its own.
        return sum(type(one) is Connection for one in gc.get_objects())

    async def tear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        await saying(answer(b"whole")[:-2])(reader, writer, number)
        writer.close()

    gc.collect()
    before = alive()
    gc.disable()
    try:
        async with serving(tear) as site, open_web(SETTINGS, site.network) as web:
            for _ in range(5):
                with pytest.raises(FetchError, match="cut-off"):
                    await read(web)
        await eventually(lambda: alive() <= before)
    finally:
        gc.enable()


class Told(Names):
    """Names that have these addresses."""

    def __init__(self, *addresses: tuple[str, int]) -> None:
        super().__init__(NetworkSettings())
        self._addresses = addresses

    async def look_up(self, host: str, port: int) -> list[AddrInfo]:
        return [_info(*address) for address in self._addresses]


def _info(host: str, port: int) -> AddrInfo:
    family = socket.AF_INET if ipaddress.ip_address(host).version == 4 else socket.AF_INET6
    return family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port)


@pytest.fixture
def unused_port() -> Iterator[int]:
    """Hold a port at which nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


async def test_another_address_is_tried_where_one_does_not_answer(unused_port: int) -> None:
    async with serving(saying(answer(b"one"))) as site:
        port = int(site.network.resolve["*.test"].rpartition(":")[2])
        guard = Guard(
            NetworkSettings(allowed_targets=[f"127.0.0.1/32:{port}", f"127.0.0.1/32:{unused_port}"])
        )
        names = Told(("127.0.0.1", unused_port), ("127.0.0.1", port))
        connections = Connections(SETTINGS, guard, names)
        web = Web(connections, guard, SETTINGS, user_agent="test")
        async with asyncio.timeout(WAIT_SECONDS):
            assert await read(web) == b"one"
        connections.close()
        names.close()
