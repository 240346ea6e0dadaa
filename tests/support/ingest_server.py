"""A real gRPC server that plays a downloader: it fetches nothing and answers as it is told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import grpc

from artgrab.v1 import ingest_service_pb2 as pb
from artgrab.v1 import ingest_service_pb2_grpc as pb_grpc

Answer = Callable[[pb.Candidate], pb.Ack]


def stored(candidate: pb.Candidate) -> pb.Ack:
    """Acknowledge as stored."""
    return pb.Ack(candidate_id=candidate.candidate_id, outcome=pb.OUTCOME_STORED)


@dataclass
class PlayedDownloader(pb_grpc.IngestServiceServicer):
    """Grants credits, answers each candidate, and remembers all it was sent."""

    answer: Answer = stored
    credits: int = 16
    drain_after: int | None = None
    """Acks on a stream after which it is drained."""
    breaks: list[int] = field(default_factory=list)
    """For each stream to come: candidates on it after which it is broken off, unacknowledged."""
    refusal: grpc.StatusCode | None = None
    """Ends every stream at once."""
    endpoint: str = ""
    hellos: list[pb.Hello] = field(default_factory=list)
    received: list[pb.Candidate] = field(default_factory=list)
    acked: set[bytes] = field(default_factory=set)
    finished: int = 0
    overdrawn: int = 0
    """Candidates that came although no credit was left for them."""
    gate: asyncio.Event | None = None
    """Where set, nothing is acknowledged before it opens."""

    async def Ingest(  # noqa: N802 - the protocol's name
        self, requests: AsyncIterator[pb.IngestRequest], context: grpc.aio.ServicerContext
    ) -> AsyncIterator[pb.IngestResponse]:
        seen = acks = 0
        left = self.credits
        break_after = self.breaks.pop(0) if self.breaks else None
        if self.refusal is not None:
            await context.abort(self.refusal, "we do not like you")
        async for request in requests:
            match request.WhichOneof("kind"):
                case "hello":
                    self.hellos.append(request.hello)
                    yield pb.IngestResponse(welcome=pb.Welcome(credits=self.credits))
                case "finish":
                    self.finished += 1
                    return
                case "batch":
                    batch = request.batch.candidates
                    seen += len(batch)
                    left -= len(batch)
                    self.overdrawn += max(0, -left)
                    self.received += batch
                    if break_after is not None and seen >= break_after:
                        await context.abort(grpc.StatusCode.UNAVAILABLE, "broken off")
                    if self.gate is not None:
                        await self.gate.wait()
                    answers = [self.answer(candidate) for candidate in batch]
                    self.acked.update(one.candidate_id for one in answers)
                    acks += len(answers)
                    yield pb.IngestResponse(acks=pb.AckBatch(acks=answers))
                    left += len(answers)
                    yield pb.IngestResponse(credits=pb.Credits(candidates=len(answers)))
                    if self.drain_after is not None and acks >= self.drain_after:
                        yield pb.IngestResponse(drain=pb.Drain())

    @property
    def urls(self) -> list[str]:
        """URLs in the order of their first arrival."""
        return list(dict.fromkeys(candidate.url for candidate in self.received))


@asynccontextmanager
async def served(
    servicer: pb_grpc.IngestServiceServicer, *, address: str = "127.0.0.1:0"
) -> AsyncIterator[tuple[str, Callable[[], Awaitable[None]]]]:
    """Serve on loopback; yields the endpoint and what stops the server at once."""
    server = grpc.aio.server(options=(("grpc.so_reuseport", 0),))
    pb_grpc.add_IngestServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port(address)
    await server.start()

    async def stop() -> None:
        await server.stop(None)

    try:
        yield f"127.0.0.1:{port}", stop
    finally:
        await server.stop(None)


@asynccontextmanager
async def played(downloader: PlayedDownloader) -> AsyncIterator[PlayedDownloader]:
    """Serve a played downloader; its endpoint is set."""
    async with served(downloader) as (endpoint, _):
        downloader.endpoint = endpoint
        yield downloader
