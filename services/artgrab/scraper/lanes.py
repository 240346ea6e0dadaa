"""One lane: all candidates for one downloader, over as many streams as it takes."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import grpc
import msgspec

from artgrab.common.errors import ArtgrabError, SurroundingsError
from artgrab.common.records import Candidate
from artgrab.scraper.channels import PLAIN, Channels
from artgrab.scraper.ingest_messages import batch_message
from artgrab.scraper.signals import Signal
from artgrab.v1 import ingest_service_pb2 as pb
from artgrab.v1 import ingest_service_pb2_grpc as pb_grpc

_BUGS = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.UNIMPLEMENTED,
    }
)
_REFUSALS = frozenset({grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED})


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How patient the streaming client is."""

    max_unacked: int = 1024
    """Candidates kept in memory until they are acknowledged."""
    batch: int = 64
    """Candidates in one message: 30 times fewer messages than one by one, well below 4 MB."""
    stream_seconds: float = 240.0
    """Longest life of a stream; servers end theirs after 120 s at most."""
    stream_attempts: int = 10
    """Streams in a row that may end without a single ack."""
    longest_pause_seconds: float = 15.0
    """Pauses between such streams double up to this, shortened at random by up to a half."""
    retry_attempts: int = 40
    """How often a candidate is sent where the server asks to try later, the last try included."""
    longest_retry_seconds: float = 60.0
    resolve_seconds: float = 5.0
    """How often names of downloaders are looked up again."""
    end_attempts: int = 12
    """How often a downloader is asked to end a run: some minutes, as a rollout may take."""
    end_seconds: float = 120.0
    """How long that may take: all records of the category are read."""
    farewell_seconds: float = 10.0
    """How long a server may take to end a stream on which nothing is open."""

    def pause(self, failures: int, *, jitter: float) -> float:
        """Return seconds to wait after so many failures in a row; jitter is in [0, 1)."""
        longest: float = min(self.longest_pause_seconds, 0.2 * 2.0 ** min(failures, 16))
        return longest * (1.0 - jitter / 2.0)


