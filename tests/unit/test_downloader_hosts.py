"""Politeness towards a site, under a clock of the test's own."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest

from artgrab.downloader.errors import FetchError, RetryLaterError
from artgrab.downloader.hosts import MAX_REFUSALS, MAX_STRIKES, MAX_TROUBLES, Hosts
from artgrab.downloader.settings import DownloaderSettings
from tests.support.polite import Clock, hosts, settle_down


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def hold(polite: Hosts, site: str, entered: list[str], leave: asyncio.Event) -> None:
    async with polite.turn(site):
        entered.append(site)
        await leave.wait()


async def run_turns(polite: Hosts, count: int, each: Callable[[], Awaitable[None]]) -> None:
    async def one() -> None:
        async with polite.turn("a.test"):
            await each()

    await asyncio.gather(*(one() for _ in range(count)))


async def test_a_site_gets_no_more_fetches_at_once_than_allowed(clock: Clock) -> None:
    polite, entered, leave = hosts(clock, host_concurrency=2), list[str](), asyncio.Event()
    tasks = [
        asyncio.create_task(hold(polite, site, entered, leave))
        for site in ["a.test"] * 5 + ["b.test"]
    ]
    await settle_down()
    assert sorted(entered) == ["a.test", "a.test", "b.test"]
    leave.set()
    await asyncio.gather(*tasks)
    assert entered.count("a.test") == 5


async def test_fetches_start_apart_by_the_spacing(clock: Clock) -> None:
    polite = hosts(clock, host_concurrency=1, host_spacing_seconds=2)
    starts: list[float] = []

    async def note() -> None:
        starts.append(clock())

    await run_turns(polite, 4, note)
    gaps = [later - sooner for sooner, later in pairwise(starts)]
    assert min(gaps) >= 2


async def test_a_crawl_delay_is_kept_up_to_the_bound(clock: Clock) -> None:
    polite = hosts(clock, host_concurrency=1, max_crawl_delay_seconds=5)
    polite.slow_down("a.test", spacing=3600)
    starts: list[float] = []

    async def note() -> None:
        starts.append(clock())

    await run_turns(polite, 2, note)
    assert starts[1] - starts[0] == 5


async def test_fetches_that_waited_behind_other_sites_start_apart_too(clock: Clock) -> None:
    polite = hosts(clock, max_fetches=2, host_spacing_seconds=2)
    starts, entered, leave = list[float](), list[str](), asyncio.Event()

    async def others(site: str) -> None:
        async with polite.turn(site, gated=True):
            entered.append(site)
            await leave.wait()

    async def ours() -> None:
        async with polite.turn("a.test", gated=True):
            starts.append(clock())

    tasks = [asyncio.create_task(others(site)) for site in ("b.test", "c.test")]
    await settle_down()
    assert len(entered) == 2, "all places are taken"
    tasks += [asyncio.create_task(ours()) for _ in range(2)]
    await settle_down()
    leave.set()
    await asyncio.gather(*tasks)
    assert starts[1] - starts[0] >= 2


async def test_who_waits_for_a_start_asks_no_site_that_wants_a_rest_meanwhile() -> None:
    go, leave, clock = asyncio.Event(), asyncio.Event(), Clock()
    leave.set()

    async def sleep(seconds: float) -> None:
        await go.wait()

    polite = Hosts(DownloaderSettings(host_spacing_seconds=2), clock=clock, sleep=sleep)
    async with polite.turn("a.test"):
        second = asyncio.create_task(hold(polite, "a.test", [], leave))
        await settle_down()
        polite.hold_off("a.test", retry_after=60)
    go.set()
    with pytest.raises(RetryLaterError):
        await second


async def test_a_turn_can_be_put_off(clock: Clock) -> None:
    polite, before = hosts(clock), clock()
    for _ in range(2):
        polite.postpone("a.test", seconds=3)
    async with polite.turn("b.test"):
        assert clock() == before
    async with polite.turn("a.test"):
        assert clock() == before + 6


async def sent_away(polite: Hosts, site: str) -> float:
    with pytest.raises(RetryLaterError, match="host-busy") as caught:
        async with polite.turn(site):
            pass
    return caught.value.retry_after


async def learn(polite: Hosts, clock: Clock, seconds: float) -> None:
    """Let one fetch take so long."""
    async with polite.turn("a.test"):
        clock.now += seconds


async def test_a_full_queue_sends_away_and_each_one_later_than_the_one_before(
    clock: Clock,
) -> None:
    polite, leave = hosts(clock, host_concurrency=1, host_queue=3), asyncio.Event()
    await learn(polite, clock, 0.5)
    tasks = [asyncio.create_task(hold(polite, "a.test", [], leave)) for _ in range(4)]
    await settle_down()
    told = [await sent_away(polite, "a.test") for _ in range(3)]
    assert told == [2, 2.5, 3]
    async with polite.turn("b.test"):
        pass  # a busy site is in nobody else's way
    leave.set()
    await asyncio.gather(*tasks)
    async with polite.turn("a.test"):
        pass


async def test_who_came_again_makes_room_for_the_next_promise(clock: Clock) -> None:
    polite, leave = hosts(clock, host_concurrency=1, host_queue=3), asyncio.Event()
    await learn(polite, clock, 0.5)
    tasks = [asyncio.create_task(hold(polite, "a.test", [], leave)) for _ in range(4)]
    await settle_down()
    for _ in range(3):
        await sent_away(polite, "a.test")
    clock.now += 2.75  # as long as the one under way takes by now
    assert await sent_away(polite, "a.test") == 2.75 * (3 + 1 + 1)
    leave.set()
    await asyncio.gather(*tasks)


async def test_before_anything_is_known_of_a_site_the_promise_is_short(clock: Clock) -> None:
    polite, leave = hosts(clock, host_concurrency=1, host_queue=1), asyncio.Event()
    tasks = [asyncio.create_task(hold(polite, "a.test", [], leave)) for _ in range(2)]
    await settle_down()
    assert [await sent_away(polite, "a.test") for _ in range(3)] == [1, 1, 1]
    leave.set()
    await asyncio.gather(*tasks)


async def test_a_long_expected_wait_sends_away_before_the_queue_is_full(clock: Clock) -> None:
    polite = hosts(clock, host_concurrency=1, host_spacing_seconds=10, host_wait_seconds=15)
    leave = asyncio.Event()
    tasks = [asyncio.create_task(hold(polite, "a.test", [], leave)) for _ in range(3)]
    await settle_down()
    with pytest.raises(RetryLaterError, match="host-busy"):
        async with polite.turn("a.test"):
            pass
    leave.set()
    await asyncio.gather(*tasks)


async def test_a_fetch_that_takes_long_makes_the_expected_wait_long_before_it_ends(
    clock: Clock,
) -> None:
    polite, leave = hosts(clock, host_concurrency=1, host_wait_seconds=15), asyncio.Event()
    tasks = [asyncio.create_task(hold(polite, "a.test", [], leave)) for _ in range(3)]
    await settle_down()
    clock.now += 7
    tasks.append(asyncio.create_task(hold(polite, "a.test", [], leave)))
    await settle_down()
    assert not tasks[-1].done(), "two wait for 7 seconds each"
    clock.now += 1
    assert await sent_away(polite, "a.test") == 8 * (3 + 1)
    leave.set()
    await asyncio.gather(*tasks)


async def test_a_fetch_that_fails_tells_as_well_how_long_fetches_take(clock: Clock) -> None:
    polite, leave = hosts(clock, host_concurrency=1, host_queue=1), asyncio.Event()

    async def time_out() -> None:
        clock.now += 10
        raise FetchError("read-timeout", passing=True)

    with pytest.raises(FetchError):
        await run_turns(polite, 1, time_out)
    tasks = [asyncio.create_task(hold(polite, "a.test", [], leave)) for _ in range(2)]
    await settle_down()
    assert await sent_away(polite, "a.test") == 10 * (1 + 1)
    leave.set()
    await asyncio.gather(*tasks)


async def test_a_site_that_asked_for_rest_is_left_alone_so_long(clock: Clock) -> None:
    polite = hosts(clock)
    assert polite.hold_off("a.test", retry_after=30) == 30
    with pytest.raises(RetryLaterError) as caught:
        async with polite.turn("a.test"):
            pass
    assert caught.value.retry_after == pytest.approx(30)
    clock.now += 31
    async with polite.turn("a.test"):
        pass


async def test_those_who_wait_are_sent_away_when_rest_is_asked_for(clock: Clock) -> None:
    polite, leave = hosts(clock, host_concurrency=1), asyncio.Event()
    first = asyncio.create_task(hold(polite, "a.test", [], leave))
    second = asyncio.create_task(hold(polite, "a.test", [], leave))
    await settle_down()
    polite.hold_off("a.test", retry_after=30)
    leave.set()
    await first
    with pytest.raises(RetryLaterError):
        await second


def test_rest_is_bounded_and_grows_where_the_site_names_no_time(clock: Clock) -> None:
    polite = hosts(clock, max_hold_seconds=20)
    assert polite.hold_off("a.test", retry_after=86400) == 20
    seconds = [polite.hold_off("b.test", retry_after=None) for _ in range(MAX_STRIKES)]
    assert seconds == [2, 4, 8, 16, 20, 20]


def test_a_site_that_always_asks_for_rest_is_given_up_until_it_answers_well(clock: Clock) -> None:
    polite = hosts(clock)
    for _ in range(MAX_STRIKES):
        assert polite.hold_off("a.test", retry_after=1) == 1
    assert polite.hold_off("a.test", retry_after=1) is None
    polite.forgive("a.test")
    assert polite.hold_off("a.test", retry_after=1) == 1


async def test_a_site_that_is_down_keeps_nobody_waiting_and_is_tried_again(clock: Clock) -> None:
    polite = hosts(clock)
    for _ in range(MAX_TROUBLES):
        async with polite.turn("a.test"):
            pass
        polite.note_trouble("a.test")
    with pytest.raises(FetchError, match="host-down") as caught:
        async with polite.turn("a.test"):
            pass
    assert caught.value.passing
    clock.now += 61
    async with polite.turn("a.test"):
        polite.note_trouble("a.test")
    with pytest.raises(FetchError, match="host-down"):
        async with polite.turn("a.test"):
            pass
    clock.now += 61
    async with polite.turn("a.test"):
        polite.forgive("a.test")
    polite.note_trouble("a.test")
    async with polite.turn("a.test"):
        pass


async def go_down(polite: Hosts) -> None:
    for _ in range(MAX_TROUBLES):
        polite.note_trouble("a.test")


async def test_after_its_rest_a_site_that_was_down_is_tried_by_one_alone(clock: Clock) -> None:
    polite, entered, leave = hosts(clock, host_concurrency=2), list[str](), asyncio.Event()
    waiting = [asyncio.create_task(hold(polite, "a.test", [], leave)) for _ in range(3)]
    await settle_down()
    await go_down(polite)
    leave.set()
    ends = await asyncio.gather(*waiting, return_exceptions=True)
    assert [str(one) for one in ends if one] == ["host-down"], "who waited does not try either"
    clock.now += 61
    leave.clear()
    probe = asyncio.create_task(hold(polite, "a.test", entered, leave))
    await settle_down()
    for _ in range(3):
        assert await sent_away(polite, "a.test") > 0
    polite.note_answer("a.test")
    second = asyncio.create_task(hold(polite, "a.test", entered, leave))
    await settle_down()
    assert entered == ["a.test", "a.test"], "it answers: all is as before"
    leave.set()
    await asyncio.gather(probe, second)


async def test_of_two_who_wait_for_a_site_that_was_down_one_alone_tries_it(clock: Clock) -> None:
    polite, leave = hosts(clock, host_concurrency=2), asyncio.Event()
    await go_down(polite)
    clock.now += 61
    both = [asyncio.create_task(hold(polite, "a.test", [], leave)) for _ in range(2)]
    await settle_down()
    leave.set()
    first, second = await asyncio.gather(*both, return_exceptions=True)
    assert first is None
    assert isinstance(second, RetryLaterError)


async def test_sites_that_all_rest_are_bounded_as_well_and_the_longest_rests_are_kept(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("artgrab.downloader.hosts._MAX_HOSTS", 10)
    polite = hosts(clock)
    for _ in range(MAX_REFUSALS):
        polite.note_refusal("blocks.test")
    for number in range(100):
        polite.hold_off(f"{number}.test", retry_after=60)
    assert len(polite._hosts) <= 10
    with pytest.raises(FetchError, match="site-blocks-us"):
        async with polite.turn("blocks.test"):
            pass


async def test_many_idle_sites_are_forgotten_and_a_held_one_is_not(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("artgrab.downloader.hosts._MAX_HOSTS", 10)
    polite = hosts(clock)
    polite.hold_off("held.test", retry_after=60)
    for number in range(100):
        async with polite.turn(f"{number}.test"):
            pass
    assert len(polite._hosts) <= 10
    with pytest.raises(RetryLaterError):
        async with polite.turn("held.test"):
            pass


async def test_a_site_that_only_refuses_is_left_alone_for_a_day(clock: Clock) -> None:
    polite = hosts(clock)
    assert [polite.note_refusal("a.test") for _ in range(MAX_REFUSALS - 1)][-1] == MAX_REFUSALS - 1
    async with polite.turn("a.test"):
        polite.note_refusal("a.test")
    clock.now += 23 * 3600
    with pytest.raises(FetchError, match="site-blocks-us") as caught:
        async with polite.turn("a.test"):
            pass
    assert caught.value.passing
    clock.now += 2 * 3600
    async with polite.turn("a.test"):
        polite.forgive("a.test")
    assert polite.note_refusal("a.test") == 1


async def test_a_site_that_asks_for_rest_too_often_is_left_alone_as_well(clock: Clock) -> None:
    polite = hosts(clock)
    for _ in range(MAX_STRIKES + 1):
        polite.hold_off("a.test", retry_after=1)
    clock.now += 3600
    with pytest.raises(FetchError, match="site-blocks-us"):
        async with polite.turn("a.test"):
            pass
