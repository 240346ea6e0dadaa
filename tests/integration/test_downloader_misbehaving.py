"""Clients that misbehave: each is told by a status what to change, and harms nobody else.

Tokens that are not good: test_downloader_admissions. How streams begin and go on badly by the
contents of their messages: test_downloader_protocol.
"""

import asyncio
import random
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from artgrab.common.records import Candidate
from artgrab.common.servers import reserved_port
from artgrab.common.store import Store
from artgrab.common.urls import candidate_id
from artgrab.scraper.ingest import IngestClient
from artgrab.scraper.ingest_messages import Acked, AckOutcome
from artgrab.v1 import ingest_service_pb2 as pb
from artgrab.v1 import ingest_service_pb2_grpc as pb_grpc
from tests.support.downloads import put_held_picture, put_pictures
from tests.support.ingest_client import (
    Stream,
    batch,
    candidate,
    downloader,
    hello,
    ingest,
)
from tests.support.lines import line_to
from tests.support.playing_hosts import PlayingHosts
from tests.support.waiting import WAIT_SECONDS, eventually

_METHOD = "/artgrab.v1.IngestService/Ingest"
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"  # and empty SETTINGS
_CREDITS = 256
_PRIVATE = candidate("http://10.0.0.1/a.jpg")
"""Settled without a fetch."""
_BROKEN_OFF = 'artgrab_downloader_calls_broken_off_total{code="DEADLINE_EXCEEDED"}'

End = tuple[grpc.StatusCode, str]
Code = grpc.StatusCode


@asynccontextmanager
async def _stream(endpoint: str, *options: tuple[str, int], **call: Any) -> AsyncIterator[Stream]:
    """Open a stream on a connection of its own."""
    own = (("grpc.use_local_subchannel_pool", 1), ("grpc.max_send_message_length", -1), *options)
    async with grpc.aio.insecure_channel(endpoint, options=own) as channel:
        opened = pb_grpc.IngestServiceStub(channel).Ingest(**call)
        try:
            yield Stream(opened)
        finally:
            opened.cancel()


def _sending(*requests: pb.IngestRequest, **call: Any) -> Callable[[str], Awaitable[End]]:
    async def misbehave(endpoint: str) -> End:
        async with _stream(endpoint, **call) as stream:
            for request in requests:
                await stream.send(request)
            return await stream.end()

    return misbehave


async def _sends_no_protobuf(endpoint: str) -> End:
    async with grpc.aio.insecure_channel(endpoint) as channel:
        call = channel.stream_stream(_METHOD)()
        await call.write(b"\xff" * 100)
        return await call.code(), await call.details()


async def _asks_what_is_not_there(endpoint: str) -> End:
    async with grpc.aio.insecure_channel(endpoint) as channel:
        call = channel.stream_stream("/artgrab.v1.IngestService/Delete")()
        return await call.code(), await call.details()


async def _watches_health(endpoint: str) -> End:
    async with grpc.aio.insecure_channel(endpoint) as channel:
        call = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        return await call.code(), await call.details()


async def _sends_nothing_for_ever(endpoint: str) -> End:
    async with _stream(endpoint) as stream:
        await stream.send(hello(run_id="idle"))
        kinds = [one.WhichOneof("kind") for one in await stream.receive_all()]
        assert kinds == ["welcome", "drain"]
        return await stream.code(), ""


async def _cancels_in_the_middle(endpoint: str) -> End:
    async with _stream(endpoint) as stream:
        await stream.send(hello(run_id="cancelled"))
        await stream.receive()
        await stream.send(batch([candidate("http://held.test/a.jpg")]))
        stream.call.cancel()
        return await stream.call.code(), ""


