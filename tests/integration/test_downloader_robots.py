"""The rules of a site are asked for rarely, believed for a day, and obeyed in their pace."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from artgrab.common.network import PRODUCT
from artgrab.downloader.errors import FetchError, RefusedError
from artgrab.downloader.fetch import open_web
from artgrab.downloader.hosts import Hosts
from artgrab.downloader.robots import Robots
from artgrab.downloader.settings import DownloaderSettings
from tests.support.playing_hosts import PlayingHosts

SETTINGS = DownloaderSettings(connect_seconds=2, total_seconds=3)
ORIGIN = "http://a.test"
RULES = f"{ORIGIN}/robots.txt"
PAGE = f"{ORIGIN}/a.jpg"
ALLOW, FORBID = b"", b"User-agent: *\nDisallow: /\n"


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Paces:
    """Notes what pauses were taken instead of taking them."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.taken.append(round(seconds, 6))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def paces() -> Paces:
    return Paces()


@pytest.fixture
def polite(clock: Clock, paces: Paces) -> Hosts:
    return Hosts(SETTINGS, clock=clock, sleep=paces.sleep)


@pytest.fixture
async def robots(hosts: PlayingHosts, polite: Hosts, clock: Clock) -> AsyncIterator[Robots]:
    async with open_web(SETTINGS, hosts.network) as web:
        yield Robots(web, polite, clock=clock)


async def test_rules_are_believed_for_a_day_and_then_asked_for_again(
    hosts: PlayingHosts, robots: Robots, clock: Clock
) -> None:
    hosts.put(RULES, ALLOW)
    await robots.check(PAGE, origin=ORIGIN)
    hosts.put(RULES, FORBID)
    clock.now += 23 * 3600
    await robots.check(PAGE, origin=ORIGIN)
    assert hosts.asked(RULES) == 1
    clock.now += 2 * 3600
    with pytest.raises(RefusedError):
        await robots.check(PAGE, origin=ORIGIN)
    assert hosts.asked(RULES) == 2


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_rules_that_cannot_be_had_are_asked_for_again_after_a_minute(
    status: int, hosts: PlayingHosts, robots: Robots, clock: Clock
) -> None:
    hosts.put(RULES, status=status)
    for _ in range(3):
        with pytest.raises(FetchError, match="robots-unavailable") as caught:
            await robots.check(PAGE, origin=ORIGIN)
        assert caught.value.passing
    assert hosts.asked(RULES) == 1
    hosts.put(RULES, ALLOW)
    clock.now += 61
    await robots.check(PAGE, origin=ORIGIN)


async def test_many_who_ask_at_once_cost_one_request(hosts: PlayingHosts, robots: Robots) -> None:
    hosts.put(RULES, ALLOW)
    await asyncio.gather(*(robots.check(PAGE, origin=ORIGIN) for _ in range(50)))
    assert hosts.asked(RULES) == 1


async def test_each_origin_has_rules_of_its_own(hosts: PlayingHosts, robots: Robots) -> None:
    hosts.put(RULES, FORBID)
    hosts.put("http://b.a.test/robots.txt", ALLOW)
    await robots.check("http://b.a.test/a.jpg", origin="http://b.a.test")
    with pytest.raises(RefusedError):
        await robots.check(PAGE, origin=ORIGIN)


async def test_the_rules_for_us_win_over_those_for_all(hosts: PlayingHosts, robots: Robots) -> None:
    own = f"User-agent: {PRODUCT}\nDisallow: /mine/\n".encode()
    hosts.put(RULES, FORBID + own)
    await robots.check(PAGE, origin=ORIGIN)
    with pytest.raises(RefusedError):
        await robots.check(f"{ORIGIN}/mine/a.jpg", origin=ORIGIN)


@pytest.mark.parametrize(("asked", "kept"), [("3", 3), ("0.5", 0.5), ("86400", 10), ("-1", None)])
async def test_a_crawl_delay_is_kept_within_bounds(
    asked: str,
    kept: float | None,
    hosts: PlayingHosts,
    robots: Robots,
    polite: Hosts,
    paces: Paces,
) -> None:
    hosts.put(RULES, f"User-agent: *\nCrawl-delay: {asked}\n".encode())
    await robots.check(PAGE, origin=ORIGIN)
    for _ in range(2):
        async with polite.turn("a.test"):
            pass
    assert paces.taken == ([kept] if kept else [])


async def test_a_circle_of_redirects_counts_as_no_rules(
    hosts: PlayingHosts, robots: Robots
) -> None:
    hosts.put(RULES, status=301, headers={"Location": "/robots.txt"})
    await robots.check(PAGE, origin=ORIGIN)
    assert hosts.asked(RULES) == 6


async def test_rules_of_no_known_encoding_break_nothing(
    hosts: PlayingHosts, robots: Robots
) -> None:
    hosts.put(RULES, b"\xff\xfe\0User-agent" + bytes(range(256)) * 50 + b"\nDisallow: /%ff%zz\n")
    await robots.check(PAGE, origin=ORIGIN)


async def test_while_half_a_megabyte_of_rules_is_searched_others_go_on(
    hosts: PlayingHosts, robots: Robots
) -> None:
    lines = "".join(f"Disallow: /*{number}x\n" for number in range(25_000))
    hosts.put(RULES, f"User-agent: *\n{lines}".encode())
    turns = 0

    async def go_on() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    others = asyncio.create_task(go_on())
    await robots.check(PAGE, origin=ORIGIN)
    before = turns
    await robots.check(f"{ORIGIN}/{'c' * 8000}", origin=ORIGIN)
    others.cancel()
    assert turns > before + 3, "the loop stood still"
