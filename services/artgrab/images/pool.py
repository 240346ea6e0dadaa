"""Worker processes that decode untrusted pictures: bounded memory, bounded time, disposable.

Plain pipes to each process rather than a process pool of a library: those share queues and locks
between workers, which one killed at the wrong moment blocks for all, and they unpickle what a
taken-over decoder sends.
"""

import asyncio
import math
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Self

from artgrab.common.digests import sha256_hex
from artgrab.common.unreadable import UNREADABLE
from artgrab.images.frames import Answer, Refusal, Success, Task, decode_answer, task_parts
from artgrab.images.memory import SharedMemory
from artgrab.images.pipes import Pipes
from artgrab.images.process import named
from artgrab.images.types import Data, DecoderFailedError, Picture, PictureRefusedError

_MAX_ANSWER_BYTES = 16 * 1024**2
"""Noise of 384x7680 pixels, the most that is kept of a picture, is a JPEG of 2.6 MB."""
_JPEG = b"\xff\xd8\xff"
_START_SECONDS = 30.0
"""Added to the first picture's time: a new process imports its libraries."""
_DIED = "decoder-died"
_INHERITED = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ")
"""All that workers get of the environment: no credentials."""
_ALONE = {"OPENBLAS_NUM_THREADS": "1"}
"""A thread that numpy starts would not be confined with the others."""


class DecodePool:
    """Processes pictures in worker processes, started when they are first needed.

    Use it as an async context manager. A picture whose worker dies is tried once more.
    """

    def __init__(
        self,
        *,
        workers: int,
        memory_bytes: int = 2 * 1024**3,
        timeout: float = 20.0,
        pictures_per_worker: int = 2000,
        memory: SharedMemory | None = None,
        command: Sequence[str] = (sys.executable, "-P", "-m", "artgrab.images.worker"),
        on_death: Callable[[], None] = lambda: None,
    ) -> None:
        """Make the pool.

        Args:
            workers: processes at most.
            memory_bytes: address space of each, beyond what its libraries take at the start.
            timeout: seconds for one picture; then its worker is killed. At half of them of a
                processor's time it ends by itself, busy machine or not.
            pictures_per_worker: after so many a worker is replaced.
            memory: where pictures can lie that are to be processed; others go through a pipe.
            command: starts a worker; memory_bytes, seconds of a processor, our process id and
                what is shared are added.
            on_death: called for each that dies over a picture, or is killed over it.
        """
        cpu_seconds = math.ceil(timeout / 2)
        self._on_death = on_death
        self._memory = memory
        self._shared = () if memory is None or memory.descriptor is None else (memory.descriptor,)
        limits = (memory_bytes, cpu_seconds, os.getpid())
        self._command = (*command, *map(str, (*limits, *self._shared)))
        self._timeout = timeout
        self._pictures_per_worker = pictures_per_worker
        self._free = asyncio.Semaphore(workers)
        self._idle: list[_Worker] = []
        self._alive: set[_Worker] = set()

    @property
    def size(self) -> int:
        """Processes at the moment."""
        return len(self._alive)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*(worker.stop() for worker in self._alive))
        self._alive.clear()
        self._idle.clear()

    async def process(self, data: Data, *, min_side: int = 0, source_sha256: str = "") -> Picture:
        """Return what process_picture makes of data.

        Args:
            data: the bytes as they were fetched.
            min_side: pixels that the shorter side of the source must have.
            source_sha256: of data, for those who know it already.

        Raises:
            PictureRefusedError: as process_picture; too-much-memory or too-much-time beyond the
                limits.
            DecoderFailedError: two workers died of it or answered nonsense (decoder-died), or it
                took too long (decoder-timeout).
        """
        async with self._free:
            answer = await self._ask_twice(Task(data, min_side))
        if isinstance(answer, Refusal):
            raise PictureRefusedError(answer.reason)
        return named(answer.kept, source_sha256=source_sha256 or sha256_hex(data))

    async def _ask_twice(self, task: Task) -> Answer:
        """Ask once more where a worker died: of this picture, or killed for another reason."""
        try:
            return await self._ask(task, await self._idle_one() or await self._start())
        except DecoderFailedError as error:
            if error.reason != _DIED:
                raise
        return await self._ask(task, await self._start())

    async def _idle_one(self) -> "_Worker | None":
        while self._idle:
            worker = self._idle.pop()
            if worker.alive:
                return worker
            await self._discard(worker)
        return None

    async def _ask(self, task: Task, worker: "_Worker") -> Answer:
        limit = self._timeout + (0 if worker.pictures else _START_SECONDS)
        try:
            async with asyncio.timeout(limit):
                answer = await worker.ask(task, place=self._place(task.data))
        except TimeoutError as error:
            await self._bury(worker)
            raise DecoderFailedError("decoder-timeout") from error
        except (OSError, EOFError, *UNREADABLE) as error:
            await self._bury(worker)
            if worker.ended_by == signal.SIGXCPU:
                raise PictureRefusedError("too-much-time") from error
            raise DecoderFailedError(_DIED) from error
        except BaseException:
            await self._discard(worker)  # an answer to nobody would be taken for the next one
            raise
        if worker.pictures >= self._pictures_per_worker:
            await self._discard(worker)
        else:
            self._idle.append(worker)
        return answer

    def _place(self, data: Data) -> int | None:
        return self._memory.find(data) if self._memory else None

    async def _start(self) -> "_Worker":
        pipes = Pipes()
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=pipes.stdin,
                stdout=pipes.stdout,
                pass_fds=self._shared,
                env={name: os.environ[name] for name in _INHERITED if name in os.environ} | _ALONE,
            )
        except BaseException:
            pipes.close()
            raise
        pipes.hand_over()
        worker = _Worker(process, pipes)
        self._alive.add(worker)
        return worker

    async def _bury(self, worker: "_Worker") -> None:
        """Note one that died over its picture, or had to."""
        self._on_death()
        await self._discard(worker)

    async def _discard(self, worker: "_Worker") -> None:
        self._alive.discard(worker)
        await asyncio.shield(worker.stop())


class _Worker:
    """One process and its pipes."""

    def __init__(self, process: asyncio.subprocess.Process, pipes: Pipes) -> None:
        self._process = process
        self._pipes = pipes
        self.pictures = 0

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    @property
    def ended_by(self) -> int | None:
        """The signal that ended it, None where none did."""
        code = self._process.returncode
        return -code if code is not None and code < 0 else None

    async def ask(self, task: Task, *, place: int | None) -> Answer:
        await self._pipes.send(*task_parts(task, place=place))
        answer = decode_answer(await self._pipes.receive(limit=_MAX_ANSWER_BYTES))
        if isinstance(answer, Success) and not answer.kept.object_bytes.startswith(_JPEG):
            raise EOFError("the answer is no picture")
        self.pictures += 1
        return answer

    async def stop(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        self._pipes.close()