MISBEHAVIOURS: dict[str, tuple[Callable[[str], Awaitable[End]], grpc.StatusCode, str]] = {
    "says nothing": (_sending(), Code.DEADLINE_EXCEEDED, "send it first"),
    "says Hello twice": (_sending(hello(), hello()), Code.INVALID_ARGUMENT, "another stream"),
    "says nothing in many words": (
        _sending(hello(), pb.IngestRequest()),
        Code.INVALID_ARGUMENT,
        "send a Batch, or Finish",
    ),
    "takes more than its credits": (
        _sending(hello(), batch([_PRIVATE] * (_CREDITS + 1))),
        Code.RESOURCE_EXHAUSTED,
        "send no more than Welcome and Credits grant",
    ),
    "sends a huge message": (
        _sending(hello(token="x" * 5 * 2**20)),
        Code.RESOURCE_EXHAUSTED,
        "larger than max",
    ),
    "sends a message that unpacks to a huge one": (
        _sending(hello(token="x" * 32 * 2**20), compression=grpc.Compression.Gzip),
        Code.RESOURCE_EXHAUSTED,
        "message larger than max",
    ),
    "sends huge metadata": (
        _sending(metadata=(("x", "y" * 100_000),)),
        Code.RESOURCE_EXHAUSTED,
        "metadata size",
    ),
    "sends no protobuf": (_sends_no_protobuf, Code.INVALID_ARGUMENT, "ingest_service.proto"),
    "asks what is not there": (_asks_what_is_not_there, Code.UNIMPLEMENTED, "not found"),
    "watches health": (_watches_health, Code.UNIMPLEMENTED, "ask by Check"),
    "sends nothing for ever": (_sends_nothing_for_ever, Code.OK, ""),
    "cancels in the middle": (_cancels_in_the_middle, Code.CANCELLED, ""),
}


def _frame(kind: int, payload: bytes) -> bytes:
    """Return an HTTP/2 frame of stream 1 without flags (RFC 9113, section 4.1)."""
    return len(payload).to_bytes(3, "big") + bytes([kind, 0]) + b"\0\0\0\1" + payload


_FIELDS = b"".join(b"\0\6k%05d\x64" % number + b"v" * 100 for number in range(100))
"""Literal header fields (RFC 7541, section 6.2.2)."""
_NOISE = random.Random(7).randbytes(5000)
"""Always the same: now and then some begins like a frame, the rest of which is waited for."""
RAW: dict[str, list[bytes]] = {
    "HTTP/1.1": [b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"],
    "TLS": [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500)],
    "noise": [_NOISE],
    "noise after a good beginning": [_PREFACE, _NOISE],
    "nothing": [],
}


async def _is_closed(endpoint: str, sent: list[bytes]) -> bool:
    """Tell whether a connection is ended by the server, whatever it says before."""
    host, _, port = endpoint.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.writelines(sent)
        async with asyncio.timeout(WAIT_SECONDS):
            while await reader.read(65536):
                pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    finally:
        writer.transport.abort()
    return True


async def _flood_of_headers(endpoint: str) -> None:
    """Send headers that never end for a while."""
    host, _, port = endpoint.rpartition(":")
    _, writer = await asyncio.open_connection(host, int(port))
    more = _frame(9, _FIELDS)
    taken = 0
    try:
        writer.write(_PREFACE + _frame(1, _FIELDS))
        while taken < 4 * 2**20:
            writer.write(more)
            await writer.drain()
            taken += len(more)
    except ConnectionError:
        pass
    finally:
        writer.transport.abort()


@asynccontextmanager
async def _beside_a_good_client(endpoint: str, hosts: PlayingHosts) -> AsyncIterator[None]:
    """Have a scraper's own client served before, all the while, and afterwards."""
    urls = [put.url for put in put_pictures(hosts, 3)]
    wanted = [Candidate(candidate_id=candidate_id(url).hex(), url=url, source="x") for url in urls]
    acked: list[Acked] = []
    over = asyncio.Event()

    async def go_on() -> None:
        async with IngestClient(
            [endpoint], hello=lambda: hello(run_id="good"), on_ack=acked.append
        ) as client:
            while not over.is_set():
                for one in wanted:
                    await client.send(one)
                await client.until(lambda: client.unacked == 0)
                await asyncio.sleep(0.05)
            await client.finish()

    going = asyncio.create_task(go_on())
    try:
        await eventually(lambda: len(acked) >= 3 or going.done())
        yield
        served = len(acked)
        await eventually(lambda: len(acked) > served or going.done())
    finally:
        over.set()
        await going
    assert {one.outcome for one in acked} <= {AckOutcome.STORED, AckOutcome.ALREADY_RECORDED}


