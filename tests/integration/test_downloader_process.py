"""The downloader as a process: one line when ready, an orderly end, and no harm from SIGKILL."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import psutil
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from artgrab.common.keys import image_key, images_prefix
from artgrab.common.record_parts import compact, read_records
from artgrab.common.records import RecordOutcome
from artgrab.common.servers import reserved_port
from artgrab.common.store import Store
from artgrab.downloader.server import SERVICE_NAME
from artgrab.downloader.sweep import sweep
from artgrab.v1 import ingest_service_pb2 as pb
from tests.support.downloads import put_held_picture
from tests.support.drawn import jpeg
from tests.support.ingest_client import (
    Stream,
    batch,
    candidate,
    hello,
    ingest,
    open_stream,
    raw_stream,
)
from tests.support.playing_hosts import PlayingHosts
from tests.support.s3 import S3Server
from tests.support.s3_proxy import s3_proxy
from tests.support.waiting import WAIT_SECONDS, eventually

COMMAND = [sys.executable, "-m", "artgrab.downloader"]


@asynccontextmanager
async def process(
    store_uri: str, hosts: PlayingHosts, **settings: object
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """Start the server as people do; yield it with its endpoint."""
    running = await asyncio.create_subprocess_exec(
        *COMMAND,
        *("--store", store_uri, "--listen", "127.0.0.1:0"),
        *("--exit-with-parent", str(os.getpid())),
        stdout=subprocess.PIPE,
        env={
            **os.environ,
            "ARTGRAB_RESOLVE": json.dumps(hosts.network.resolve),
            "ARTGRAB_ALLOWED_TARGETS": json.dumps(hosts.network.allowed_targets),
            "ARTGRAB_DOWNLOADER_DECODE_WORKERS": "1",
            **{f"ARTGRAB_DOWNLOADER_{name.upper()}": str(one) for name, one in settings.items()},
        },
    )
    assert running.stdout is not None
    try:
        line = await asyncio.wait_for(running.stdout.readline(), WAIT_SECONDS)
        yield running, json.loads(line)["endpoint"]
    finally:
        if running.returncode is None:
            running.kill()
        assert await running.stdout.read() == b""
        await running.wait()


def finals(store: Store) -> dict[str, RecordOutcome]:
    found = read_records(store, namespace="default", category="cats")
    return {key: merged.record.outcome for key, merged in found.items()}


async def test_it_prints_one_line_serves_and_ends_on_sigterm(
    hosts: PlayingHosts, store_uri: str
) -> None:
    url = hosts.put("http://a.test/a.jpg", jpeg())
    async with process(store_uri, hosts) as (running, endpoint):
        (ack,) = await ingest(endpoint, [candidate(url)])
        assert ack.outcome == pb.OUTCOME_STORED
        children = psutil.Process(running.pid).children()
        running.terminate()
        assert await asyncio.wait_for(running.wait(), WAIT_SECONDS) == 0
    assert children
    assert not psutil.wait_procs(children, timeout=WAIT_SECONDS)[1]


async def says_serving(endpoint: str) -> bool:
    async with grpc.aio.insecure_channel(endpoint) as channel:
        request = health_pb2.HealthCheckRequest(service=SERVICE_NAME)
        answer = await health_pb2_grpc.HealthStub(channel).Check(request, timeout=WAIT_SECONDS)
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


async def receive_drain(stream: Stream) -> None:
    response = await stream.receive()
    assert response is not None
    assert response.WhichOneof("kind") == "drain"


@pytest.mark.folder_only("about signals")
async def test_sigterm_is_told_to_health_first_and_drains_open_streams(
    hosts: PlayingHosts, store_uri: str
) -> None:
    url, asked, go = put_held_picture(hosts)
    with reserved_port() as port:
        health = f"127.0.0.1:{port}"
        settings = {"health_listen": health, "stop_grace_seconds": WAIT_SECONDS}
        async with process(store_uri, hosts, **settings) as (running, endpoint):
            async with open_stream(endpoint) as stream:
                await stream.send(batch([candidate(url)]))
                await asked.wait()
                assert await says_serving(health)
                running.terminate()
                await receive_drain(stream)
                assert not await says_serving(health)
                go.set()
                (ack,) = await stream.receive_acks(1)
                assert ack.outcome == pb.OUTCOME_STORED
                assert await stream.receive() is None
            assert await asyncio.wait_for(running.wait(), WAIT_SECONDS) == 0


@pytest.mark.folder_only("about signals")
async def test_what_does_not_end_in_time_after_sigterm_is_handed_back(
    hosts: PlayingHosts, store_uri: str
) -> None:
    url, asked, go = put_held_picture(hosts)
    async with process(store_uri, hosts, stop_grace_seconds=0.5) as (running, endpoint):
        async with open_stream(endpoint) as stream:
            await stream.send(batch([candidate(url)]))
            await asked.wait()
            running.terminate()
            await receive_drain(stream)
            assert await stream.receive() is None
            assert await stream.code() is grpc.StatusCode.OK
        assert await asyncio.wait_for(running.wait(), WAIT_SECONDS) == 0
    go.set()
    assert not finals(Store.open(store_uri))


@pytest.mark.bucket_only("a folder never hangs")
async def test_sigterm_waits_for_no_bucket_that_does_not_answer(
    hosts: PlayingHosts, store_uri: str, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with s3_proxy(s3.endpoint) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", proxy.endpoint)
        async with (
            process(store_uri, hosts, stop_grace_seconds=0.5) as (running, endpoint),
            raw_stream(endpoint) as stream,
        ):
            proxy.hold("GET")
            await stream.send(hello())
            await eventually(lambda: proxy.waiting)
            running.terminate()
            assert await asyncio.wait_for(running.wait(), WAIT_SECONDS) == 0


@pytest.mark.parametrize("acks_before_the_kill", [0, 1, 25])
async def test_a_killed_server_loses_nothing_and_stores_nothing_twice(
    acks_before_the_kill: int, hosts: PlayingHosts, store_uri: str
) -> None:
    store = Store.open(store_uri)
    urls = [hosts.put(f"http://site-{n % 9}.test/{n}.jpg", jpeg(n)) for n in range(40)]
    wanted = [candidate(url) for url in urls]
    acked: set[bytes] = set()
    async with process(store_uri, hosts) as (running, endpoint), open_stream(endpoint) as stream:
        await stream.send(batch(wanted))
        while len(acked) < acks_before_the_kill:
            acked |= {ack.candidate_id for ack in await stream.receive_acks(1)}
        children = psutil.Process(running.pid).children()
        running.send_signal(signal.SIGKILL)
        await running.wait()
    assert not psutil.wait_procs(children, timeout=WAIT_SECONDS)[1]
    assert {key.hex() for key in acked} <= finals(store).keys()
    asked = {url: hosts.asked(url) for url in urls}
    async with process(store_uri, hosts) as (_, endpoint):
        acks = await ingest(endpoint, [one for one in wanted if one.candidate_id not in acked])
        again = await ingest(endpoint, wanted)
    assert len(acks) == 40 - len(acked)
    assert {ack.outcome for ack in again} == {pb.OUTCOME_ALREADY_RECORDED}
    assert all(
        hosts.asked(one.url) == asked[one.url] for one in wanted if one.candidate_id in acked
    )
    compact(store, namespace="default", category="cats")
    sweep(store, namespace="default", category="cats")
    assert set(finals(store).values()) == {RecordOutcome.STORED}
    assert len(finals(store)) == len(list(store.list(images_prefix("default", "cats")))) == 40


async def test_it_ends_with_its_parent(hosts: PlayingHosts, tmp_path: Path) -> None:
    script = (
        "import os, subprocess, sys\n"
        "command = sys.argv[1:] + ['--exit-with-parent', str(os.getpid())]\n"
        "child = subprocess.Popen(command, stdout=subprocess.PIPE)\n"
        "child.stdout.readline()\n"
        "print(child.pid, flush=True)\n"
        "child.wait()\n"
    )
    command = [*COMMAND, "--store", os.fspath(tmp_path)]
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, *command, stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    child = psutil.Process(int(await asyncio.wait_for(parent.stdout.readline(), WAIT_SECONDS)))
    parent.kill()
    await parent.wait()
    assert not psutil.wait_procs([child], timeout=WAIT_SECONDS)[1]


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--listen", "0.0.0.0:0"], 2, "only loopback is allowed"),
        (["--store", "ftp://x"], 2, "ftp:// is not known"),
        (["--store", "/proc/none"], 4, "/proc/none"),
    ],
)
def test_what_it_cannot_do_is_said_in_one_line(
    options: list[str], code: int, words: str, tmp_path: Path
) -> None:
    command = [*COMMAND, "--store", os.fspath(tmp_path), *options]
    found = subprocess.run(
        command, capture_output=True, text=True, timeout=WAIT_SECONDS, check=False
    )
    assert found.returncode == code
    assert words in found.stderr
    assert len(found.stderr.splitlines()) == 1
    assert not found.stdout


def test_a_setting_that_is_none_is_told_by_its_name(tmp_path: Path) -> None:
    environment = {**os.environ, "ARTGRAB_DOWNLOADER_CREDITS": "many"}
    command = [*COMMAND, "--store", os.fspath(tmp_path)]
    found = subprocess.run(
        command, capture_output=True, text=True, timeout=WAIT_SECONDS, check=False, env=environment
    )
    assert found.returncode == 2
    assert "ARTGRAB_DOWNLOADER_CREDITS" in found.stderr
    assert len(found.stderr.splitlines()) == 1


def test_sweeping_removes_what_no_record_names_and_nothing_else(store: Store) -> None:
    stray = image_key("default", "cats", "0" * 64, "x")
    other = image_key("default", "dogs", "0" * 64, "x")
    for key in (stray, other):
        store.put_if_absent(key, b"")
    assert sweep(store, namespace="default", category="cats") == 1
    assert not store.exists(stray)
    assert store.exists(other)
    assert sweep(store, namespace="default", category="cats") == 0
