"""What dies is started again, but not for ever."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from artgrab.cli.children import Child, ChildDiedError
from artgrab.common.errors import SurroundingsError
from artgrab.common.progress import ProgressSink, warn
from artgrab.common.restarts import RestartLimit
from artgrab.common.servers import LOOPBACK, reserved_port

_READY_SECONDS = 120.0


class Restarts(RestartLimit):
    """How often one process of ours may be started again."""

    def check(self, death: ChildDiedError, progress: ProgressSink) -> None:
        """Tell people that what has died is started again.

        Raises:
            ChildDiedError: it died too often.
        """
        if not self.grant():
            raise ChildDiedError(f"{death}; {self.exhausted}") from death
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
        self.endpoint = f"{LOOPBACK}:{port}"
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
    with reserved_port() as port:
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
