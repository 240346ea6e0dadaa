"""The java of TorchServe as a process of ours: started and signalled itself, never orphaned."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from typing import Self

import structlog

from artgrab.common.errors import SurroundingsError

_INHERITED = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ", "HOME")
"""All that java and the workers get of the environment: no credentials."""
_STOP_SECONDS = 10.0
_LINE_LIMIT = 1 << 20
_TRACE = ("at ", "... ")
"""What lines of a stack trace begin with."""

_logger = structlog.get_logger(__name__)


class Java:
    """One life of it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.pid = process.pid
        self._process = process
        self._last_line = ""
        self._readers = [
            asyncio.create_task(self._read(stream))
            for stream in (process.stdout, process.stderr)
            if stream is not None
        ]

    @classmethod
    async def start(cls, command: Sequence[str], *, folder: str, threads: int) -> Self:
        """Start it so that it ends when this process does, and Ctrl-C reaches us alone."""
        leash = (sys.executable, "-P", "-m", "artgrab.common.leashed", str(os.getpid()))
        process = await asyncio.create_subprocess_exec(
            *leash,
            *command,
            cwd=folder,
            env=_environment(threads),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=_LINE_LIMIT,
            start_new_session=True,
        )
        return cls(process)

    async def death(self) -> SurroundingsError:
        """Wait for its end and return what people should know of it."""
        code = await self._process.wait()
        await asyncio.wait(self._readers)
        if code < 0:
            return SurroundingsError(f"TorchServe was killed by {signal.Signals(-code).name}")
        said = f", last saying: {self._last_line}" if self._last_line else ""
        return SurroundingsError(f"TorchServe ended with {code}{said}")

    async def stop(self) -> None:
        """Ask it to end, then make it; return when it is gone."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), _STOP_SECONDS)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        await asyncio.wait(self._readers)

    async def _read(self, stream: asyncio.StreamReader) -> None:
        async for raw in stream:
            if line := raw.decode(errors="replace").strip():
                _logger.debug("torchserve", line=line)
                if not line.startswith(_TRACE):
                    self._last_line = line


def _environment(threads: int) -> dict[str, str]:
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return inherited | {
        "OMP_NUM_THREADS": str(threads),
        "ARTGRAB_SERVING_THREADS": str(threads),
    }
