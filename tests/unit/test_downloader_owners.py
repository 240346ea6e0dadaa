"""Several downloaders: each site is one's own, and changes hands with a pause."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artgrab.common.rendezvous import owner
from artgrab.downloader.errors import RetryLaterError
from artgrab.downloader.owners import Owners

ADDRESSES = ["10.0.0.1:50051", "10.0.0.2:50051", "10.0.0.3:50051"]
SITES = [f"site-{number}.test" for number in range(60)]


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def team(addresses: list[str], clock: Clock) -> dict[str, Owners]:
    return {one: Owners(one, addresses, interval=5, clock=clock) for one in addresses}


def test_alone_it_owns_every_site_at_once() -> None:
    owners = Owners("", [], interval=5)
    assert all(owners.wait(site) == 0 for site in SITES)


def test_each_site_has_exactly_one_owner_once_the_pause_is_over() -> None:
    clock = Clock()
    members = team(ADDRESSES, clock)
    clock.now += 5
    for site in SITES:
        assert sorted(owners.wait(site) for owners in members.values()) == [0, 5, 5]
    assert all(any(one.wait(site) == 0 for site in SITES) for one in members.values())


def test_a_newcomer_lets_one_interval_pass() -> None:
    clock = Clock()
    owners = Owners(ADDRESSES[0], ADDRESSES[:1], interval=5, clock=clock)
    assert owners.wait("a.test") == 5
    clock.now += 3
    assert owners.wait("a.test") == 2
    clock.now += 2
    assert owners.wait("a.test") == 0


@given(st.sampled_from(SITES), st.floats(0, 4.9))
def test_no_two_fetch_from_a_site_while_one_member_leaves(site: str, passed: float) -> None:
    clock = Clock()
    members = team(ADDRESSES, clock)
    clock.now += 5
    before = [one for one in ADDRESSES if members[one].wait(site) == 0]
    rest = ADDRESSES[:2]
    for one in rest:
        members[one].update(rest)
    clock.now += passed
    now = [one for one in rest if members[one].wait(site) == 0]
    assert set(now) <= set(before)
    clock.now += 5
    assert len([one for one in rest if members[one].wait(site) == 0]) == 1


def test_an_empty_look_up_changes_nothing() -> None:
    clock = Clock()
    owners = Owners(ADDRESSES[0], ADDRESSES[:1], interval=5, clock=clock)
    clock.now += 6
    owners.update([])
    assert owners.wait("a.test") == 0


STEPS = 4
"""Looks and changes come at steps; an interval has so many."""
changes = st.lists(
    st.tuples(st.integers(0, 6), st.sets(st.sampled_from(ADDRESSES), min_size=1)), max_size=8
)
pauses = st.lists(st.lists(st.integers(1, STEPS), min_size=1, max_size=5), min_size=3, max_size=3)


@given(st.sampled_from(SITES), changes, pauses)
def test_whoever_comes_and_goes_when_no_two_ever_fetch_from_one_site(
    site: str, changes: list[tuple[int, set[str]]], pauses: list[list[int]]
) -> None:
    clock = Clock()
    truth = set(ADDRESSES)
    members = {one: Owners(one, sorted(truth), interval=STEPS, clock=clock) for one in ADDRESSES}
    looks = dict.fromkeys(ADDRESSES, 0)
    number = 0
    for steps, after in [*changes, (3 * STEPS, truth)]:
        for _ in range(steps):
            for (one, owners), between in zip(members.items(), pauses, strict=True):
                if looks[one] <= number:
                    owners.update(sorted(truth))
                    looks[one] = number + between[number % len(between)]
            assert [one.wait(site) for one in members.values()].count(0) <= 1
            clock.now += 1
            number += 1
        truth = after
    assert [one.wait(site) for one in members.values()].count(0) == 1, "it is somebody's at last"


def test_who_gets_a_site_twice_within_an_interval_still_waits_for_whom_it_was_before() -> None:
    clock, site = Clock(), _of(ADDRESSES[2])
    heir = owner(site, ADDRESSES[:2])
    owners = Owners(heir, ADDRESSES, interval=5, clock=clock)
    clock.now += 5
    owners.update(ADDRESSES[:2])
    clock.now += 1
    owners.update([heir])
    assert owners.wait(site) == 4


def _of(address: str) -> str:
    return next(site for site in SITES if owner(site, ADDRESSES) == address)


async def test_what_is_under_way_of_a_site_ends_when_the_site_is_another_s() -> None:
    clock = Clock()
    owners = Owners(ADDRESSES[0], ADDRESSES[:1], interval=5, clock=clock)
    clock.now += 5
    lost, kept = _of(ADDRESSES[1]), _of(ADDRESSES[0])
    ended: list[str] = []

    async def work(site: str) -> None:
        async with owners.tenure(site):
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(site)

    tasks = [asyncio.create_task(work(site)) for site in (lost, kept, lost)]
    await asyncio.sleep(0)
    owners.update(ADDRESSES)
    await asyncio.wait([tasks[0], tasks[2]])
    assert ended == [lost, lost]
    for task in (tasks[0], tasks[2]):
        error = task.exception()
        assert isinstance(error, RetryLaterError)
        assert (error.reason, error.retry_after) == ("other-owner", 5)
    assert not tasks[1].done()
    tasks[1].cancel()
    await asyncio.wait(tasks)
    owners.update(ADDRESSES[1:])  # nothing is left that it could end


async def test_a_time_out_of_the_work_itself_is_its_own() -> None:
    owners = Owners("", [], interval=5)
    with pytest.raises(TimeoutError):
        async with owners.tenure("a.test"):
            raise TimeoutError


async def test_a_site_of_another_is_not_begun() -> None:
    owners = Owners(ADDRESSES[0], ADDRESSES, interval=5)
    with pytest.raises(RetryLaterError, match="other-owner"):
        async with owners.tenure(_of(ADDRESSES[1])):
            raise AssertionError
