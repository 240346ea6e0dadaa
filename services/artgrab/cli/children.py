"""Processes that `artgrab run` starts, watches, starts again where they die, and always stops."""

import asyncio
import contextlib
import os
import re
import signal
import sys
from collections import deque
from typing import Self

import msgspec

from artgrab.common.errors import (
    ArtgrabError,
    BadInputError,
    PartlyDoneError,
    SurroundingsError,
)
from artgrab.common.logs import FORWARDED
from artgrab.common.progress import (
    ProgressSink,
    parse_forwarded,
    parse_forwarded_warning,
    warn,
)
from artgrab.common.unreadable import UNREADABLE

STOP_GRACE_SECONDS = 20.0
_ERRORS = {error.exit_code: error for error in (BadInputError, PartlyDoneError, SurroundingsError)}
_LINE_LIMIT = 1 << 20
_LAST_LINES = 5
_NAMES = {
    "artgrab.cli": "the trainer",
    "artgrab.downloader": "the downloader",
    "artgrab.model.preflight": "the check of the model",
    "artgrab.serving": "the predict server",
}
"""What people call our modules."""


_FOR_OTHERS = re.compile(
    r"ARTGRAB_(DOWNLOADER|SERVING)_(TLS_\w+|TOKENS?_\w+|HEALTH_LISTEN|ADDRESSES|OWN_ADDRESS)"
)
"""Settings of servers that others reach; ours are on loopback and for us alone."""


class ChildDiedError(SurroundingsError):
    """A process of ours ended unasked and without a word: it was killed, or it crashed."""


class Child:
    """A process of ours: progress and messages on stderr, its answer in lines on stdout."""

    def __init__(
        self, process: asyncio.subprocess.Process, *, name: str, progress: ProgressSink
    ) -> None:
        self.name = name
        """What people call it."""
        self._process = process
        self._progress = progress
        self._last_lines: deque[str] = deque(maxlen=_LAST_LINES)
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
            env=_environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=_LINE_LIMIT,
            start_new_session=True,  # Ctrl-C reaches us alone; we stop our children in order
        )
        return cls(process, name=_NAMES.get(module, module), progress=progress)

    async def read_answer(self) -> dict[str, object]:
        """Return the JSON object of the child's next line on stdout.

        Raises:
            ChildDiedError: the child was killed.
            ArtgrabError: it ended without one; class and message are its own.
        """
        if self._process.stdout is None:
            raise RuntimeError("started without a pipe")
        line = await self._process.stdout.readline()
        try:
            return msgspec.json.decode(line, type=dict[str, object])
        except UNREADABLE:  # nothing, or half a line: it was killed
            raise await self.failure() from None

    async def failure(self) -> ArtgrabError:
        """Wait for the child's end and return what that means."""
        code = await self._process.wait()
        await self._reader
        said = self._last_lines[-1].removeprefix("artgrab: ") if self._last_lines else ""
        if said and code in _ERRORS:
            return _ERRORS[code](said)
        if code > 0:  # a bug, and its last line names it
            return ArtgrabError(said or f"{self.name} ended with {code}")
        return ChildDiedError(f"{self.name} {_manner_of(code)}{said and f', last saying: {said}'}")

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

    async def _read_stderr(self) -> None:
        if self._process.stderr is None:
            raise RuntimeError("started without a pipe")
        async for raw in self._process.stderr:
            self._take(raw.decode(errors="replace").rstrip())

    def _take(self, line: str) -> None:
        if (progress := parse_forwarded(line)) is not None:
            self._progress(progress)
        elif (warning := parse_forwarded_warning(line)) is not None:
            warn(self._progress, warning)
        elif line:
            self._last_lines.append(line)


def _manner_of(code: int) -> str:
    if code == 0:
        return "ended unasked"
    with contextlib.suppress(ValueError):
        return f"was killed by {signal.Signals(-code).name}"
    return f"was killed by signal {-code}"


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not _FOR_OTHERS.fullmatch(name)}
    return kept | FORWARDED
