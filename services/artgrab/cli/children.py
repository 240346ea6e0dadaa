"""Processes that `artgrab run` starts, watches and always stops."""

import asyncio
import contextlib
import os
import sys
from collections import deque
from collections.abc import AsyncIterator
from typing import Self

import msgspec

from artgrab.common.errors import (
    ArtgrabError,
    BadInputError,
    PartlyDoneError,
    SurroundingsError,
)
from artgrab.common.progress import ProgressSink, parse_forwarded

LOOPBACK = "127.0.0.1:0"
"""Where our servers listen: a free port that only this machine reaches."""
STOP_GRACE_SECONDS = 20.0
_READY_SECONDS = 120.0
_ERRORS = {error.exit_code: error for error in (BadInputError, PartlyDoneError, SurroundingsError)}
_LINE_LIMIT = 1 << 20


class Child:
    """A process of ours: progress and messages on stderr, its answer in lines on stdout."""

    def __init__(
        self, process: asyncio.subprocess.Process, *, name: str, progress: ProgressSink
    ) -> None:
        self._process = process
        self._name = name
        self._progress = progress
        self._last_lines: deque[str] = deque(maxlen=5)
        self._reader = asyncio.create_task(self._read_stderr())

    @classmethod
    async def start(cls, module: str, *arguments: str, progress: ProgressSink) -> Self:
        """Start `python -m module arguments`, so that it ends when this process does."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            *arguments,
            "--exit-with-parent",
            str(os.getpid()),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=_LINE_LIMIT,
            start_new_session=True,  # Ctrl-C reaches us alone; we stop our children in order
        )
        return cls(process, name=module, progress=progress)

    async def read_answer(self) -> dict[str, object]:
        """Return the JSON object of the child's next line on stdout.

        Raises:
            ArtgrabError: the child ended without one; class and message are its own.
        """
        if self._process.stdout is None:
            raise RuntimeError("started without a pipe")
        line = await self._process.stdout.readline()
        if not line:
            raise await self._failure()
        return msgspec.json.decode(line, type=dict[str, object])

    async def stop(self) -> None:
        """Ask the process to end, then make it; return when it is gone."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), STOP_GRACE_SECONDS)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        await self._reader

    async def _failure(self) -> ArtgrabError:
        code = await self._process.wait()
        await self._reader
        message = self._last_lines[-1] if self._last_lines else f"{self._name} ended with {code}"
        return _ERRORS.get(code, ArtgrabError)(message.removeprefix("artgrab: "))

    async def _read_stderr(self) -> None:
        if self._process.stderr is None:
            raise RuntimeError("started without a pipe")
        async for raw in self._process.stderr:
            line = raw.decode(errors="replace").rstrip()
            progress = parse_forwarded(line)
            if progress is not None:
                self._progress(progress)
            elif line:
                self._last_lines.append(line)


@contextlib.asynccontextmanager
async def running(module: str, *arguments: str, progress: ProgressSink) -> AsyncIterator[str]:
    """Start a server of ours, yield its endpoint, and stop it."""
    child = await Child.start(module, *arguments, progress=progress)
    try:
        yield await _endpoint(child, module)
    finally:
        await child.stop()


async def _endpoint(child: Child, module: str) -> str:
    try:
        answer = await asyncio.wait_for(child.read_answer(), _READY_SECONDS)
    except TimeoutError as error:
        raise SurroundingsError(f"{module} was not ready in {_READY_SECONDS:.0f} s") from error
    return str(answer["endpoint"])


async def answer_of(module: str, *arguments: str, progress: ProgressSink) -> dict[str, object]:
    """Run a process of ours to its end and return the JSON object that it answers."""
    child = await Child.start(module, *arguments, progress=progress)
    try:
        return await child.read_answer()
    finally:
        await child.stop()
