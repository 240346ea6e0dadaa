"""Many candidates wait for their sites: who makes way, and who does not."""

import asyncio

import pytest

from artgrab.downloader.errors import RetryLaterError
from artgrab.downloader.hosts import Hosts
from tests.support.polite import Clock, hosts, settle_down
from tests.support.waiting import WAIT_SECONDS, eventually


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def looks_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("artgrab.downloader.rooms._LOOK_SECONDS", 0.001)


class Waiting:
    """Candidates that wait for the rules of their sites, as one of each site asks for them."""

    def __init__(self, polite: Hosts, sites: list[str]) -> None:
        self.learned = asyncio.Event()
        self.told: dict[int, str] = {}
        self.sites = sites
        asking = [self._ask(polite, site) for site in dict.fromkeys(sites)]
        waiting = [self._wait(polite, site, number) for number, site in enumerate(sites)]
        self.tasks = [asyncio.create_task(one) for one in (*asking, *waiting)]

    async def _ask(self, polite: Hosts, site: str) -> None:
        async with polite.turn(site):
            await self.learned.wait()

    async def _wait(self, polite: Hosts, site: str, number: int) -> None:
        try:
            async with polite.wait(site):
                await self.learned.wait()
        except RetryLaterError as error:
            self.told[number] = error.reason

    async def end(self) -> list[int]:
        """Return the numbers of those that were sent away."""
        self.learned.set()
        await asyncio.gather(*self.tasks)
        assert set(self.told.values()) <= {"host-busy"}
        return sorted(self.told)


@pytest.mark.usefixtures("looks_at_once")
async def test_where_it_is_crowded_the_newest_of_the_longest_wait_make_way(clock: Clock) -> None:
    polite = hosts(clock, credits=11)
    waiting = Waiting(polite, ["slow.test"] * 8 + ["b.test", "slow.test", "b.test"])
    await settle_down()
    clock.now += 2  # by now each waits a second for each one before it
    await eventually(lambda: waiting.told)
    assert await waiting.end() == [6, 7, 9], "2 fetch and 8 wait: all but one credit"


@pytest.mark.usefixtures("looks_at_once")
async def test_where_all_go_on_quickly_nobody_is_sent_away_however_many_they_are(
    clock: Clock,
) -> None:
    waiting = Waiting(hosts(clock, credits=8), ["a.test"] * 40 + ["b.test"] * 40)
    await settle_down()
    clock.now += 0.04
    await asyncio.sleep(0.02)
    assert await waiting.end() == []


@pytest.mark.usefixtures("looks_at_once")
async def test_the_first_of_each_site_stays(clock: Clock) -> None:
    waiting = Waiting(hosts(clock, credits=1), [f"{n}.test" for n in range(9)] + ["0.test"])
    await settle_down()
    clock.now += 100
    await eventually(lambda: waiting.told)
    assert await waiting.end() == [9]


@pytest.mark.usefixtures("looks_at_once")
async def test_who_comes_where_it_is_crowded_and_would_wait_long_is_sent_away_at_once(
    clock: Clock,
) -> None:
    polite = hosts(clock, credits=4)
    waiting = Waiting(polite, ["slow.test"] * 2 + ["b.test", "c.test"])
    await settle_down()
    clock.now += 10
    await eventually(lambda: waiting.told)
    with pytest.raises(RetryLaterError):
        async with (
            asyncio.timeout(WAIT_SECONDS),
            polite.wait("slow.test"),
            polite.wait("slow.test"),
        ):
            raise AssertionError
    async with polite.wait("d.test"):
        pass
    await waiting.end()


async def test_a_time_out_within_a_place_is_its_own(clock: Clock) -> None:
    with pytest.raises(TimeoutError):
        async with hosts(clock).wait("a.test"):
            raise TimeoutError
