"""Politeness under a clock of the test's own."""

import asyncio

from artgrab.downloader.hosts import Hosts
from artgrab.downloader.settings import DownloaderSettings


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


def hosts(clock: Clock, **settings: float) -> Hosts:
    return Hosts(DownloaderSettings(**settings), clock=clock, sleep=clock.sleep)  # type: ignore[arg-type]  # any settings


async def settle_down() -> None:
    for _ in range(20):
        await asyncio.sleep(0)
