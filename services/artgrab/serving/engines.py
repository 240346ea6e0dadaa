"""What computes the answers behind the predict server: the model in this process, or another's."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from artgrab.images import DecoderFailedError, PictureRefusedError
from artgrab.model.documents import ModelConfig


class Answer(Protocol):
    """What the model says of one picture."""

    @property
    def label(self) -> str: ...
    @property
    def probability(self) -> float: ...
    @property
    def probabilities(self) -> Mapping[str, float]: ...


Failure = PictureRefusedError | DecoderFailedError
"""Why one picture has no answer; the others of its request have theirs."""


class EngineAwayError(Exception):
    """Who computes is away; the same request may be answered a little later."""


class Served(Protocol):
    """Which model is served."""

    @property
    def content_sha256(self) -> str: ...
    @property
    def config(self) -> ModelConfig: ...


class Engine(Protocol):
    """Computes answers; what waits at the same time goes through the model together."""

    def running(self) -> AbstractAsyncContextManager[None]:
        """Compute as long as the context is open; it opens when the first picture may come."""

    async def answer(self, stored: bytes) -> Answer | Failure:
        """Answer for one picture that artgrab.images has re-encoded.

        Raises:
            EngineAwayError: it was away for too long.
        """

    async def watch(self, tell: Callable[[bool], Awaitable[None]]) -> None:
        """Tell whenever it can answer no longer (False) or again (True), until cancelled.

        Raises:
            SurroundingsError: it never will again.
        """

    def metrics(self) -> str:
        """Return its own metrics as Prometheus reads them; called by any thread."""
