"""The queue of the operator: each key once at a time, none forgotten, failures further apart."""

import asyncio
from collections.abc import Iterator

import hypothesis.strategies as st
import pytest
from hypothesis import given

from artgrab.operator.health import Health
from artgrab.operator.work import Agenda, LookAgainError, Pauses, WorkQueue
from tests.support.operator_world import settings_of
from tests.support.waiting import eventually

_PAUSES = Pauses(first=1.0, longest=60.0)


def test_a_key_asked_for_twice_is_done_once() -> None:
    agenda = Agenda[str]()
    agenda.add("a", 0)
    agenda.add("a", 1)
    assert agenda.take(2) == "a"
    assert agenda.take(2) is None


def test_a_key_asked_for_while_it_is_done_is_done_again_afterwards() -> None:
    agenda = Agenda[str]()
    agenda.add("a", 0)
    agenda.take(0)
    agenda.add("a", 1)
    assert agenda.take(1) is None
    agenda.done("a", 2, again_after=None)
    assert agenda.take(2) == "a"


def test_a_key_is_done_again_when_its_time_has_come() -> None:
    agenda = Agenda[str]()
    agenda.add("a", 0)
    agenda.take(0)
    agenda.done("a", 1, again_after=30)
    assert agenda.next_at() == 31
    assert agenda.take(30.9) is None
    assert agenda.take(31) == "a"


def test_a_key_asked_for_earlier_is_not_done_again_at_its_time() -> None:
    agenda = Agenda[str]()
    agenda.add("a", 0)
    agenda.take(0)
    agenda.done("a", 0, again_after=30)
    agenda.add("a", 5)
    agenda.take(5)
    agenda.done("a", 5, again_after=None)
    assert agenda.take(100) is None


def test_failures_of_a_key_are_further_and_further_apart() -> None:
    agenda = Agenda[str](_PAUSES)
    pauses = []
    now = 0.0
    agenda.add("a", now)
    for _ in range(8):
        assert agenda.take(now) == "a"
        pauses.append(agenda.failed("a", now, chance=1.0))
        now += pauses[-1]
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    agenda.take(now)
    agenda.done("a", now, again_after=None)
    agenda.add("a", now)
    agenda.take(now)
    assert agenda.failed("a", now, chance=0.0) == 0.5


def test_news_of_a_key_that_failed_do_not_hurry_it() -> None:
    agenda = Agenda[str](_PAUSES)
    agenda.add("a", 0)
    agenda.take(0)
    agenda.add("a", 0)
    agenda.failed("a", 0, chance=1.0)
    assert agenda.take(0.5) is None
    assert agenda.take(1) == "a"


@given(
    st.lists(st.tuples(st.sampled_from(["add", "take", "done", "fail"]), st.sampled_from("abc")))
)
def test_no_key_is_lost_or_done_twice_at_once(steps: list[tuple[str, str]]) -> None:
    agenda = Agenda[str](_PAUSES)
    asked: set[str] = set()
    under_way: set[str] = set()
    now = 0.0
    for step, key in steps:
        now += 1
        match step:
            case "add":
                agenda.add(key, now)
                asked.add(key)
            case "take":
                taken = agenda.take(now)
                assert taken not in under_way
                if taken is not None:
                    under_way.add(taken)
                    asked.discard(taken)
            case "done" if key in under_way:
                agenda.done(key, now, again_after=None)
                under_way.discard(key)
            case "fail" if key in under_way:
                agenda.failed(key, now, chance=0.5)
                under_way.discard(key)
                asked.add(key)
    for key in under_way:
        agenda.done(key, now, again_after=None)
    rest = set(iter(lambda: agenda.take(now + 1000), None))
    assert rest >= asked


class _Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_workers_do_what_is_asked_for_and_tell_of_it() -> None:
    done: list[str] = []
    told: list[str] = []

    async def reconcile(key: str) -> float | None:
        done.append(key)
        if key == "late":
            raise LookAgainError("it changed")
        if key == "broken":
            raise ValueError("a bug")
        return None

    queue = WorkQueue[str](
        reconcile, clock=_Clock(), chance=lambda: 1.0, told=lambda what, _: told.append(what)
    )
    task = asyncio.create_task(queue.work(2))
    for key in ("a", "late", "broken", "b"):
        queue.add(key)
    await eventually(lambda: len(told) == 4)
    task.cancel()
    assert sorted(done) == ["a", "b", "broken", "late"]
    assert sorted(told) == ["done", "done", "error", "look_again"]


async def test_a_key_that_time_asks_for_is_done_without_news() -> None:
    times: Iterator[float | None] = iter([0.001, None])
    done: list[str] = []

    async def reconcile(key: str) -> float | None:
        done.append(key)
        return next(times)

    queue = WorkQueue[str](reconcile, clock=asyncio.get_running_loop().time)
    task = asyncio.create_task(queue.work(1))
    queue.add("a")
    await eventually(lambda: len(done) == 2)
    task.cancel()


def test_a_worker_that_hangs_is_noticed() -> None:
    clock = _Clock()
    agenda = Agenda[str]()
    agenda.add("a", clock())
    agenda.take(clock())
    clock.now = 200
    health = Health(settings_of(), clock, lambda: clock() - (agenda.still_since() or 0))
    assert health.trouble() == "a look has taken, or not begun for, 200 s"


def test_a_long_line_that_moves_is_no_trouble() -> None:
    agenda = Agenda[str]()
    for key in "abc":
        agenda.add(key, 0)
    for now in (100, 200):
        agenda.done(agenda.take(now) or "", now, again_after=None)
    assert agenda.still_since() == 200
    agenda.done(agenda.take(300) or "", 300, again_after=None)
    assert agenda.still_since() is None


@pytest.mark.parametrize(("age", "healthy"), [(899, True), (901, False)])
def test_a_resync_that_does_not_come_is_noticed(age: float, healthy: bool) -> None:
    clock = _Clock()
    health = Health(settings_of(), clock, lambda: 0.0)
    health.resynced()
    clock.now = age
    assert (health.trouble() == "") is healthy
