"""The engine whose answers TorchServe computes: kept running, watched, and waited for."""

import asyncio
import http.client
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import grpc
import structlog

from artgrab.common.errors import SurroundingsError
from artgrab.common.restarts import RestartLimit
from artgrab.common.servers import LOOPBACK, reserved_port
from artgrab.images import process_picture
from artgrab.serving.engines import Answer, EngineAwayError, Failure
from artgrab.serving.smoke import smoke_picture
from artgrab.serving.torchserve import replies
from artgrab.serving.torchserve.config import Home, Ports
from artgrab.serving.torchserve.folders import own_folder
from artgrab.serving.torchserve.process import Java
from artgrab.serving.torchserve.programs import Programs
from artgrab.serving.torchserve.settings import TorchServeSettings
from artgrab.serving.torchserve.stub import Stub

_LOOK_SECONDS = 0.5
"""Between two looks at the workers: TorchServe tells nobody of their deaths."""
_TRIES = 3
"""For one picture: its worker may be killed under it, or by it."""

_SMOKE_SECONDS = 10.0
"""For a picture of our own, which may be forgotten as well."""
_METRICS_SECONDS = 2.0

_logger = structlog.get_logger(__name__)


class _WorkerLostError(Exception):
    """A worker died; whether it had the picture is not known."""


class TorchServeEngine:
    """One TorchServe with one model, on free ports of loopback that stay the same."""

    def __init__(
        self,
        settings: TorchServeSettings,
        programs: Programs,
        archive: bytes,
        *,
        restarts: RestartLimit | None = None,
    ) -> None:
        """Make the engine; nothing runs yet.

        Args:
            settings: of the service.
            programs: where Java and TorchServe are.
            archive: the model, checked.
            restarts: how often TorchServe may be started again.
        """
        self._settings = settings
        self._programs = programs
        self._archive = archive
        self._restarts = restarts or RestartLimit()
        self.java: Java | None = None
        """Where it runs."""
        self._ready = asyncio.Event()
        self._doubted = asyncio.Event()
        self._lost = asyncio.Event()
        """A worker died since this event was made: nobody answers what it had."""
        self._workers: frozenset[int] = frozenset()
        """The process ids of those that were ready at the last look."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Start TorchServe and open when it answers; end it in the end.

        Raises:
            SurroundingsError: it does not start, or does not answer in time.
        """
        async with AsyncExitStack() as stack:
            self._home = Home(stack.enter_context(own_folder()))
            self.ports = ports = Ports(
                inference=stack.enter_context(reserved_port()),
                management=stack.enter_context(reserved_port()),
                metrics=stack.enter_context(reserved_port()),
            )
            self._home.write(self._settings, ports)
            self._home.archive.write_bytes(self._archive)
            self._stub = await stack.enter_async_context(Stub(ports))
            stack.push_async_callback(self._stop)
            await self._start()
            yield

    async def answer(self, stored: bytes) -> Answer | Failure:
        """Answer for one picture; while TorchServe is away this waits for it."""
        try:
            async with asyncio.timeout(self._settings.answer_seconds):
                return await self._answer(stored)
        except TimeoutError as error:
            raise EngineAwayError("the model does not answer; try again") from error

    async def watch(self, tell: Callable[[bool], Awaitable[None]]) -> None:
        """Look after java and the workers: start again what dies, and tell.

        Raises:
            SurroundingsError: it died too often.
        """
        while True:
            await self._while_ready()
            _logger.warning("no worker of torchserve is ready; it is waited for")
            await tell(False)
            await self._recover()
            await tell(True)

    def metrics(self) -> str:
        """Return what TorchServe counts; nothing while it is away."""
        connection = http.client.HTTPConnection(
            LOOPBACK, self.ports.metrics, timeout=_METRICS_SECONDS
        )
        try:
            connection.request("GET", "/metrics")
            return connection.getresponse().read().decode()
        except (OSError, http.client.HTTPException, UnicodeError):
            return ""
        finally:
            connection.close()

    async def _answer(self, stored: bytes) -> Answer | Failure:
        for _ in range(_TRIES):
            await self._ready.wait()
            try:
                return replies.read_reply(await self._predict(stored))
            except _WorkerLostError:
                _logger.debug("torchserve forgot a picture")
            except grpc.RpcError as error:
                _logger.debug("torchserve failed a picture", code=error.code().name)
                self._ready.clear()  # until somebody has looked
                self._doubted.set()
        raise EngineAwayError(f"the model went away {_TRIES} times under this picture; try again")

    async def _predict(self, stored: bytes) -> bytes:
        """Ask for a picture until a worker dies: TorchServe forgets what that one had."""
        asking = asyncio.ensure_future(self._stub.predict(replies.STORED, stored))
        losing = asyncio.ensure_future(self._lost.wait())
        try:
            await asyncio.wait({asking, losing}, return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                raise _WorkerLostError
            return asking.result()
        finally:
            asking.cancel()
            losing.cancel()

    async def _while_ready(self) -> None:
        """Return when no worker is ready any more."""
        while ready := frozenset(await self._stub.ready_workers()):
            if self._workers - ready:
                self._lose()
            self._workers = ready
            self._doubted.clear()
            self._ready.set()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._doubted.wait(), _LOOK_SECONDS)
        self._ready.clear()
        self._lose()

    def _lose(self) -> None:
        lost, self._lost = self._lost, asyncio.Event()
        lost.set()

    async def _recover(self) -> None:
        """Wait for a worker to be back; where java died, or none comes, start it again."""
        while True:
            try:
                await self._become_ready()
                return
            except SurroundingsError as error:
                await self._stop()
                if not self._restarts.grant():
                    raise SurroundingsError(f"{error}; {self._restarts.exhausted}") from error
                _logger.warning("torchserve is started again", why=str(error))
                await self._launch()

    async def _start(self) -> None:
        self._smoke = process_picture(smoke_picture()).object_bytes
        await self._launch()
        await self._become_ready()

    async def _launch(self) -> None:
        for socket in self._home.path.glob("*.sock"):
            socket.unlink()
        self.java = await Java.start(
            self._home.command(self._programs),
            folder=str(self._home.scratch),
            threads=self._settings.threads,
        )

    async def _stop(self) -> None:
        java, self.java = self.java, None
        if java is not None:
            await java.stop()

    async def _become_ready(self) -> None:
        """Return when a worker is ready and has answered.

        Raises:
            SurroundingsError: java died, or that takes too long.
        """
        if self.java is None:
            raise SurroundingsError("TorchServe does not run")
        death = asyncio.create_task(self.java.death())
        answers = asyncio.create_task(self._until_it_answers())
        limit = self._settings.start_seconds
        try:
            await asyncio.wait({death, answers}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            if death.done():
                raise death.result()
            if not answers.done():
                raise SurroundingsError(f"TorchServe did not answer in {limit:.0f} s")
            answers.result()
        finally:
            death.cancel()
            answers.cancel()
        self._ready.set()

    async def _until_it_answers(self) -> None:
        while not await self._smoke_answered():  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(_LOOK_SECONDS / 5)

    async def _smoke_answered(self) -> bool:
        self._workers = frozenset(await self._stub.ready_workers())
        if not self._workers:
            return False
        try:
            async with asyncio.timeout(_SMOKE_SECONDS):
                replies.read_reply(await self._stub.predict(replies.STORED, self._smoke))
        except (grpc.RpcError, TimeoutError):
            return False
        except replies.ModelFailedError as error:
            raise SurroundingsError(f"TorchServe: {error}") from error
        return True
