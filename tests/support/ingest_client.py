"""A small client of the ingest protocol that hides nothing of it, and a server to talk to."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any

import grpc

from artgrab.common.network import NetworkSettings
from artgrab.common.store import Store
from artgrab.common.urls import candidate_id
from artgrab.downloader.server import serve
from artgrab.downloader.settings import DownloaderSettings
from artgrab.v1 import ingest_service_pb2 as pb
from artgrab.v1 import ingest_service_pb2_grpc as pb_grpc
from tests.support.waiting import WAIT_SECONDS


def candidate(url: str, **fields: Any) -> pb.Candidate:
    """Return a candidate with its true id."""
    fields = {"source": "gallery", "query": "cats", **fields}
    return pb.Candidate(candidate_id=candidate_id(url), url=url, **fields)


def hello(**fields: Any) -> pb.IngestRequest:
    """Return a Hello that is good unless fields say otherwise."""
    fields = {"namespace": "default", "category": "cats", "run_id": "run-1", **fields}
    return pb.IngestRequest(hello=pb.Hello(**fields))


def batch(candidates: Iterable[pb.Candidate]) -> pb.IngestRequest:
    return pb.IngestRequest(batch=pb.Batch(candidates=candidates))


FINISH = pb.IngestRequest(finish=pb.Finish())


class Stream:
    """One stream, message by message."""

    def __init__(self, call: Any) -> None:
        self.call = call
        self.credits = 0
        self._reading: asyncio.Future[Any] | None = None

    async def send(self, request: pb.IngestRequest) -> None:
        await self.call.write(request)

    async def receive(self) -> pb.IngestResponse | None:
        """Return the next response; None at the end of the stream."""
        reading = self._reading or asyncio.ensure_future(self.call.read())
        self._reading = None
        async with asyncio.timeout(WAIT_SECONDS):
            response = await reading
        if response is grpc.aio.EOF:
            return None
        assert isinstance(response, pb.IngestResponse)
        self.credits += response.credits.candidates + response.welcome.credits
        return response

    async def is_silent(self, seconds: float) -> bool:
        """Tell whether nothing comes for so long; what comes later is still received."""
        self._reading = asyncio.ensure_future(self.call.read())
        done, _ = await asyncio.wait([self._reading], timeout=seconds)
        return not done

    async def receive_acks(self, count: int) -> list[pb.Ack]:
        """Return the next acks, passing over credits; fewer where the stream ends before."""
        acks: list[pb.Ack] = []
        while len(acks) < count:
            response = await self.receive()
            if response is None:
                break
            acks += response.acks.acks
        return acks

    async def receive_all(self) -> list[pb.IngestResponse]:
        """Return all that comes until the stream ends."""
        responses = []
        while (response := await self.receive()) is not None:
            responses.append(response)
        return responses

    async def code(self) -> grpc.StatusCode:
        """Return how the stream ended."""
        async with asyncio.timeout(WAIT_SECONDS):
            code = await self.call.code()
        assert isinstance(code, grpc.StatusCode)
        return code

    async def end(self) -> tuple[grpc.StatusCode, str]:
        """Return how the stream ended and why, which is told after what was sent before."""
        with suppress(grpc.aio.AioRpcError):
            await self.receive_all()
        return await self.code(), await self.call.details()


@asynccontextmanager
async def open_stream(endpoint: str, **fields: Any) -> AsyncIterator[Stream]:
    """Open a stream and exchange Hello and Welcome."""
    async with raw_stream(endpoint) as stream:
        await stream.send(hello(**fields))
        welcome = await stream.receive()
        assert welcome is not None
        assert welcome.welcome.credits
        yield stream


@asynccontextmanager
async def raw_stream(endpoint: str) -> AsyncIterator[Stream]:
    """Open a stream that has said nothing yet."""
    async with grpc.aio.insecure_channel(endpoint) as channel:
        call = pb_grpc.IngestServiceStub(channel).Ingest()
        try:
            yield Stream(call)
        finally:
            call.cancel()


async def ingest(endpoint: str, candidates: Iterable[pb.Candidate], **fields: Any) -> list[pb.Ack]:
    """Send candidates on one stream, finish, and return all acks in the order they came."""
    async with open_stream(endpoint, **fields) as stream:
        await stream.send(batch(candidates))
        await stream.send(FINISH)
        responses = await stream.receive_all()
        assert await stream.code() is grpc.StatusCode.OK
        return [ack for response in responses for ack in response.acks.acks]


async def end_run(endpoint: str, **fields: Any) -> pb.EndRunResponse:
    """End the run of hello(), unless fields say otherwise."""
    names = {"namespace": "default", "category": "cats", "run_id": "run-1"}
    request = pb.EndRunRequest(**{**names, "reason": "TargetReached", **fields})
    async with grpc.aio.insecure_channel(endpoint) as channel:
        answer = await pb_grpc.IngestServiceStub(channel).EndRun(request, timeout=WAIT_SECONDS)
    assert isinstance(answer, pb.EndRunResponse)
    return answer


async def ingest_one(endpoint: str, url: str, **fields: Any) -> tuple[str, str]:
    """Send one candidate on a stream of its own and return its outcome and reason."""
    (found,) = outcomes(await ingest(endpoint, [candidate(url)], **fields)).values()
    return found


def outcomes(acks: Iterable[pb.Ack]) -> dict[bytes, tuple[str, str]]:
    """Return outcome and reason of each ack by candidate_id."""
    return {
        ack.candidate_id: (pb.Outcome.Name(ack.outcome).removeprefix("OUTCOME_"), ack.reason)
        for ack in acks
    }


@asynccontextmanager
async def downloader(store: Store, network: NetworkSettings, **settings: Any) -> AsyncIterator[str]:
    """Run the real server in this process and yield its endpoint.

    An event given as `stop` ends it as SIGTERM does; all else are settings. However slow this
    machine is, nobody is sent away for a wait that would be long.
    """
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    stop = settings.pop("stop", None) or asyncio.Event()
    values = {"decode_workers": 1, "stop_grace_seconds": 5, "host_wait_seconds": 3600, **settings}
    serving = asyncio.create_task(
        serve(DownloaderSettings(**values), network, store, ready.set_result, stop=stop)
    )
    waited: list[asyncio.Future[Any]] = [serving, ready]
    await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        serving.result()
    try:
        yield ready.result()
    finally:
        stop.set()
        await serving
