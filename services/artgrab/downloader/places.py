"""Room for streams: whoever opens many, or says nothing, must not keep others out."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import grpc

from artgrab.downloader.pipeline import Task
from artgrab.downloader.translations import ProtocolError

HELLO_SECONDS = 10.0
STREAMS_OF_A_RUN = 64
"""A scrape has one at each downloader; others are of connections that broke, or of a token that was
stolen."""


class Places:
    """All open streams of one server.

    A stream is silent until its Hello. Where there is no room, the one that has been silent longest
    makes some: ours speak at once, so only who has nothing to say loses its place.
    """

    def __init__(self, *, most: int, hello_seconds: float = HELLO_SECONDS) -> None:
        self._most = most
        self._hello_seconds = hello_seconds
        self._silent: dict[asyncio.Timeout, None] = {}  # a dict keeps the order
        self._taken: Counter[tuple[str, str, str]] = Counter()

    @contextmanager
    def taken(self, task: Task) -> Iterator[None]:
        """Hold a place for a stream that has said for whom it is.

        Raises:
            ProtocolError: RESOURCE_EXHAUSTED, its run has too many.
        """
        run = (task.namespace, task.category, task.run_id)
        if self._taken[run] >= STREAMS_OF_A_RUN:
            raise _full(f"{STREAMS_OF_A_RUN} streams of this run are open already; end some first")
        self._taken[run] += 1
        try:
            yield
        finally:
            self._taken[run] -= 1
            if not self._taken[run]:
                del self._taken[run]

    @contextmanager
    def silent(self) -> Iterator[asyncio.Timeout]:
        """Hold a place for a stream until its Hello; yields the time-out to wait for it under.

        Raises:
            ProtocolError: RESOURCE_EXHAUSTED, there is no room; DEADLINE_EXCEEDED, no Hello came
                in time.
        """
        self._make_room()
        timeout = asyncio.timeout(self._hello_seconds)
        self._silent[timeout] = None
        try:
            yield timeout
        except TimeoutError as error:
            if timeout not in self._silent:
                raise _full("no Hello came, and others needed the place; send it first") from error
            raise ProtocolError(
                f"no Hello came within {self._hello_seconds:g} s; send it first",
                code=grpc.StatusCode.DEADLINE_EXCEEDED,
            ) from error
        finally:
            self._silent.pop(timeout, None)

    def _make_room(self) -> None:
        if len(self._silent) + self._taken.total() < self._most:
            return
        if not self._silent:
            raise _full(
                f"{self._most} streams are open here already; come again later, or raise"
                " ARTGRAB_DOWNLOADER_MAX_STREAMS"
            )
        oldest = next(iter(self._silent))
        del self._silent[oldest]
        if not oldest.expired():
            oldest.reschedule(0)


def _full(message: str) -> ProtocolError:
    return ProtocolError(message, code=grpc.StatusCode.RESOURCE_EXHAUSTED)
