"""Pictures in, answers out: what waits goes through the model together; knows no gRPC."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Protocol

from artgrab.images import DecodePool, DecoderFailedError, PictureRefusedError
from artgrab.model.documents import ModelConfig


class Answer(Protocol):
    """What the model says of one picture."""

    @property
    def label(self) -> str: ...
    @property
    def probability(self) -> float: ...
    @property
    def probabilities(self) -> Mapping[str, float]: ...


class Classifier(Protocol):
    """What is served; artgrab.model.classifier.Classifier is one. Used by one thread at a time."""

    content_sha256: str
    config: ModelConfig

    def predict_stored(
        self, objects: Sequence[bytes]
    ) -> Sequence[Answer | PictureRefusedError]: ...


Failure = PictureRefusedError | DecoderFailedError
"""Why one picture has no answer; the others of its request have theirs."""


class QueueFullError(Exception):
    """So many pictures are under way that these would wait too long."""


@dataclass(frozen=True)
class _Waiting:
    stored: bytes
    answer: asyncio.Future[Answer | Failure]


class Predictor:
    """Decodes in worker processes and predicts on one thread, in batches of what waits.

    There is no delay to fill a batch: while one is computed, the next one gathers.
    """

    def __init__(
        self,
        classifier: Classifier,
        pool: DecodePool,
        *,
        batch_pictures: int,
        max_queued_pictures: int,
    ) -> None:
        self._classifier = classifier
        self._pool = pool
        self._batch_pictures = batch_pictures
        self._room = self._whole_room = max_queued_pictures
        self._idle = asyncio.Event()
        self._idle.set()
        self._waiting: asyncio.Queue[_Waiting] = asyncio.Queue()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="predict")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Answer as long as the context is open."""
        worker = asyncio.create_task(self._work())
        try:
            yield
        finally:
            worker.cancel()
            self._thread.shutdown(wait=False, cancel_futures=True)

    async def predict(self, pictures: Sequence[bytes]) -> list[Answer | Failure]:
        """Return an answer or a failure for every picture, in their order.

        When the caller is cancelled, what has not begun by then is not computed.

        Raises:
            QueueFullError: too much is under way.
        """
        with self._taking_room(len(pictures)):
            return list(await asyncio.gather(*map(self._predict_one, pictures)))

    async def idle(self) -> None:
        """Return when nothing is under way."""
        await self._idle.wait()

    @contextmanager
    def _taking_room(self, wanted: int) -> Iterator[None]:
        if wanted > self._room:
            raise QueueFullError
        self._room -= wanted
        self._idle.clear()
        try:
            yield
        finally:
            self._room += wanted
            if self._room == self._whole_room:
                self._idle.set()

    async def _predict_one(self, picture: bytes) -> Answer | Failure:
        try:
            processed = await self._pool.process(picture)
        except (PictureRefusedError, DecoderFailedError) as error:
            return error
        answer: asyncio.Future[Answer | Failure] = asyncio.get_running_loop().create_future()
        self._waiting.put_nowait(_Waiting(processed.object_bytes, answer))
        return await answer

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
