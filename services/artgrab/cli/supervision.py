"""What dies is started again, but not for ever."""

import asyncio
import contextlib
import socket
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field

from artgrab.cli.children import Child, ChildDiedError
from artgrab.common.errors import SurroundingsError
from artgrab.common.progress import ProgressSink, warn

_LOOPBACK = "127.0.0.1"
_READY_SECONDS = 120.0


@dataclass(kw_only=True)
class Restarts:
    """How often one thing may be started again."""

    most: int = 5
    """Within any window; a process that something kills again and again is not worth more."""
    window_seconds: float = 300.0
    clock: Callable[[], float] = time.monotonic
    """Seconds."""
    _granted: deque[float] = field(default_factory=deque)

    def grant(self) -> bool:
        """Tell whether to start it again now."""
        now = self.clock()
        while self._granted and self._granted[0] <= now - self.window_seconds:
            self._granted.popleft()
        if len(self._granted) >= self.most:
            return False
        self._granted.append(now)
        return True

    def check(self, death: ChildDiedError, progress: ProgressSink) -> None:
        """Tell people that what has died is started again.

        Raises:
            ChildDiedError: it died too often.
        """
        if not self.grant():
            often = f"{self.most + 1} times within {self.window_seconds / 60:.0f} minutes"
            raise ChildDiedError(f"{death}; that was {often}") from death
        warn(progress, f"{death}; it is started again")


async def answer_of(
    module: str, *arguments: str, progress: ProgressSink, restarts: Restarts | None = None
) -> dict[str, object]:
    """Run a process of ours to its end and return the JSON object that it answers.

    Raises:
        ArtgrabError: its own; or it was killed too often.
    """
    restarts = restarts or Restarts()
    while True:
        child = await Child.start(module, *arguments, progress=progress)
        try:
            return await child.read_answer()
        except ChildDiedError as death:
            restarts.check(death, progress)
        finally:
            await child.stop()


class Server:
    """A server of ours that is started again, on the same endpoint, where it dies."""

    def __init__(
        self, module: str, *arguments: str, port: int, progress: ProgressSink, restarts: Restarts
    ) -> None:
        self.endpoint = f"{_LOOPBACK}:{port}"
        self.deaths = 0
        self._module = module
        self._arguments = (*arguments, "--listen", self.endpoint)
        self._progress = progress
        self._restarts = restarts
        self._child: Child | None = None
        self._ready = asyncio.Event()

    async def ready(self) -> None:
        """Return when it answers; only useful while it is kept running."""
        await self._ready.wait()

    async def keep_running(self) -> None:
        """Start it as often as it takes, until this is cancelled.

        Raises:
            ArtgrabError: its own; or it died too often.
        """
        while True:
            try:
                await self._live()
            except ChildDiedError as death:
                self.deaths += 1
                self._ready.clear()
                self._restarts.check(death, self._progress)
            finally:
                await self._stop()

    async def _live(self) -> None:
        self._child = await Child.start(self._module, *self._arguments, progress=self._progress)
        try:
            await asyncio.wait_for(self._child.read_answer(), _READY_SECONDS)
        except TimeoutError as error:
            late = f"{self._child.name} was not ready in {_READY_SECONDS:.0f} s"
            raise SurroundingsError(late) from error
        self._ready.set()
        raise await self._child.failure()

    async def _stop(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            await child.stop()


@contextlib.asynccontextmanager
async def running(
    module: str, *arguments: str, progress: ProgressSink, restarts: Restarts | None = None
) -> AsyncIterator[Server]:
    """Start a server of ours and yield it; start it again where it dies; stop it in the end.

    Raises:
        ArtgrabError: the server's own, or it died too often: what was done with it is cancelled.
    """
    with _reserved_port() as port:
        server = Server(
            module, *arguments, port=port, progress=progress, restarts=restarts or Restarts()
        )
        try:
            async with asyncio.TaskGroup() as group:
                keeper = group.create_task(server.keep_running())
                await server.ready()
                yield server
                keeper.cancel()
        except BaseExceptionGroup as errors:
            cause = _first(errors)
            raise cause from cause.__cause__


def _first(errors: BaseException) -> BaseException:
    """Return the cause; the others came of ending what was under way."""
    while isinstance(errors, BaseExceptionGroup):
        errors = errors.exceptions[0]
    return errors


@contextlib.contextmanager
def _reserved_port() -> Iterator[int]:
    """Hold a free port of loopback, so that nobody else is given it between two lives of a server.

    Bound and not listening: the kernel gives it to nobody who asks for any port, and who names it
    can listen there (SO_REUSEADDR, socket(7)).
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind((_LOOPBACK, 0))
        port: int = holder.getsockname()[1]
        if not sys.platform.startswith("linux"):  # elsewhere two sockets cannot share it
            holder.close()
        yield port
