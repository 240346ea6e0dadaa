"""The lease: one holder at a time, whoever is killed or paused wherever; nothing left behind."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from obstore.store import MemoryStore

from artgrab.common.errors import StoreBusyError, SurroundingsError
from artgrab.common.store import Store
from artgrab.common.store.lease_holders import Holder, is_gone, this_process
from artgrab.common.store.leases import (
    GIVE_UP_SECONDS,
    LEASE_SECONDS,
    PREFIX,
    Lease,
    LeaseLostError,
    lock_key,
)
from tests.support.lease_world import Actor, Time, World, holder


def lease(store: Store, token: str, time: Time, **more: object) -> Lease:
    return Lease(store, me=holder(token), clock=time, sleep=time.sleep, **more)  # type: ignore[arg-type]  # any options of a lease


def memory(backend: MemoryStore | None = None) -> Store:
    return Store(backend or MemoryStore(), uri="memory")


def keys(store: Store) -> list[str]:
    return [one.key for one in store.list(PREFIX)]


@pytest.fixture
def store() -> Store:
    return memory()


@pytest.fixture
def time() -> Time:
    return Time()


def test_what_is_taken_and_released_leaves_nothing(store: Store, time: Time) -> None:
    one = lease(store, "a", time)
    one.take()
    one.beat()
    one.check()
    assert keys(store) == [".lock/1", ".lock/1.a"]
    one.release()
    assert keys(store) == []


def test_a_holder_that_beats_is_left_alone(store: Store, time: Time) -> None:
    first = lease(store, "a", time)
    first.take()

    def sleep(seconds: float) -> None:
        time.sleep(seconds)
        first.beat()

    second = Lease(store, me=holder("b"), clock=time, sleep=sleep)
    with pytest.raises(StoreBusyError, match="process 7 on there"):
        second.take()
    assert time.now < LEASE_SECONDS
    first.check()


def test_a_silent_holder_is_taken_over_only_after_it_knows_of_its_end(
    store: Store, time: Time
) -> None:
    first, second = lease(store, "a", time), lease(store, "b", time)
    first.take()
    second.take()
    assert LEASE_SECONDS <= time.now < LEASE_SECONDS + 3
    with pytest.raises(LeaseLostError, match="could not be reached for 3"):
        first.check()
    second.check()
    assert keys(store) == [".lock/2", ".lock/2.b"]


def test_a_holder_gives_up_before_anybody_may_take_over(store: Store, time: Time) -> None:
    one = lease(store, "a", time)
    one.take()
    time.sleep(GIVE_UP_SECONDS)
    one.check()
    time.sleep(0.1)
    with pytest.raises(LeaseLostError, match="run the same again"):
        one.check()


def test_who_wakes_after_another_took_over_loses_and_takes_nothing_away(
    store: Store, time: Time
) -> None:
    first, second = lease(store, "a", time), lease(store, "b", time)
    first.take()
    second.take()
    first.beat()
    with pytest.raises(LeaseLostError, match="another artgrab run has taken it over"):
        first.check()
    first.release()
    second.beat()
    second.check()
    assert keys(store) == [".lock/2", ".lock/2.b"]


def test_a_late_release_takes_nothing_from_whoever_has_the_same_number_now(
    store: Store, time: Time
) -> None:
    first, second, third = (lease(store, name, time) for name in "abc")
    first.take()
    second.take()
    second.release()
    third.take()
    first.release()
    third.beat()
    third.check()
    assert keys(store) == [".lock/1", ".lock/1.c"]


class SlowStore(Store):
    """Takes its time over every put."""

    time: Time
    seconds = 0.0

    def put(self, key: str, data: bytes) -> None:
        super().put(key, data)
        self.time.sleep(self.seconds)


def test_a_slow_beat_counts_from_its_beginning(time: Time) -> None:
    store = SlowStore(MemoryStore(), uri="memory")
    store.time = time
    one = lease(store, "a", time)
    one.take()
    store.seconds = GIVE_UP_SECONDS - 1
    one.beat()
    one.check()
    time.sleep(2)
    with pytest.raises(LeaseLostError):
        one.check()


def test_a_late_beat_of_a_lost_holder_does_not_disturb_the_next(store: Store, time: Time) -> None:
    first, second, third = (lease(store, name, time) for name in "abc")
    first.take()
    second.take()
    second.release()
    third.take()
    first.beat()
    third.beat()
    third.check()
    third.release()
    with pytest.raises(LeaseLostError):
        first.check()


def test_a_holder_known_to_be_gone_is_taken_over_at_once(store: Store, time: Time) -> None:
    lease(store, "a", time).take()
    second = lease(store, "b", time, gone=lambda one: one.token == "a")
    second.take()
    assert time.now == 0


def test_a_lock_that_nobody_can_read_is_watched_like_any_other(store: Store, time: Time) -> None:
    store.put(lock_key(4), b"what a newer artgrab writes")
    lease(store, "a", time).take()
    assert time.now >= LEASE_SECONDS
    assert keys(store) == [".lock/5", ".lock/5.a"]


class Unconditional(Store):
    """A server that has never heard of If-None-Match."""

    def put_if_absent(self, key: str, data: bytes) -> bool:
        self.put(key, data)
        return True


def test_a_server_without_conditional_puts_is_refused(time: Time) -> None:
    store = Unconditional(MemoryStore(), uri="memory")
    with pytest.raises(SurroundingsError, match="overwrites where it is told not to"):
        lease(store, "a", time).take()
    assert keys(store) == []


def test_this_process_is_not_gone_and_nobody_elses_is_known_to_be() -> None:
    me = this_process()
    assert me.started
    assert not is_gone(me)
    assert not is_gone(holder("far away"))


@pytest.mark.parametrize("other", ["boot_id", "pid_namespace", "host"])
def test_a_process_of_another_machine_or_container_is_never_called_gone(other: str) -> None:
    fields = {name: getattr(this_process(), name) for name in Holder.__struct_fields__}
    gone = Holder(**fields | {"started": "0"})
    assert is_gone(gone)
    assert not is_gone(Holder(**fields | {"started": "0", other: "another"}))


ENOUGH = 300
"""Requests for a watch over a silent holder and a taking after it."""
REQUESTS = 11
"""More than a taking makes up to the moment when it is sure."""


@pytest.mark.parametrize("first", range(REQUESTS))
def test_a_release_in_the_middle_of_a_takeover_lets_one_in_at_most(first: int) -> None:
    for second in range(REQUESTS):
        for third in range(0, REQUESTS, 2):
            _release_between(first, second, third)


def _release_between(first: int, second: int, third: int) -> None:
    """A lives, but is thought to be gone: it releases while B takes over and C comes as well."""
    world = World()
    old = lease(memory(world.backend), "a", world.time)
    old.take()
    b, c = (
        world.add(name, gone=lambda one: one.token == "a", script=Actor.take_and_keep)
        for name in "bc"
    )
    try:
        world.step(b, first)
        old.release()
        for actor, requests in ((c, second), (b, third), (c, ENOUGH), (b, ENOUGH)):
            world.step(actor, requests)
        assert b.takings + c.takings >= 1, f"after {first}, {second} and {third} requests"
    finally:
        world.finish()


STEPS = st.lists(
    st.tuples(
        st.integers(0, 2),  # who
        st.integers(1, 12),  # how many requests
        st.sampled_from([0.0, 0.0, 0.0, 1.0, 6.0, 19.0, 31.0]),  # seconds before
        st.sampled_from([False] * 11 + [True]),  # killed then
    ),
    max_size=40,
)


@given(steps=STEPS)
@settings(max_examples=150)
def test_however_requests_pauses_and_kills_fall_there_is_one_holder_and_work_goes_on(
    steps: list[tuple[int, int, float, bool]],
) -> None:
    world = World()
    for name in "abc":
        world.add(name)
    try:
        for who, requests, seconds, killed in steps:
            world.time.now += seconds
            world.step(world.actors[who], requests)
            world.actors[who].killed |= killed
        last = world.add("last")
        for _ in range(ENOUGH):
            world.step(last)
            if last.takings and not last.lease:
                break
        assert last.takings, f"nobody can take it any more: {keys(memory(world.backend))}"
    finally:
        world.finish()
