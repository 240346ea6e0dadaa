"""The end of a run: merged records, strays gone, a summary, and counts; as often as it is asked."""

import asyncio
import gc
import threading
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import grpc
import msgspec
import pytest
from obstore.store import MemoryStore

from artgrab.common.errors import SurroundingsError
from artgrab.common.keys import image_key, records_prefix, run_key
from artgrab.common.runs import RunSummary, read_run_summaries
from artgrab.common.store import ObjectInfo, Store
from artgrab.downloader.endings import Ending, Endings, end_run, to_its_end
from artgrab.downloader.sweep import sweep
from artgrab.v1 import ingest_service_pb2 as pb
from tests.support.downloads import pictures_kept, put_held_picture, put_pictures
from tests.support.ingest_client import batch, candidate, downloader, ingest, open_stream
from tests.support.ingest_client import end_run as ask_to_end
from tests.support.playing_hosts import PlayingHosts
from tests.support.waiting import eventually

ENDING = Ending(namespace="default", category="cats", run_id="run-1", reason="SourcesExhausted")
STRAY = image_key("default", "cats", "0" * 64, "x")
OTHERS = image_key("default", "dogs", "0" * 64, "x")


def summary(store: Store) -> RunSummary:
    (found,) = read_run_summaries(store, namespace="default", category="cats")
    return found


def record_objects(store: Store) -> list[str]:
    return [info.key.rpartition("/")[2] for info in store.list(records_prefix("default", "cats"))]


async def test_a_run_ends_with_an_index_a_summary_and_counts(
    hosts: PlayingHosts, store: Store
) -> None:
    wanted = [*put_pictures(hosts, 4), candidate("http://none.test/a.jpg")]
    async with downloader(store, hosts.network, sweep_seconds=0) as endpoint:
        for one in wanted:
            await ingest(endpoint, [one])
        store.put_if_absent(STRAY, b"")
        store.put_if_absent(OTHERS, b"")
        counts = await ask_to_end(endpoint, problems=["gallery a.test: gone"])
        again = await ask_to_end(endpoint, problems=["gallery a.test: gone"])
    assert (counts.candidates, counts.stored, counts.rejected, counts.failed) == (5, 4, 0, 1)
    assert counts == again
    assert record_objects(store) == ["index-1.parquet"]
    assert pictures_kept(store) == 4
    assert store.exists(OTHERS)
    found = summary(store)
    assert (found.run_id, found.reason, found.problems) == (
        "run-1",
        "TargetReached",
        ["gallery a.test: gone"],
    )
    assert found.counts.failed_reasons == {"http-404": 1}
    assert found.ended_at


async def test_a_category_without_a_candidate_ends_too(hosts: PlayingHosts, store: Store) -> None:
    async with downloader(store, hosts.network) as endpoint:
        counts = await ask_to_end(endpoint, reason="SourcesExhausted")
    assert counts == pb.EndRunResponse()
    assert summary(store).reason == "SourcesExhausted"


async def test_young_strays_stay_as_another_downloader_may_be_about_to_record_them(
    hosts: PlayingHosts, store: Store
) -> None:
    store.put_if_absent(STRAY, b"")
    async with downloader(store, hosts.network) as endpoint:
        await ask_to_end(endpoint)
    assert store.exists(STRAY)


async def test_a_sweep_goes_by_the_time_of_the_store(store: Store) -> None:
    store.put_if_absent(STRAY, b"")
    (info,) = store.list("default/categories/cats/images")
    names = {"namespace": "default", "category": "cats"}
    age = timedelta(minutes=10)
    assert sweep(store, **names, older_than=age, now=info.modified + age) == 0
    assert sweep(store, **names, older_than=age, now=info.modified + age * 1.01) == 1
    assert not store.exists(STRAY)


