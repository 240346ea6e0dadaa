"""Settling: whatever comes together, is lost or comes again, verdicts are durable and work is
done once."""

import asyncio
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from artgrab.common.record_parts import read_records
from artgrab.common.records import Candidate, Record, RecordOutcome
from artgrab.common.store import ObjectInfo, Store
from artgrab.downloader.errors import RetryLaterError
from artgrab.downloader.ledgers import Ledgers, Verdict, VerdictOutcome
from artgrab.downloader.recollections import MAX_WAYS
from tests.support.failing_store import GatedStore

IDS = [digit * 64 for digit in "abc"]
QUERIES = ["", "cats", "dogs"]
Sent = list[tuple[str, str, int | None]]
"""Id, query, and the step at which the stream gives the candidate up."""


@dataclass
class Worker:
    """Does the work of a candidate as the plan says, and notes what it did."""

    plans: dict[str, list[str]]
    running: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    clock: "count[int]" = field(default_factory=count)

    async def __call__(self, candidate: Candidate) -> Record:
        key = candidate.candidate_id
        self.running[key] += 1
        assert self.running[key] == 1, "two work on one candidate"
        try:
            for _ in range(3):
                await asyncio.sleep(0)
            plan = self.plans[key].pop(0) if self.plans[key] else "STORED"
            if plan == "later":
                raise RetryLaterError("host-busy", retry_after=1)
            self.done[key] += 1
            return self._record(candidate, plan)
        finally:
            self.running[key] -= 1

    def _record(self, candidate: Candidate, plan: str) -> Record:
        return Record(
            candidate=candidate,
            outcome=RecordOutcome(plan.removeprefix("passing ")),
            reason="http-501" if plan != "STORED" else "",
            passing=plan.startswith("passing"),
            run_id="run-1",
            retrieved_at=f"{next(self.clock):06}",
            filters_digest="f",
        )


def candidate(key: str, query: str) -> Candidate:
    return Candidate(candidate_id=key, url=f"http://a.test/{key}", source="gallery", query=query)


plans = st.fixed_dictionaries(
    {
        key: st.lists(
            st.sampled_from(["STORED", "REJECTED", "FAILED", "passing FAILED", "later"]), max_size=3
        )
        for key in IDS
    }
)
sent = st.lists(
    st.tuples(st.sampled_from(IDS), st.sampled_from(QUERIES), st.none() | st.integers(0, 8)),
    max_size=12,
)


async def run(store: Store, worker: Worker, streams: list[Sent]) -> None:
    """Settle the candidates of each stream at once; some are given up at some step."""
    ledgers = Ledgers(store)
    for stream in streams:
        async with ledgers.open("default", "cats", run_id="run-1", filters_digest="f") as desk:
            tasks = [
                asyncio.create_task(desk.settle(candidate(key, query), worker))
                for key, query, _ in stream
            ]
            for step in range(9):
                await asyncio.sleep(0)
                for task, (_, _, given_up_at) in zip(tasks, stream, strict=True):
                    if given_up_at == step:
                        task.cancel()
            found = await asyncio.gather(*tasks, return_exceptions=True)
            check_durable(store, stream, found)


def check_durable(
    store: Store,
    stream: Sent,
    found: list[Verdict | BaseException],
) -> None:
    """Check that what each verdict says can be read back from the store."""
    records = read_records(store, namespace="default", category="cats")
    for (key, query, _), verdict in zip(stream, found, strict=True):
        if isinstance(verdict, asyncio.CancelledError):
            continue
        assert isinstance(verdict, Verdict)
        if verdict.outcome is VerdictOutcome.RETRY_LATER:
            continue
        outcome = records[key].record.outcome
        assert outcome in (verdict.outcome, verdict.reason)
        assert query in {sighting.query for sighting in records[key].sightings}


