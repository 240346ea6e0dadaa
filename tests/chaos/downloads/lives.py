"""One life of a store that is downloaded into while everybody around it is killed."""

import asyncio
import os
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from artgrab.common.errors import ArtgrabError
from artgrab.common.servers import reserved_port
from artgrab.common.store import Store
from artgrab.scraper.ending import end_run
from tests.chaos.downloads.audits import Audit, audit
from tests.chaos.downloads.casts import Cast
from tests.chaos.downloads.client import END, POLICY, Ground
from tests.chaos.downloads.sites import Sites
from tests.chaos.plans import Strike, Victim
from tests.support.playing_hosts import playing_hosts
from tests.support.s3 import BUCKET, S3Server
from tests.support.waiting import eventually

_LONGEST_WAIT_SECONDS = 30.0
"""For what is to be done between two kills: all may be dead."""
_END_SECONDS = 1800.0
"""For what is left to be done after the last kill."""
_ENDED_EARLY = 0.15
"""Kills after which somebody ends the run although it goes on: parts are merged meanwhile."""
_POLL_SECONDS = 0.01


@dataclass
class Life:
    """What was done to a store and those around it, and what came of it."""

    kind: str
    kills: Counter[Victim] = field(default_factory=Counter)
    requests: int = 0
    audit: Audit = field(default_factory=Audit)
    problems: list[str] = field(default_factory=list)
    """Processes that ended without having been killed."""


async def live(
    kind: str,
    folder: Path,
    *,
    urls: int,
    plan: Sequence[Strike],
    downloaders: int,
    s3: S3Server | None,
    randomness: random.Random,
    told: Callable[[Victim], None],
) -> Life:
    """Download URLs into a new store, kill on the way, and look at what there is in the end."""
    life = Life(kind)
    folder.mkdir()
    store_uri = f"s3://{BUCKET}/chaos-{os.getpid()}-{kind}" if s3 else str(folder / "store")
    with reserved_port() as port:
        async with playing_hosts() as hosts:
            sites = Sites(hosts, urls, random.Random(randomness.random()))
            (folder / "urls").write_text("\n".join(sites.kinds))
            ground = Ground(folder, port)
            cast = Cast(
                ground,
                store_uri=store_uri,
                network=hosts.network,
                addresses=[f"127.0.0.{number}" for number in range(1, downloaders + 1)],
                s3=s3,
                randomness=random.Random(randomness.random()),
            )
            try:
                await cast.start()
                await _Disturbance(cast, ground, sites, randomness).strike(plan, life, told)
                await asyncio.wait_for(cast.end(), _END_SECONDS)
            finally:
                await cast.abandon()
    life.problems = cast.problems
    life.requests = len(sites.log)
    life.audit = await asyncio.to_thread(
        audit,
        Store.open(store_uri),
        kinds=sites.kinds,
        acks=list(ground.acks()),
        requests=sites.log,
    )
    return life


class _Disturbance:
    """Gives the client work, share by share, and kills somebody in the midst of each."""

    def __init__(self, cast: Cast, ground: Ground, sites: Sites, randomness: random.Random) -> None:
        self._cast = cast
        self._ground = ground
        self._sites = sites
        self._randomness = randomness
        self._ends: set[asyncio.Task[object]] = set()

    async def strike(
        self, plan: Sequence[Strike], life: Life, told: Callable[[Victim], None]
    ) -> None:
        total = len(self._sites.kinds)
        share = total / max(1, len(plan) - 1)
        for number, strike in enumerate(plan):
            wanted = self._events() + 2 * share * strike.share  # each URL is a request and an ack
            self._cast.release(min(total, round(share * (number + 1))))
            await self._until(partial(self._has_seen, wanted))
            await asyncio.sleep(strike.pause)
            victim = await self._kill(strike.victim)
            life.kills[victim] += 1
            told(victim)
            if self._randomness.random() < _ENDED_EARLY:
                self._end_early()
        for end in self._ends:
            end.cancel()

    def _has_seen(self, events: float) -> bool:
        return self._events() >= events

    def _events(self) -> int:
        file = self._ground.acks_file
        acks = file.read_bytes().count(b"\n") if file.exists() else 0
        return len(self._sites.log) + acks

    async def _until(self, condition: Callable[[], bool]) -> None:
        try:
            await eventually(condition, seconds=_LONGEST_WAIT_SECONDS)
        except TimeoutError:
            return

    async def _kill(self, victim: Victim) -> Victim:
        """Kill, once there is such a victim, or another where there is none for long."""
        deadline = asyncio.get_running_loop().time() + _LONGEST_WAIT_SECONDS
        while not await self._cast.kill(victim):
            await asyncio.sleep(_POLL_SECONDS)
            if asyncio.get_running_loop().time() > deadline:
                victim = Victim.DOWNLOADER
        return victim

    def _end_early(self) -> None:
        task = asyncio.create_task(self._end())
        self._ends.add(task)
        task.add_done_callback(self._ends.discard)

    async def _end(self) -> None:
        try:
            ground = self._ground
            await end_run(END, endpoints=[ground.endpoint], policy=POLICY, lookup=ground.lookup)
        except ArtgrabError:
            return
