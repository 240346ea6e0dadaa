"""Tokens on the wire: with a key, streams and ends of runs are for whom a token names, from now
until it expires, under the token's filters; without one only loopback is served."""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from artgrab.common.errors import BadInputError
from artgrab.common.network import NetworkSettings
from artgrab.common.store import Store
from artgrab.common.tokens import RunToken, sign
from artgrab.downloader.admissions import Admissions
from artgrab.downloader.pipeline import Filters, Task
from artgrab.downloader.translations import MAX_MIN_SIDE, ProtocolError
from artgrab.v1 import ingest_service_pb2 as pb
from tests.support.downloads import put_pictures, recorded
from tests.support.drawn import jpeg
from tests.support.ingest_client import (
    downloader,
    end_run,
    hello,
    ingest,
    ingest_one,
    raw_stream,
)
from tests.support.playing_hosts import PlayingHosts
from tests.support.waiting import WAIT_SECONDS

KEY = bytes(range(100, 140))
NEW_KEY = bytes(range(140, 180))
_DENIED, _UNKNOWN = grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED


def token(*, key: bytes = KEY, lives: timedelta = timedelta(hours=1), **fields: Any) -> str:
    """Return a token for the run of hello(), unless fields say otherwise."""
    names = {"namespace": "default", "category": "cats", "run_id": "run-1", "min_side": 0}
    return sign(RunToken(**{**names, **fields}, expires_at=datetime.now(UTC) + lives), key)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    file = tmp_path / "key"
    file.write_bytes(KEY)
    return file


BAD = {
    "none": ("", _UNKNOWN),
    "one of another key": (token(key=KEY[::-1]), _UNKNOWN),
    "one that is over": (token(lives=timedelta(seconds=-1)), _UNKNOWN),
    "half of one": (token()[:-20], _UNKNOWN),
    "one for another namespace": (token(namespace="others"), _DENIED),
    "one for another category": (token(category="dogs"), _DENIED),
    "one for another run": (token(run_id="run-2"), _DENIED),
}


@pytest.mark.parametrize(("shown", "status"), BAD.values(), ids=BAD.keys())
@pytest.mark.folder_only("nothing gets as far as the store")
async def test_without_the_right_token_nothing_is_written(
    shown: str, status: grpc.StatusCode, store: Store, hosts: PlayingHosts, key_file: Path
) -> None:
    async with downloader(store, hosts.network, token_key_file=key_file) as endpoint:
        async with raw_stream(endpoint) as stream:
            await stream.send(hello(token=shown))
            assert await stream.code() is status
            details = await stream.call.details()
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await end_run(endpoint, token=shown)
    assert refused.value.code() is status
    assert not list(store.list("default"))
    assert details == refused.value.details()
    assert not shown or not any(part in details for part in shown.split("."))


async def test_with_the_right_token_pictures_are_kept_and_the_run_ends(
    store: Store, hosts: PlayingHosts, key_file: Path
) -> None:
    wanted = put_pictures(hosts, 3)
    async with downloader(store, hosts.network, token_key_file=key_file) as endpoint:
        acks = await ingest(endpoint, wanted, token=token())
        counts = await end_run(endpoint, token=token())
    assert {ack.outcome for ack in acks} == {pb.OUTCOME_STORED}
    assert counts.stored == 3


async def test_filters_are_those_of_the_token_whatever_hello_says(
    store: Store, hosts: PlayingHosts, key_file: Path
) -> None:
    url = hosts.put("http://a.test/a.jpg", jpeg())
    async with downloader(store, hosts.network, token_key_file=key_file) as endpoint:
        strict = await ingest_one(
            endpoint, url, token=token(min_side=4000), filters=pb.Filters(min_side=1)
        )
        lenient = await ingest_one(
            endpoint, url, token=token(min_side=1), filters=pb.Filters(min_side=4000)
        )
    assert (strict, lenient) == (("REJECTED", "too-small"), ("STORED", ""))


@pytest.mark.folder_only("about streams")
async def test_a_stream_whose_token_expires_lives_on_and_the_next_needs_another(
    store: Store, hosts: PlayingHosts, key_file: Path
) -> None:
    first, second = put_pictures(hosts, 2)
    brief = token(lives=timedelta(seconds=2))
    async with downloader(store, hosts.network, token_key_file=key_file) as endpoint:
        async with raw_stream(endpoint) as stream:
            await stream.send(hello(token=brief))
            await stream.receive()
            await _until_refused(endpoint, brief)
            await stream.send(pb.IngestRequest(batch=pb.Batch(candidates=[first])))
            (ack,) = await stream.receive_acks(1)
        assert ack.outcome == pb.OUTCOME_STORED
        await ingest(endpoint, [second], token=token())
    assert len(recorded(store)) == 2