def _page(port: int) -> dict[str, float]:
    """Return all metrics by name and labels."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    return {
        name: float(number)
        for name, _, number in (line.rpartition(" ") for line in lines if line[0] != "#")
    }


async def _until_nothing_is_open(port: int, *, but: int = 0) -> dict[str, float]:
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            page = await asyncio.to_thread(_page, port)
            open_, under_way = (
                page[f"artgrab_downloader_{name}"] for name in ("streams", "candidates_under_way")
            )
            if open_ == but and under_way == 0:
                return page
            await asyncio.sleep(0.05)


@pytest.mark.folder_only("about streams")
async def test_clients_that_misbehave_are_told_what_to_change_and_harm_nobody(
    hosts: PlayingHosts, store: Store
) -> None:
    """All at once, beside one that does all as it should."""
    with reserved_port() as port:
        settings = {"metrics_port": port, "credits": _CREDITS}
        async with downloader(store, hosts.network, stream_seconds=3, **settings) as endpoint:
            async with _beside_a_good_client(endpoint, hosts):
                ends = await asyncio.gather(
                    *(misbehave(endpoint) for misbehave, _, _ in MISBEHAVIOURS.values())
                )
            page = await _until_nothing_is_open(port)
    found = dict(zip(MISBEHAVIOURS, ends, strict=True))
    assert {name: code for name, (code, _) in found.items()} == {
        name: code for name, (_, code, _) in MISBEHAVIOURS.items()
    }
    untold = {
        name: found[name]
        for name, (_, _, told) in MISBEHAVIOURS.items()
        if told not in found[name][1]
    }
    assert untold == {}
    for code in ("DEADLINE_EXCEEDED", "INVALID_ARGUMENT", "RESOURCE_EXHAUSTED"):
        assert page[f'artgrab_downloader_calls_broken_off_total{{code="{code}"}}'] >= 1


@pytest.mark.folder_only("about streams")
async def test_a_stream_whose_client_reads_nothing_is_ended_and_holds_nothing(
    hosts: PlayingHosts, store: Store
) -> None:
    small = (("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 0))
    with reserved_port() as port:
        settings = {"unread_seconds": 0.5, "metrics_port": port, "credits": 4096}
        async with (
            downloader(store, hosts.network, **settings) as endpoint,
            _stream(endpoint, *small) as stream,
        ):
            await stream.send(hello())
            await stream.send(batch([_PRIVATE] * 4096))  # their acks are twice a connection's room
            async with asyncio.timeout(WAIT_SECONDS):
                while _BROKEN_OFF not in await asyncio.to_thread(_page, port):
                    await asyncio.sleep(0.05)
            await _until_nothing_is_open(port)
            code, told = await stream.end()
    assert code is Code.DEADLINE_EXCEEDED
    assert "read what comes, also while you send" in told


@pytest.mark.folder_only("about connections")
async def test_connections_that_are_none_of_grpc_are_closed_and_harm_nobody(
    hosts: PlayingHosts, store: Store
) -> None:
    async with (
        downloader(store, hosts.network) as endpoint,
        _beside_a_good_client(endpoint, hosts),
    ):
        closed = await asyncio.gather(*(_is_closed(endpoint, sent) for sent in RAW.values()))
        await _flood_of_headers(endpoint)
    assert dict(zip(RAW, closed, strict=True)) == dict.fromkeys(RAW, True)


@pytest.mark.parametrize("broken", ["reset", "fall_silent"])
@pytest.mark.folder_only("about connections")
async def test_a_connection_that_breaks_in_the_middle_holds_nothing_and_its_candidate_comes_again(
    broken: str, hosts: PlayingHosts, store: Store
) -> None:
    url, asked, go = put_held_picture(hosts)
    with reserved_port() as port:
        settings = {"stream_seconds": 2, "drain_grace_seconds": 1, "metrics_port": port}
        async with (
            downloader(store, hosts.network, **settings) as endpoint,
            line_to(endpoint) as line,
            _stream(line.endpoint) as lost,
        ):
            await lost.send(hello())
            await lost.send(batch([candidate(url)]))
            await asked.wait()
            getattr(line, broken)()
            await _until_nothing_is_open(port)
            go.set()
            async with asyncio.timeout(WAIT_SECONDS):
                while not (acks := await ingest(endpoint, [candidate(url)])):
                    pass  # a drain came before the picture was through
            (ack,) = acks
            assert ack.outcome in (pb.OUTCOME_STORED, pb.OUTCOME_ALREADY_RECORDED)
