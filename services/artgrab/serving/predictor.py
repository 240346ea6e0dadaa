"""Pictures in, answers out: decoded in other processes, computed by an engine; knows no gRPC."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from artgrab.images import DecodePool, DecoderFailedError, PictureRefusedError
from artgrab.serving.engines import Answer, Engine, Failure


class QueueFullError(Exception):
    """So many pictures are under way that these would wait too long."""


class Predictor:
    """Decodes in worker processes and lets an engine compute."""

    def __init__(self, engine: Engine, pool: DecodePool, *, max_queued_pictures: int) -> None:
        self._engine = engine
        self._pool = pool
        self._room = self._whole_room = max_queued_pictures
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def under_way(self) -> int:
        """Pictures that were taken and have no answer yet."""
        return self._whole_room - self._room

    async def predict(self, pictures: Sequence[bytes]) -> list[Answer | Failure]:
        """Return an answer or a failure for every picture, in their order.

        When the caller is cancelled, what has not begun by then is not computed.

        Raises:
            QueueFullError: too much is under way.
            EngineAwayError: who computes is away.
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
        return await self._engine.answer(processed.object_bytes)
