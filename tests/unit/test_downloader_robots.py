"""The rules of sites, and what is remembered of them longer than the sites themselves."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from artgrab.downloader import hosts
from artgrab.downloader.fetch import Web
from artgrab.downloader.robots import Robots
from artgrab.downloader.settings import DownloaderSettings


class Slowing:
    """A web whose sites all want to be asked seldom."""

    status = 200

    @asynccontextmanager
    async def get(self, url: str) -> AsyncIterator[Any]:
        yield self

    async def read_first(self, limit: int) -> bytes:
        return b"User-agent: *\nCrawl-delay: 3\n"


async def test_a_crawl_delay_holds_as_long_as_the_rules_although_its_site_was_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hosts, "_MAX_HOSTS", 2)
    now, slept = [1000.0], list[float]()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    polite = hosts.Hosts(DownloaderSettings(), clock=lambda: now[0], sleep=sleep)
    robots = Robots(cast(Web, Slowing()), polite)
    await robots.check("http://a.test/1", origin="http://a.test")
    now[0] += 60
    for number in range(3):
        polite.has_served(f"other-{number}.test")
    await robots.check("http://a.test/2", origin="http://a.test")
    for _ in range(2):
        async with polite.turn("a.test"):
            pass
    assert slept == [3]