class Lane:
    """Sends to one address and hands every ack on; keeps what is unacked for its next stream."""

    def __init__(
        self,
        address: str,
        *,
        hello: Callable[[], pb.IngestRequest],
        on_ack: Callable[[Candidate, pb.Ack], None],
        is_last_try: Callable[[Candidate], bool],
        policy: Policy,
        sleep: Callable[[float], Awaitable[None]],
        jitter: Callable[[], float],
        channels: Channels = PLAIN,
    ) -> None:
        self._address = address
        self._channels = channels
        self._hello = hello
        self._on_ack = on_ack
        self._is_last_try = is_last_try
        self._policy = policy
        self._sleep = sleep
        self._jitter = jitter
        self._changed = Signal()
        self._waiting: deque[Candidate] = deque()
        self._sent: dict[str, Candidate] = {}
        self._ending = False
        self._progress = False
        self._welcome = False

    def put(self, candidate: Candidate) -> None:
        """Queue a candidate; no other with its id may be unacked."""
        self._waiting.append(candidate)
        self._changed.notify()

    def take_waiting(self) -> list[Candidate]:
        """Take back what has not been sent."""
        taken = list(self._waiting)
        self._waiting.clear()
        return taken

    def end(self) -> None:
        """Send no more; run() returns when the stream that is open, if any, has ended."""
        self._ending = True
        self._changed.notify()

    async def run(self) -> None:
        """Keep streaming until end() is called; then what is still unacked can be taken back.

        Raises:
            SurroundingsError: the server gives no ack on several streams in a row, or refuses us.
            ArtgrabError: the server does not understand us.
        """
        failures = 0
        while await self._has_work():
            self._progress = self._welcome = False
            async with self._channels.open(self._address) as channel:  # certificates are renewed
                status, details = await self._stream(pb_grpc.IngestServiceStub(channel))
            self._requeue()
            if self._welcome or status is not grpc.StatusCode.RESOURCE_EXHAUSTED:  # not just full
                check_status(self._address, status, details)
            failures = 0 if self._progress or self._ending else failures + 1
            if failures >= self._policy.stream_attempts:
                details = await self._channels.trouble(self._address) or details
                raise SurroundingsError(self._complaint(failures, status, details))
            if failures or status is not grpc.StatusCode.OK:
                await self._sleep(self._policy.pause(failures, jitter=self._jitter()))

    async def _has_work(self) -> bool:
        await self._changed.until(lambda: bool(self._waiting) or self._ending)
        return not self._ending

    def _requeue(self) -> None:
        """Put what was sent and not acked in front again, in its order."""
        self._waiting.extendleft(reversed(self._sent.values()))
        self._sent.clear()

    async def _stream(self, stub: pb_grpc.IngestServiceStub) -> tuple[grpc.StatusCode, str]:
        call = stub.Ingest(timeout=self._policy.stream_seconds)
        stream = _Stream()
        sender = asyncio.create_task(self._send(call, stream))
        sender.add_done_callback(lambda _: call.cancel() if _failed(sender) else None)
        try:
            async for response in call:
                self._handle(response, stream)
        except grpc.aio.AioRpcError as error:
            return error.code(), error.details() or ""
        except asyncio.CancelledError:
            if _cancelled_from_outside():
                raise
            if _failed(sender):
                sender.result()
            return grpc.StatusCode.CANCELLED, "the server did not end the stream"
        finally:
            sender.cancel()
            call.cancel()
            await asyncio.wait([sender])
        return await call.code(), await call.details() or ""

    async def _send(self, call: grpc.aio.StreamStreamCall, stream: "_Stream") -> None:
        # A broken stream shows in the reader, with its reason.
        with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            await call.write(self._hello())
            while batch := await self._next_batch(stream):
                await call.write(batch_message(batch, is_last_try=self._is_last_try))
            await call.write(pb.IngestRequest(finish=pb.Finish()))
            await call.done_writing()
            if not self._sent:
                await asyncio.sleep(self._policy.farewell_seconds)
                call.cancel()

    async def _next_batch(self, stream: "_Stream") -> Sequence[Candidate]:
        """Wait until something may be sent, and mark it as sent; empty when no more may be."""
        await self._changed.until(
            lambda: stream.draining or self._ending or bool(stream.credits and self._waiting)
        )
        if stream.draining or self._ending:
            return ()
        count = min(stream.credits, len(self._waiting), self._policy.batch)
        batch = [self._waiting.popleft() for _ in range(count)]
        stream.credits -= count
        self._sent.update((candidate.candidate_id, candidate) for candidate in batch)
        return batch

    def _handle(self, response: pb.IngestResponse, stream: "_Stream") -> None:
        match response.WhichOneof("kind"):
            case "welcome":
                self._welcome = True
                stream.credits += response.welcome.credits
            case "credits":
                stream.credits += response.credits.candidates
            case "drain":
                stream.draining = True
            case "acks":
                for ack in response.acks.acks:
                    self._ack(ack)
        self._changed.notify()

    def _ack(self, ack: pb.Ack) -> None:
        candidate = self._sent.pop(ack.candidate_id.hex(), None)
        if candidate is not None:  # else acked twice, or never sent on this stream
            self._progress = True
            self._on_ack(candidate, ack)

    def _complaint(self, failures: int, status: grpc.StatusCode, details: str) -> str:
        return (
            f"downloader {self._address} took nothing in {failures} tries"
            f" ({status.name}: {details}); is it running?"
        )


def check_status(address: str, status: grpc.StatusCode, details: str) -> None:
    """Raise where trying again is of no use.

    Raises:
        SurroundingsError: the server refuses us.
        ArtgrabError: it does not understand us.
    """
    if status in _BUGS:
        raise ArtgrabError(f"downloader {address} does not understand this version: {details}")
    if status in _REFUSALS:
        raise SurroundingsError(f"downloader {address} refuses our token: {details}")


class _Stream:
    """What is true of one stream only."""

    def __init__(self) -> None:
        self.credits = 0
        self.draining = False


def _failed(task: asyncio.Task[None]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is not None


def _cancelled_from_outside() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
