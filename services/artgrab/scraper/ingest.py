"""The streaming client: every candidate to the downloader that owns its site, until it is acked."""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Self

import msgspec

from artgrab.common.addresses import resolve
from artgrab.common.errors import SurroundingsError
from artgrab.common.records import Candidate
from artgrab.common.rendezvous import owner
from artgrab.common.urls import site_of
from artgrab.scraper.channels import PLAIN, Channels
from artgrab.scraper.ingest_messages import Acked, AckOutcome, acked
from artgrab.scraper.lanes import Lane, Policy
from artgrab.scraper.signals import Signal
from artgrab.v1 import ingest_service_pb2 as pb


class IngestCounts(msgspec.Struct, kw_only=True):
    """What became of the candidates that were sent."""

    stored: int = 0
    already_recorded: int = 0
    rejected: int = 0
    failed: int = 0
    """Those given up by us are among them."""


class IngestClient:
    """Streams candidates to the downloaders behind some endpoints.

    Use it as an asynchronous context manager; leaving it without finish() drops what is unacked.
    """

    def __init__(
        self,
        endpoints: Sequence[str],
        *,
        hello: Callable[[], pb.IngestRequest],
        on_ack: Callable[[Acked], None],
        policy: Policy = Policy(),  # noqa: B008 - immutable
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
        lookup: Callable[[Sequence[str]], Awaitable[list[str]]] = resolve,
        channels: Channels = PLAIN,
    ) -> None:
        self._endpoints = endpoints
        self._hello = hello
        self._on_ack = on_ack
        self._policy = policy
        self._sleep = sleep
        self._jitter = jitter
        self._lookup = lookup
        self._channels = channels
        self._changed = Signal()
        self._lanes: dict[str, Lane] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._error: BaseException | None = None
        self._finishing = False
        self._running = 0  # lanes
        # By id; the first of each is under way, the others (other sightings) wait for its ack.
        self._unacked: dict[str, deque[Candidate]] = {}
        self._unacked_count = 0
        self._tries: dict[str, int] = {}
        self._homeless: list[Candidate] = []
        self.counts = IngestCounts()

    @property
    def unacked(self) -> int:
        """Candidates sent and not acked."""
        return self._unacked_count

    async def __aenter__(self) -> Self:
        self._use(await self._lookup(self._endpoints))
        self._start(self._watch)
        return self

    async def __aexit__(self, *_: object) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def send(self, candidate: Candidate) -> None:
        """Take a candidate; waits while too many are unacked.

        Raises:
            SurroundingsError: no downloader takes candidates.
        """
        await self.until(lambda: self._unacked_count < self._policy.max_unacked)
        same = self._unacked.setdefault(candidate.candidate_id, deque())
        same.append(candidate)
        self._unacked_count += 1
        if len(same) == 1:
            self._dispatch(candidate)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return when a condition holds that acks can change.

        Raises:
            SurroundingsError: no downloader takes candidates.
        """
        await self._changed.until(lambda: self._error is not None or condition())
        if self._error is not None:
            raise self._error

    async def finish(self) -> IngestCounts:
        """Wait until nothing is unacked and end the streams.

        Raises:
            SurroundingsError: no downloader takes candidates.
        """
        await self.until(lambda: not self._unacked)
        self._finishing = True
        for lane in self._lanes.values():
            lane.end()
        self._lanes.clear()
        await self.until(lambda: self._running == 0)
        return self.counts

    def _start(self, work: Callable[..., Awaitable[None]], *arguments: object) -> None:
        task = asyncio.create_task(self._guarded(work, *arguments))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, work: Callable[..., Awaitable[None]], *arguments: object) -> None:
        """Let whoever waits see an error of a task."""
        try:
            await work(*arguments)
        except Exception as error:
            self._error = self._error or error
            self._changed.notify()

    async def _watch(self) -> None:
        """Follow the addresses behind the endpoints."""
        empty = 0
        while True:
            await self._sleep(self._policy.resolve_seconds)
            addresses = await self._lookup(self._endpoints)
            empty = 0 if addresses else empty + 1
            if empty >= self._policy.stream_attempts and self._unacked:
                raise SurroundingsError(
                    f"there is no address behind {', '.join(self._endpoints)}; are they right?"
                )
            if addresses and not self._finishing and set(addresses) != set(self._lanes):
                self._use(addresses)

    def _use(self, addresses: Sequence[str]) -> None:
        """Hold one lane for each address; what has not been sent goes to its new owner."""
        moving, self._homeless = self._homeless, []
        for address in set(self._lanes) - set(addresses):
            moving += self._lanes[address].take_waiting()
            self._lanes.pop(address).end()
        for lane in self._lanes.values():
            moving += lane.take_waiting()
        for address in set(addresses) - set(self._lanes):
            lane = self._lanes[address] = Lane(
                address,
                hello=self._hello,
                on_ack=self._handle,
                is_last_try=self._is_last_try,
                policy=self._policy,
                sleep=self._sleep,
                jitter=self._jitter,
                channels=self._channels,
            )
            self._running += 1
            self._start(self._run, lane)
        for candidate in moving:
            self._dispatch(candidate)

    async def _run(self, lane: Lane) -> None:
        try:
            await lane.run()
        finally:
            self._running -= 1
            self._changed.notify()
        for candidate in lane.take_waiting():
            self._dispatch(candidate)

    def _dispatch(self, candidate: Candidate) -> None:
        if not self._lanes:
            self._homeless.append(candidate)
            return
        self._lanes[owner(site_of(candidate.url), list(self._lanes))].put(candidate)

    def _handle(self, candidate: Candidate, ack: pb.Ack) -> None:
        answer = acked(candidate, ack)
        if answer is None:
            self._retry(candidate, ack)
        else:
            self._done(answer)

    def _is_last_try(self, candidate: Candidate) -> bool:
        return self._tries.get(candidate.candidate_id, 0) >= self._policy.retry_attempts - 1

    def _retry(self, candidate: Candidate, ack: pb.Ack) -> None:
        tries = self._tries[candidate.candidate_id] = self._tries.get(candidate.candidate_id, 0) + 1
        if tries >= self._policy.retry_attempts:  # one that knows of no last tries
            reason = f"gave up after {tries} tries: {ack.reason or 'host busy'}"
            self._done(Acked(candidate=candidate, outcome=AckOutcome.FAILED, reason=reason))
            return
        asked = ack.retry_after.seconds + ack.retry_after.nanos / 1e9
        pause = self._policy.pause(tries, jitter=self._jitter())
        seconds = min(max(asked, pause), self._policy.longest_retry_seconds)
        self._start(self._dispatch_after, candidate, seconds)

    async def _dispatch_after(self, candidate: Candidate, seconds: float) -> None:
        await self._sleep(seconds)
        self._dispatch(candidate)

    def _done(self, answer: Acked) -> None:
        key = answer.candidate.candidate_id
        same = self._unacked[key]
        same.popleft()
        self._unacked_count -= 1
        self._tries.pop(key, None)
        if same:
            self._dispatch(same[0])
        else:
            del self._unacked[key]
        name = answer.outcome.value.lower()
        setattr(self.counts, name, getattr(self.counts, name) + 1)
        self._on_ack(answer)
        self._changed.notify()
