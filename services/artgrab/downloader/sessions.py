"""One stream of the ingest protocol: credits in, acks out, and an orderly end."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeVar

import grpc

from artgrab.common.records import Candidate
from artgrab.downloader.ledgers import Verdict
from artgrab.downloader.metrics import Metrics
from artgrab.downloader.translations import ProtocolError, acks_of, candidate_of, invalid
from artgrab.v1 import ingest_service_pb2 as pb

_MAX_ACKS = 512
_T = TypeVar("_T")


class Session:
    """Runs one stream after its Hello; knows the protocol and nothing of what settling is."""

    def __init__(
        self,
        settle: Callable[[Candidate, bool], Awaitable[Verdict]],
        *,
        credits_at_once: int,
        drain_wanted: Callable[[], Awaitable[float]],
        metrics: Metrics,
    ) -> None:
        """Prepare a stream.

        Args:
            settle: returns when what became of a candidate is durable; told whether it is the
                last try.
            credits_at_once: candidates that may be under way.
            drain_wanted: returns when the stream is to be drained, with the seconds of grace.
            metrics: takes the counts.
        """
        self._settle = settle
        self._credits = credits_at_once
        self._drain_wanted = drain_wanted
        self._metrics = metrics
        self._acks: list[tuple[Candidate, Verdict]] = []
        self._open = 0
        """Candidates taken and not acknowledged."""
        self._tasks: set[asyncio.Task[None] | None] = set()
        self._error: Exception | None = None
        self._changed = asyncio.Event()

    async def run(
        self, requests: AsyncIterator[pb.IngestRequest]
    ) -> AsyncGenerator[pb.IngestResponse, None]:
        """Yield all responses of the stream.

        Raises:
            ProtocolError: the client broke the protocol.
            SurroundingsError: the store failed; what is unacknowledged stays so.
        """
        yield pb.IngestResponse(welcome=pb.Welcome(credits=self._credits))
        reader = self._watched(self._read(requests))
        drain = self._watched(self._drain_wanted())
        try:
            async for response in self._until_drained(reader, drain):
                yield response
            if drain.done():
                reader.cancel()
                grace = drain.result()
                message = pb.Drain()
                message.grace.FromMilliseconds(round(grace * 1000))
                yield pb.IngestResponse(drain=message)
                async for response in self._until_settled(grace):
                    yield response
        finally:
            await self._stop(reader, drain)

    async def _until_drained(
        self, reader: "asyncio.Task[None]", drain: "asyncio.Task[float]"
    ) -> AsyncIterator[pb.IngestResponse]:
        """Yield acks and credits until the client has finished and all is settled, or a drain."""
        while not drain.done() and not (reader.done() and not self._tasks and not self._acks):
            await self._wait()
            acks = self._take_acks()
            if acks:
                yield pb.IngestResponse(acks=acks_of(acks))
                if not reader.done():
                    self._credits += len(acks)
                    yield pb.IngestResponse(credits=pb.Credits(candidates=len(acks)))
        self._check()  # what failed last may have done so while an answer was being sent

    async def _until_settled(self, grace: float) -> AsyncIterator[pb.IngestResponse]:
        deadline = asyncio.get_running_loop().time() + grace
        while self._tasks or self._acks:
            try:
                async with asyncio.timeout_at(deadline):
                    await self._wait()
            except TimeoutError:
                return  # what is left stays unacknowledged and comes again
            acks = self._take_acks()
            if acks:
                yield pb.IngestResponse(acks=acks_of(acks))

    async def _read(self, requests: AsyncIterator[pb.IngestRequest]) -> None:
        async for request in requests:
            match request.WhichOneof("kind"):
                case "batch":
                    self._take(request.batch.candidates)
                case "finish":
                    return
                case "hello":
                    raise invalid("a second Hello; open another stream for it")
                case _:
                    raise invalid("an empty request; send a Batch, or Finish")

    def _take(self, messages: Sequence[pb.Candidate]) -> None:
        if len(messages) > self._credits:
            raise ProtocolError(
                f"{len(messages)} candidates with {self._credits} credits left; send no more than"
                " Welcome and Credits grant",
                code=grpc.StatusCode.RESOURCE_EXHAUSTED,
            )
        candidates = [(candidate_of(message), message.last_try) for message in messages]
        self._credits -= len(candidates)
        self._open += len(candidates)
        self._metrics.candidates_taken(len(candidates))
        for candidate, last_try in candidates:
            self._tasks.add(asyncio.create_task(self._settle_one(candidate, last_try)))

    async def _settle_one(self, candidate: Candidate, last_try: bool) -> None:
        try:
            verdict = await self._settle(candidate, last_try)
            self._acks.append((candidate, verdict))
        except Exception as error:
            self._error = self._error or error
        finally:
            self._tasks.discard(asyncio.current_task())
            self._changed.set()

    def _watched(self, work: Awaitable[_T]) -> "asyncio.Task[_T]":
        task = asyncio.ensure_future(work)
        task.add_done_callback(self._note)
        return task

    def _note(self, task: "asyncio.Task[object]") -> None:
        """Wake the stream; keep the first error for it."""
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            self._error = self._error or error
        self._changed.set()

    async def _wait(self) -> None:
        await self._changed.wait()
        self._changed.clear()
        self._check()

    def _check(self) -> None:
        if self._error is not None:
            raise self._error

    def _take_acks(self) -> list[tuple[Candidate, Verdict]]:
        acks, self._acks = self._acks[:_MAX_ACKS], self._acks[_MAX_ACKS:]
        if self._acks:
            self._changed.set()
        self._count(acks)
        return acks

    def _count(self, acks: Sequence[tuple[Candidate, Verdict]]) -> None:
        for verdict, count in Counter(verdict for _, verdict in acks).items():
            self._metrics.settled(verdict, count)
        self._open -= len(acks)
        self._metrics.candidates_left(len(acks))

    async def _stop(self, *watched: "asyncio.Task[object]") -> None:
        tasks = [*watched, *filter(None, self._tasks)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._count(self._acks)
        self._metrics.candidates_left(self._open)
