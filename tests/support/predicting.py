"""A predict server with a model that is easily foretold, and ways to break it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import simplejpeg

from artgrab.images import PictureRefusedError
from artgrab.model.documents import ModelConfig
from artgrab.serving import ServingSettings, serve
from artgrab.serving.batching import Classifier

MODEL_SHA256 = "ab" * 32
CONFIG = ModelConfig(
    backbone="brightness",
    labels=("art", "not-art"),
    image_size=64,
    mean=(0.5, 0.5, 0.5),
    std=(0.5, 0.5, 0.5),
    weights="none",
)


def grey_png(level: int, *, side: int = 80) -> bytes:
    """Return a picture of one grey, 0 to 255."""
    return cv2.imencode(".png", np.full((side, side, 3), level, np.uint8))[1].tobytes()


@dataclass(frozen=True)
class Brightness:
    label: str
    probability: float
    probabilities: dict[str, float]


@dataclass
class BrightnessClassifier:
    """Calls bright pictures art; while `gate` is closed it computes and does not end."""

    content_sha256: str = MODEL_SHA256
    config: ModelConfig = CONFIG
    gate: threading.Event = field(default_factory=threading.Event)
    batches: list[int] = field(default_factory=list)
    failure: Exception | None = None

    def __post_init__(self) -> None:
        self.gate.set()

    def predict_stored(
        self, objects: Sequence[bytes]
    ) -> Sequence[Brightness | PictureRefusedError]:
        self.batches.append(len(objects))
        assert self.gate.wait(60)
        if self.failure:
            raise self.failure
        return [self._answer(stored) for stored in objects]

    def _answer(self, stored: bytes) -> Brightness:
        art = float(simplejpeg.decode_jpeg(stored).mean()) / 255
        probabilities = {"art": art, "not-art": 1 - art}
        label = max(probabilities, key=probabilities.__getitem__)
        return Brightness(label, probabilities[label], probabilities)


@asynccontextmanager
async def predict_server(classifier: BrightnessClassifier, **settings: Any) -> AsyncIterator[str]:
    """Serve on a free port of loopback; yield HOST:PORT. At the end the gate is opened."""
    async with server_of(classifier, **settings) as endpoint:
        try:
            yield endpoint
        finally:
            classifier.gate.set()


@asynccontextmanager
async def server_of(classifier: Classifier, **settings: Any) -> AsyncIterator[str]:
    """As predict_server, with any model."""
    ready: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    task = asyncio.create_task(
        serve(
            ServingSettings(decode_workers=1, **settings), classifier, ready.set_result, stop=stop
        )
    )
    try:
        await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
        yield await ready
    finally:
        stop.set()
        await task