async def _until_refused(endpoint: str, shown: str) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            async with raw_stream(endpoint) as stream:
                await stream.send(hello(token=shown))
                try:
                    await stream.receive()
                except grpc.aio.AioRpcError as refused:
                    if refused.code() is _UNKNOWN:
                        return
                    raise
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("listen", ["0.0.0.0:0", "[::]:0"])
@pytest.mark.folder_only("about addresses")
async def test_with_a_key_it_listens_where_it_is_told(
    listen: str, store: Store, hosts: PlayingHosts, key_file: Path
) -> None:
    (wanted,) = put_pictures(hosts, 1)
    settings = {"token_key_file": key_file, "listen": listen}
    async with downloader(store, hosts.network, **settings) as endpoint:
        port = endpoint.rpartition(":")[2]
        (ack,) = await ingest(f"127.0.0.1:{port}", [wanted], token=token())
    assert ack.outcome == pb.OUTCOME_STORED


@pytest.mark.parametrize(("content", "words"), [(b"short", "too few"), (None, "cannot be read")])
@pytest.mark.folder_only("about a file")
async def test_a_key_that_is_none_is_told_before_anything_is_served(
    content: bytes | None, words: str, store: Store, tmp_path: Path
) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(BadInputError, match=f"{file}.*{words}"):
        async with downloader(store, NetworkSettings(), token_key_file=file):
            pass


_TASK = Task("default", "cats", "run-1", Filters(min_side=7))
names = st.sampled_from(["default", "cats", "run-1", "x"])


@given(namespace=names, category=names, run_id=names, min_side=st.integers(0, 2**31))
def test_a_task_is_done_exactly_as_its_token_says_or_not_at_all(
    namespace: str, category: str, run_id: str, min_side: int
) -> None:
    shown = token(namespace=namespace, category=category, run_id=run_id, min_side=min_side)
    same = (namespace, category, run_id) == (_TASK.namespace, _TASK.category, _TASK.run_id)
    if same:
        admitted = Admissions(KEY).admit(_TASK, shown)
        assert admitted.filters.min_side == min(min_side, MAX_MIN_SIDE)
        return
    with pytest.raises(ProtocolError) as refused:
        Admissions(KEY).admit(_TASK, shown)
    assert refused.value.code is _DENIED


def test_without_a_key_everybody_is_admitted() -> None:
    assert Admissions(None).admit(_TASK, os.urandom(3).hex()) is _TASK


def test_a_candidate_is_no_way_around_a_token() -> None:
    """What names a place in the store is in Hello alone, which the token covers."""
    assert not {"namespace", "category", "run_id"} & {*pb.Candidate.DESCRIPTOR.fields_by_name}


@pytest.mark.folder_only("about a file")
async def test_a_key_that_is_replaced_is_taken_up_without_a_restart(
    store: Store, hosts: PlayingHosts, key_file: Path
) -> None:
    first, second = put_pictures(hosts, 2)
    async with downloader(store, hosts.network, token_key_file=key_file) as endpoint:
        await ingest(endpoint, [first], token=token())
        key_file.write_bytes(NEW_KEY)
        (ack,) = await ingest(endpoint, [second], token=token(key=NEW_KEY))
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await end_run(endpoint, token=token())
    assert ack.outcome == pb.OUTCOME_STORED
    assert refused.value.code() is _UNKNOWN


class Replaced:
    """Admissions whose key somebody may replace, and a clock."""

    def __init__(self) -> None:
        self.key: bytes | None = KEY
        self.reads = 0
        self.time = 0.0
        self.admissions = Admissions(KEY, read=self._read, clock=lambda: self.time)

    def _read(self) -> bytes:
        self.reads += 1
        if self.key is None:
            raise BadInputError("token key: cannot be read")
        return self.key

    def admits(self, shown: str) -> bool:
        try:
            self.admissions.admit(_TASK, shown)
        except ProtocolError:
            return False
        return True


def test_bad_tokens_have_the_key_read_once_a_minute_and_good_ones_never() -> None:
    key = Replaced()
    assert key.admits(token())
    assert key.reads == 0
    assert not any(key.admits(token(key=NEW_KEY)) for _ in range(5))
    assert key.reads == 1
    key.key = NEW_KEY
    key.time = 59.0
    assert not key.admits(token(key=NEW_KEY))
    key.time = 60.0
    assert key.admits(token(key=NEW_KEY))
    assert not key.admits(token())
    assert key.reads == 2


def test_a_key_that_cannot_be_read_anew_stays_what_it_was() -> None:
    key = Replaced()
    key.key = None
    assert not key.admits(token(key=NEW_KEY))
    assert key.reads == 1
    assert key.admits(token())
