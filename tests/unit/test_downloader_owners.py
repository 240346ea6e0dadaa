"""Several downloaders: each site is one's own, and changes hands with a pause."""

from hypothesis import given
from hypothesis import strategies as st

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