@given(plans, st.lists(sent, min_size=1, max_size=2))
@settings(max_examples=25, deadline=None)
def test_verdicts_are_durable_and_no_candidate_is_done_twice(
    plan: dict[str, list[str]], streams: list[Sent]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        worker = Worker(plan)
        asyncio.run(run(Store.open(folder), worker, streams))
        assert all(times <= 1 for times in worker.done.values())


async def test_a_failure_worth_it_gets_one_second_try_in_a_run_over_all_streams() -> None:
    async def work(one: Candidate) -> Record:
        return Record(
            candidate=one,
            outcome=RecordOutcome.FAILED,
            reason="http-500",
            passing=True,
            run_id="run-1",
            retrieved_at="",
        )

    with tempfile.TemporaryDirectory() as folder:
        ledgers = Ledgers(Store.open(folder))
        found = []
        for _ in range(3):
            async with ledgers.open("default", "cats", run_id="run-1", filters_digest="") as desk:
                found.append((await desk.settle(candidate(IDS[0], ""), work)).outcome)
    assert found == ["RETRY_LATER", "FAILED", "ALREADY_RECORDED"]


async def test_the_ledger_is_read_again_when_no_stream_holds_it() -> None:
    """Another process may have written in between."""
    worker = Worker({key: [] for key in IDS})
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(folder)
        mine, others = Ledgers(store), Ledgers(store)
        options = {"run_id": "run-1", "filters_digest": "f"}
        async with mine.open("default", "cats", **options):
            pass
        async with others.open("default", "cats", **options) as desk:
            await desk.settle(candidate(IDS[0], ""), worker)
        async with mine.open("default", "cats", **options) as desk:
            verdict = await desk.settle(candidate(IDS[0], ""), worker)
    assert verdict == Verdict(VerdictOutcome.ALREADY_RECORDED, "STORED")


async def test_a_stream_that_comes_while_another_still_writes_does_nothing_twice(
    tmp_path: Path,
) -> None:
    worker, store = Worker({key: [] for key in IDS}), GatedStore.open(str(tmp_path))
    ledgers = Ledgers(store)

    async def stream(*, broken_off: bool) -> Verdict | None:
        async with ledgers.open("default", "cats", run_id="run-1", filters_digest="f") as desk:
            task = asyncio.create_task(desk.settle(candidate(IDS[0], ""), worker))
            if broken_off:
                await store.asked.wait()
                task.cancel()
                return None
            return await task

    first = asyncio.create_task(stream(broken_off=True))
    await store.asked.wait()
    second = asyncio.create_task(stream(broken_off=False))
    await asyncio.wait([first, second], timeout=0.05)  # time in which to do wrong
    store.gate.set()
    await asyncio.gather(first, second)
    assert worker.done[IDS[0]] == 1
    assert len(store.puts) == 1


class MeetingStore(Store):
    """Tells whether two ever listed at once: the first waits for the second for a while."""

    met = False

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        with suppress(threading.BrokenBarrierError):
            self._barrier.wait(timeout=0.3)
            self.met = True
        return super().list(prefix)

    _barrier = threading.Barrier(2)


async def test_what_is_recorded_of_a_category_is_read_once_at_a_time(tmp_path: Path) -> None:
    store = MeetingStore.open(str(tmp_path))
    ledgers = Ledgers(store)

    async def hello() -> None:
        async with ledgers.open("default", "cats", run_id="r", filters_digest="f"):
            pass

    await asyncio.gather(hello(), hello())
    assert not store.met  # whoever opens streams by the hundred fills no memory


async def test_a_url_that_is_found_again_and_again_is_bounded(tmp_path: Path) -> None:
    store, worker = Store.open(str(tmp_path)), Worker({IDS[0]: []})
    first, *ways = (candidate(IDS[0], str(number)) for number in range(MAX_WAYS + 20))
    async with Ledgers(store).open("art", "cats", run_id="run-1", filters_digest="f") as desk:
        await desk.settle(first, worker)
        for some in (ways[: MAX_WAYS - 1], ways[MAX_WAYS - 1 :]):
            await asyncio.gather(*(desk.settle(one, worker) for one in some))
    (merged,) = read_records(store, namespace="art", category="cats").values()
    assert len(merged.sightings) == MAX_WAYS
