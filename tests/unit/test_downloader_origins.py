"""What is remembered of origins is bounded, and what it costs to look at is paid by their site."""

import asyncio
import json
import tracemalloc

import pytest

from artgrab.common.politeness.robots import MAX_BYTES, RobotsRules
from artgrab.downloader.errors import FetchError
from artgrab.downloader.hosts import Hosts
from artgrab.downloader.origins import _MAX_BYTES, Learned, Origins, search
from artgrab.downloader.reservations import parse_reservations
from artgrab.downloader.settings import DownloaderSettings


class Answers:
    """Counts who is asked; each answer takes so many bytes."""

    def __init__(self, size: int = 0) -> None:
        self.asked: list[str] = []
        self._size = size

    async def learn(self, origin: str) -> Learned[str]:
        self.asked.append(origin)
        return Learned(f"of {origin}", 60.0, self._size)


async def test_thousands_of_origins_are_remembered_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("artgrab.downloader.origins._MAX_ORIGINS", 100)
    answers = Answers()
    origins = Origins(answers.learn)
    for number in range(3000):
        await origins.get("http://used.test")
        assert await origins.get(f"http://{number}.test") == f"of http://{number}.test"
    assert len(origins._known) == 100
    assert not origins._locks
    assert answers.asked.count("http://used.test") == 1, "what is in use is not forgotten"


async def test_what_is_remembered_is_bounded_in_bytes_whoever_sends_much(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("artgrab.downloader.origins._MAX_BYTES", 1000)
    answers = Answers(size=300)
    origins = Origins(answers.learn)
    for number in (1, 2, 3, 4, 4, 3, 1, 2):
        await origins.get(f"http://{number}.test")
    assert [int(one[7]) for one in answers.asked] == [1, 2, 3, 4, 1, 2]
    assert len(origins._known) == 3


async def test_what_alone_is_too_much_is_used_once_and_not_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("artgrab.downloader.origins._MAX_BYTES", 1000)
    origins = Origins(Answers(size=2000).learn)
    assert await origins.get("http://a.test") == "of http://a.test"
    assert not origins._known
    assert origins._bytes == 0


async def test_no_two_ask_an_origin_at_once_also_after_one_has_failed() -> None:
    asking, most, calls = 0, 0, 0

    async def learn(origin: str) -> Learned[str]:
        nonlocal asking, most, calls
        calls += 1
        asking += 1
        most = max(most, asking)
        try:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            if calls == 1:
                raise FetchError("unavailable", passing=True)
            return Learned(origin, 60.0)
        finally:
            asking -= 1

    origins = Origins(learn)

    async def late() -> str:
        while not calls:
            await asyncio.sleep(0)
        while asking == 1 and calls == 1:
            await asyncio.sleep(0)
        return await origins.get("http://a.test")

    answers = await asyncio.gather(
        *(origins.get("http://a.test") for _ in range(2)), late(), late(), return_exceptions=True
    )
    assert [type(one) for one in answers] == [FetchError, str, str, str]
    assert most == 1
    assert not origins._locks


async def test_news_take_the_place_of_what_was_known() -> None:
    answers = Answers(size=300)
    origins = Origins(answers.learn, clock=iter(range(0, 1000, 61)).__next__)
    for _ in range(3):
        await origins.get("http://a.test")
    assert len(answers.asked) > 1
    assert origins._bytes == 300


@pytest.mark.parametrize("line", ["Disallow: /{}x", "Allow:/*{}", "Content-Usage: /{}* train-ai=n"])
def test_the_memory_of_rules_is_told_well_enough(line: str) -> None:
    text = "User-agent: *\n" + "\n".join(line.format(number) for number in range(1500))
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        rules = RobotsRules(text.encode())
        rules.allows("http://a.test/a")
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert taken / 2 < rules.bytes < taken * 4


def test_rules_of_many_kinds_count_for_each_of_them() -> None:
    rules = [
        {"location": f"/{number}", "tdm-reservation": 1, "tdm-policy": f"http://a.test/{number}"}
        for number in range(16)
    ]
    few, many = (parse_reservations(json.dumps(rules[:n]).encode()) for n in (1, 16))
    assert many.bytes > 100 * few.bytes


class Paces:
    def __init__(self) -> None:
        self.taken: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.taken.append(seconds)


async def test_a_site_whose_rules_take_long_to_search_waits_for_it_and_no_other_does() -> None:
    paces = Paces()
    hosts = Hosts(DownloaderSettings(), clock=lambda: 100.0, sleep=paces.sleep)
    pattern = "/" + "*x" * 10
    rules = RobotsRules(f"User-agent: *\n{f'Disallow: {pattern}y{chr(10)}' * 6000}".encode())
    url = f"http://img.slow.test/{'x' * 4000}"
    allowed = await search(url, lambda: rules.allows(url), hosts=hosts, rules_bytes=rules.bytes)
    assert allowed
    for site in ("quick.test", "slow.test"):
        async with hosts.turn(site):
            pass
    (pause,) = paces.taken
    assert pause > 0.01 / 0.05


async def test_small_rules_cost_their_site_nothing() -> None:
    paces = Paces()
    hosts = Hosts(DownloaderSettings(), clock=lambda: 100.0, sleep=paces.sleep)
    for _ in range(3):
        assert await search("http://a.test/a", lambda: True, hosts=hosts, rules_bytes=1000)
    async with hosts.turn("a.test"):
        pass
    assert not paces.taken


def test_the_largest_file_takes_no_more_than_a_third_of_the_memory_for_all() -> None:
    usage = "Content-Usage:/*{0} train-ai=n\nContent-Usage:/*{0} bots=n\n"
    lines = usage + "Content-Signal:/*{0} ai-train=no\n"
    text = "User-agent:*\n" + "".join(lines.format(number) for number in range(600))
    rules = RobotsRules(text.encode())
    assert rules.bytes * MAX_BYTES / len(text) < _MAX_BYTES / 3
