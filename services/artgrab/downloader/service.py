"""The gRPC face of the downloader: translates, and leaves the work to others."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from artgrab.common.errors import BadInputError, SurroundingsError
from artgrab.common.records import Candidate, Record
from artgrab.common.urls import site_of
from artgrab.downloader.admissions import Admissions
from artgrab.downloader.endings import Endings
from artgrab.downloader.errors import RetryLaterError
from artgrab.downloader.ledgers import Ledgers, Verdict
from artgrab.downloader.metrics import Metrics
from artgrab.downloader.owners import Owners
from artgrab.downloader.pipeline import Filters, Pipeline, Task
from artgrab.downloader.places import Places
from artgrab.downloader.sessions import Session
from artgrab.downloader.settings import DownloaderSettings
from artgrab.downloader.translations import (
    ProtocolError,
    ended_response,
    ending_of,
    invalid,
    task_of,
)
from artgrab.v1 import ingest_service_pb2 as pb
from artgrab.v1 import ingest_service_pb2_grpc as pb_grpc

_SPREAD = 0.2


class IngestServicer(pb_grpc.IngestServiceServicer):
    """Serves streams until it is told to drain."""

    def __init__(
        self,
        *,
        pipeline: Pipeline,
        ledgers: Ledgers,
        admissions: Admissions,
        endings: Endings,
        owners: Owners,
        metrics: Metrics,
        settings: DownloaderSettings,
        randomness: random.Random,
    ) -> None:
        self._pipeline = pipeline
        self._ledgers = ledgers
        self._admissions = admissions
        self._endings = endings
        self._owners = owners
        self._metrics = metrics
        self._settings = settings
        self._randomness = randomness
        self._places = Places(most=settings.max_streams)
        self._stopping = asyncio.Event()

    def drain(self) -> None:
        """Ask all streams to come to their end."""
        self._stopping.set()

    async def Ingest(  # noqa: N802 - named by the contract
        self, request_iterator: AsyncIterator[pb.IngestRequest], context: Any
    ) -> None:
        """Serve one stream of the ingest protocol."""
        async with self._told(context), AsyncExitStack() as stack:
            stack.enter_context(self._metrics.stream())
            self._check_open()
            await context.send_initial_metadata(())  # else no status could follow a stuck response
            session = await self._open(request_iterator, stack)
            responses = session.run(request_iterator)
            await stack.enter_async_context(aclosing(responses))
            async for response in responses:
                await self._write(context, response)

    async def _write(self, context: Any, response: pb.IngestResponse) -> None:
        """Send a response; HTTP/2 takes only what the client has room for."""
        try:
            async with asyncio.timeout(self._settings.unread_seconds):
                await context.write(response)
        except TimeoutError as error:
            raise ProtocolError(
                f"nothing was read for {self._settings.unread_seconds:g} s; read what comes, also"
                " while you send",
                code=grpc.StatusCode.DEADLINE_EXCEEDED,
            ) from error

    async def EndRun(  # noqa: N802 - named by the contract
        self, request: pb.EndRunRequest, context: Any
    ) -> pb.EndRunResponse:
        """End a run."""
        async with self._told(context):
            self._check_open()
            ending = ending_of(request)
            self._admissions.admit(
                Task(ending.namespace, ending.category, ending.run_id, Filters()), request.token
            )
            return ended_response(await self._endings.end(ending))

    @asynccontextmanager
    async def _told(self, context: Any) -> AsyncIterator[None]:
        """Let a client be told why its call ends, by a status."""
        try:
            yield
        except ProtocolError as error:
            await self._abort(context, error.code, str(error))
        except DecodeError:
            await self._abort(
                context,
                grpc.StatusCode.INVALID_ARGUMENT,
                "a request that is none; make them of artgrab/v1/ingest_service.proto",
            )
        except SurroundingsError as error:
            await self._abort(context, grpc.StatusCode.UNAVAILABLE, str(error))
        except BadInputError as error:  # of a newer artgrab
            await self._abort(context, grpc.StatusCode.FAILED_PRECONDITION, str(error))

    async def _abort(self, context: Any, code: grpc.StatusCode, why: str) -> None:
        self._metrics.broken_off(code)
        await context.abort(code, why)

    def _check_open(self) -> None:
        if self._stopping.is_set():
            raise ProtocolError("this downloader is ending", code=grpc.StatusCode.UNAVAILABLE)

    async def _open(
        self, requests: AsyncIterator[pb.IngestRequest], stack: AsyncExitStack
    ) -> Session:
        with self._places.silent() as patience:
            hello = await _first_hello(requests, patience)
        task = self._admissions.admit(task_of(hello), hello.token)
        stack.enter_context(self._places.taken(task))
        desk = await stack.enter_async_context(
            self._ledgers.open(
                task.namespace,
                task.category,
                run_id=task.run_id,
                filters_digest=task.filters.digest,
            )
        )

        def work(candidate: Candidate) -> Awaitable[Record]:
            return self._fetch(candidate, task)

        async def work_at_last(candidate: Candidate) -> Record:
            try:
                return await self._fetch(candidate, task)
            except RetryLaterError as error:
                return self._pipeline.give_up(candidate, task, error.reason)

        def settle(candidate: Candidate, last_try: bool) -> Awaitable[Verdict]:
            doing = work_at_last if last_try else work
            return desk.settle(candidate, doing, last_try=last_try)

        return Session(
            settle,
            credits_at_once=self._settings.credits,
            drain_wanted=self._drain_wanted,
            metrics=self._metrics,
        )

    async def _fetch(self, candidate: Candidate, task: Task) -> Record:
        if self._owners.alone:
            return await self._pipeline.make_record(candidate, task)
        async with self._owners.tenure(site_of(candidate.url)):
            return await self._pipeline.make_record(candidate, task)

    async def _drain_wanted(self) -> float:
        spread = 1 + self._randomness.uniform(-_SPREAD, _SPREAD)
        try:
            async with asyncio.timeout(self._settings.stream_seconds * spread):
                await self._stopping.wait()
        except TimeoutError:
            return self._settings.drain_grace_seconds
        return self._settings.stop_grace_seconds


async def _first_hello(
    requests: AsyncIterator[pb.IngestRequest], patience: asyncio.Timeout
) -> pb.Hello:
    async with patience:
        request = await anext(requests, None)
    if request is None or request.WhichOneof("kind") != "hello":
        raise invalid("the first request must be a Hello")
    return request.hello