async def test_it_waits_for_what_is_under_way_of_the_category(
    hosts: PlayingHosts, store: Store
) -> None:
    url, asked, go = put_held_picture(hosts)
    async with downloader(store, hosts.network) as endpoint, open_stream(endpoint) as stream:
        await stream.send(batch([candidate(url)]))
        await asked.wait()
        other = await ask_to_end(endpoint, category="dogs")
        ending = asyncio.create_task(ask_to_end(endpoint))
        done, _ = await asyncio.wait([ending], timeout=0.2)  # time in which to do wrong
        assert not done
        assert not store.exists(run_key("default", "cats", "run-1"))
        go.set()
        assert (await ending).stored == 1
    assert other.candidates == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"namespace": "../x"},
        {"category": ""},
        {"run_id": "a/b"},
        {"reason": ""},
        {"reason": "two words"},
        {"reason": "X" * 65},
    ],
)
@pytest.mark.folder_only("nothing gets as far as the store")
async def test_a_request_that_names_nothing_is_refused(
    fields: dict[str, str], hosts: PlayingHosts, store: Store
) -> None:
    async with downloader(store, hosts.network) as endpoint:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await ask_to_end(endpoint, **fields)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert not list(store.list("default"))


@pytest.mark.folder_only("about one that fails")
async def test_where_the_store_fails_the_run_has_not_ended_and_may_be_ended_later(
    hosts: PlayingHosts, store: Store
) -> None:
    part = f"{records_prefix('default', 'cats')}/run-1/{'0' * 64}.jsonl"
    store.put(part, b"not what its name says")
    async with downloader(store, hosts.network) as endpoint:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await ask_to_end(endpoint)
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
        assert not store.exists(run_key("default", "cats", "run-1"))
        store.delete([part])
        await ask_to_end(endpoint)
    assert summary(store).run_id == "run-1"


class _WatchedStore(Store):
    """Notes who deletes and puts at the same time."""

    at_once = most = 0

    def put(self, key: str, data: bytes) -> None:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        super().put(key, data)
        self.at_once -= 1

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        found = list(super().list(prefix))
        self.at_once -= 1
        return iter(found)


async def test_ends_of_one_category_come_one_after_the_other() -> None:
    store = _WatchedStore(MemoryStore(), uri="memory")

    async def settled(namespace: str, category: str) -> None:
        await asyncio.sleep(0)

    endings = Endings(store, settled=settled, older_than=timedelta(0))
    found: Sequence[object] = await asyncio.gather(*(endings.end(ENDING) for _ in range(8)))
    assert len(found) == 8
    assert store.most == 1
    await eventually(lambda: not endings._turns)


async def test_who_is_cancelled_leaves_only_when_the_store_is_left_alone() -> None:
    class Slow(Store):
        def put(self, key: str, data: bytes) -> None:
            writing.set()
            assert go.wait(30)
            super().put(key, data)

    writing, go = threading.Event(), threading.Event()
    store = Slow(MemoryStore(), uri="memory")

    async def settled(namespace: str, category: str) -> None:
        return

    endings = Endings(store, settled=settled, older_than=timedelta(0))
    ending = asyncio.create_task(endings.end(ENDING))
    await eventually(writing.is_set)
    ending.cancel()
    done, _ = await asyncio.wait([ending], timeout=0.1)  # time in which to do wrong
    assert not done
    go.set()
    await asyncio.wait([ending])
    assert ending.cancelled()
    assert store.exists(run_key("default", "cats", "run-1"))


async def test_nothing_is_complained_of_where_nobody_waits_any_more() -> None:
    def fail() -> None:
        assert go.wait(30)
        raise SurroundingsError("the store is away")

    go, complaints = threading.Event(), list[object]()
    asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told))
    work = asyncio.create_task(to_its_end(fail))
    await asyncio.sleep(0)
    work.cancel()
    go.set()
    await asyncio.wait([work])
    assert work.cancelled()
    del work
    gc.collect()
    assert complaints == []


def test_a_summary_is_what_one_machine_writes(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path))
    counts = end_run(store, msgspec.structs.replace(ENDING, problems=("a",)))
    assert summary(store).counts == counts
    assert summary(store).problems == ["a"]
