"""Stores that fail while the downloader serves: who streams is told what to change, nothing is
acknowledged that is not durable, and the same process goes on as soon as the trouble is over."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import grpc
import msgspec
import pytest

from artgrab.common.keys import SCHEMA_VERSION
from artgrab.common.records import RecordOutcome
from artgrab.common.store import Store
from artgrab.v1 import ingest_service_pb2 as pb
from tests.support.disks import FULL, filled, one_megabyte
from tests.support.downloads import pictures_kept, put_pictures, recorded
from tests.support.ingest_client import (
    batch,
    downloader,
    end_run,
    ingest,
    open_stream,
    outcomes,
)
from tests.support.playing_hosts import PlayingHosts
from tests.support.s3 import ACCESS_KEY, BUCKET, SECRET_KEY, S3Server
from tests.support.s3_proxy import UNAVAILABLE, S3Proxy, s3_proxy
from tests.support.stored import candidate as stored_candidate
from tests.support.stored import not_stored, put_entries

QUICK = (0.01, 0.02)
URI = f"s3://{BUCKET}/troubles"
_SIGNED = "AWS4-HMAC-SHA256 Credential={key}/20260101/eu-test-1/s3/aws4_request, SignedHeaders=host"


@pytest.fixture
def proxy(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Proxy]:
    """A proxy before the server, which the downloader finds instead of it."""
    with s3_proxy(s3.endpoint) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", proxy.endpoint)
        yield proxy


@contextmanager
def unavailable(proxy: S3Proxy) -> Iterator[None]:
    """Answer every put with 503."""
    proxy.spoil.extend([("PUT", UNAVAILABLE)] * 1000)
    yield
    proxy.spoil.clear()


@contextmanager
def signed(proxy: S3Proxy, key: str) -> Iterator[None]:
    """Replace the signatures of all requests."""
    proxy.headers["Authorization"] = f"{_SIGNED.format(key=key)}, Signature={'0' * 64}"
    yield
    del proxy.headers["Authorization"]


S3_TROUBLES: list[tuple[Callable[[S3Proxy], AbstractContextManager[None]], str]] = [
    (unavailable, "the server failed (503 SlowDown); try again later"),
    (lambda proxy: signed(proxy, ACCESS_KEY), "check AWS_SECRET_ACCESS_KEY"),
    (lambda proxy: signed(proxy, "NOBODY"), "check AWS_ACCESS_KEY_ID"),
]


async def tell_of_trouble(
    endpoint: str, wanted: list[pb.Candidate], trouble: AbstractContextManager[None]
) -> str:
    """Send candidates into the trouble; return what the stream is told when it ends."""
    async with open_stream(endpoint) as stream:
        with trouble:
            await stream.send(batch(wanted))
            with pytest.raises(grpc.aio.AioRpcError) as told:
                await stream.receive_acks(1)
    assert told.value.code() is grpc.StatusCode.UNAVAILABLE
    return told.value.details() or ""


@pytest.mark.parametrize(("trouble", "saying"), S3_TROUBLES, ids=["503", "secret", "key"])
async def test_a_bucket_in_trouble_is_told_and_served_again_afterwards(
    trouble: Callable[[S3Proxy], AbstractContextManager[None]],
    saying: str,
    hosts: PlayingHosts,
    proxy: S3Proxy,
    tmp_path: Path,
) -> None:
    store = Store.open(f"{URI}/{tmp_path.name}", patience=QUICK)
    wanted = put_pictures(hosts, 3)
    async with downloader(store, hosts.network) as endpoint:
        told = await tell_of_trouble(endpoint, wanted, trouble(proxy))
        assert not recorded(store)
        acks = await ingest(endpoint, wanted)
    assert saying in told
    assert SECRET_KEY not in told
    assert "Signature=" not in told
    assert {outcome for outcome, _ in outcomes(acks).values()} == {"STORED"}
    assert len(recorded(store)) == pictures_kept(store) == 3


async def test_a_stream_that_opens_in_the_trouble_is_told_as_well(
    hosts: PlayingHosts, proxy: S3Proxy, tmp_path: Path
) -> None:
    store = Store.open(f"{URI}/{tmp_path.name}", patience=QUICK)
    wanted = put_pictures(hosts, 1)
    async with downloader(store, hosts.network) as endpoint:
        with signed(proxy, ACCESS_KEY):
            for asking in (lambda: ingest(endpoint, wanted), lambda: end_run(endpoint)):
                with pytest.raises(grpc.aio.AioRpcError, match="check AWS_SECRET_ACC") as told:
                    await asking()
                assert told.value.code() is grpc.StatusCode.UNAVAILABLE
        assert len(await ingest(endpoint, wanted)) == 1
    assert hosts.asked(wanted[0].url) == 1, "who cannot be served has nothing fetched"


async def test_a_slow_bucket_delays_acks_and_nothing_else(
    hosts: PlayingHosts, proxy: S3Proxy, tmp_path: Path
) -> None:
    store = Store.open(f"{URI}/{tmp_path.name}", patience=QUICK)
    wanted = put_pictures(hosts, 3)
    async with downloader(store, hosts.network) as endpoint, open_stream(endpoint) as stream:
        proxy.hold("PUT")
        await stream.send(batch(wanted))
        assert await stream.is_silent(0.5)
        async with open_stream(endpoint) as other:  # reading is not slow, and nobody is blocked
            assert other.credits
        proxy.let_go()
        acks = await stream.receive_acks(3)
    assert {outcome for outcome, _ in outcomes(acks).values()} == {"STORED"}


async def test_a_full_disk_is_told_and_served_again_once_there_is_room(
    hosts: PlayingHosts, tmp_path: Path
) -> None:
    wanted = put_pictures(hosts, 3)
    with one_megabyte(tmp_path / "small") as small:
        store = Store.open(str(small))
        async with downloader(store, hosts.network) as endpoint:
            told = await tell_of_trouble(endpoint, wanted, filled(small))
            assert FULL in told
            assert not recorded(store)
            assert not pictures_kept(store)
            acks = await ingest(endpoint, wanted)
        assert {outcome for outcome, _ in outcomes(acks).values()} == {"STORED"}
        assert len(recorded(store)) == pictures_kept(store) == 3


async def test_a_store_of_a_newer_artgrab_is_told_and_left_alone(
    hosts: PlayingHosts, tmp_path: Path
) -> None:
    store = Store.open(str(tmp_path))
    wanted = put_pictures(hosts, 1)
    record = not_stored(stored_candidate("http://a.test/1"), RecordOutcome.REJECTED, "too-small")
    newer = msgspec.structs.replace(record, schema_version=SCHEMA_VERSION + 1)
    put_entries(store, "cats", [newer])
    async with downloader(store, hosts.network) as endpoint:
        with pytest.raises(grpc.aio.AioRpcError, match="newer artgrab") as told:
            await ingest(endpoint, wanted)
        assert told.value.code() is grpc.StatusCode.FAILED_PRECONDITION
        assert len(await ingest(endpoint, wanted, category="dogs")) == 1
