"""The native engine: the model in this process, on a thread of its own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from artgrab.images import PictureRefusedError
from artgrab.model.documents import ModelConfig
from artgrab.serving.engines import Answer, Failure


class Classifier(Protocol):
    """What is served; artgrab.model.classifier.Classifier is one. Used by one thread at a time."""

    content_sha256: str
    config: ModelConfig

    def predict_stored(
        self, objects: Sequence[bytes]
    ) -> Sequence[Answer | PictureRefusedError]: ...


@dataclass(frozen=True)
class _Waiting:
    stored: bytes
    answer: asyncio.Future[Answer | Failure]


class BatchingEngine:
    """Predicts on one thread, in batches of what waits.

    There is no delay to fill a batch: while one is computed, the next one gathers.
    """

    def __init__(self, load: Callable[[], Classifier], *, batch_pictures: int) -> None:
        """Make the engine.

        Args:
            load: returns the model; called once, on the thread that computes.
            batch_pictures: through the model together, at most.
        """
        self._load = load
        self._batch_pictures = batch_pictures
        self._waiting: asyncio.Queue[_Waiting] = asyncio.Queue()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="predict")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Answer as long as the context is open.

        Raises:
            ArtgrabError: the model cannot be loaded.
        """
        try:
            loop = asyncio.get_running_loop()
            self._classifier = await loop.run_in_executor(self._thread, self._load)
            worker = asyncio.create_task(self._work())
            try:
                yield
            finally:
                worker.cancel()
        finally:
            self._thread.shutdown(wait=False, cancel_futures=True)

    async def answer(self, stored: bytes) -> Answer | Failure:
        """Answer for one picture; when the caller is cancelled before it begins, it never does."""
        answer: asyncio.Future[Answer | Failure] = asyncio.get_running_loop().create_future()
        self._waiting.put_nowait(_Waiting(stored, answer))
        return await answer

    async def watch(self, tell: Callable[[bool], Awaitable[None]]) -> None:
        """Wait for ever: it is never away."""
        await asyncio.Event().wait()

    def metrics(self) -> str:
        """Return nothing: the server in front of it counts all there is."""
        return ""

    async def _work(self) -> None:
        while True:
            batch = await self._next_batch()
            if batch:
                await self._answer(batch)

    async def _next_batch(self) -> list[_Waiting]:
        """Return what waits, at least one, less what nobody waits for any more."""
        found = [await self._waiting.get()]
        while len(found) < self._batch_pictures and not self._waiting.empty():
            found.append(self._waiting.get_nowait())
        return [one for one in found if not one.answer.done()]

    async def _answer(self, batch: Sequence[_Waiting]) -> None:
        objects = [one.stored for one in batch]
        loop = asyncio.get_running_loop()
        try:
            answers = await loop.run_in_executor(
                self._thread, self._classifier.predict_stored, objects
            )
        except Exception as error:  # a model that fails once must not end the service
            for one in batch:
                _fail(one.answer, error)
            return
        for one, answer in zip(batch, answers, strict=True):
            if not one.answer.done():
                one.answer.set_result(answer)


def _fail(future: asyncio.Future[Answer | Failure], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
