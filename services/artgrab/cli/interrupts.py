"""Ctrl-C and SIGTERM: the first ends what is under way in order, the second at once."""

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn, TypeVar

from artgrab.cli.leaving import ENDING, leave

T = TypeVar("T")

_SHOW_CURSOR = "\x1b[?25h"


class Interrupts:
    """What signals do to this process; there is one for it, as there is one handler for each."""

    def __init__(self) -> None:
        self._count = 0
        self._cancel: Callable[[], object] | None = None
        self._program = "artgrab"

    @contextmanager
    def installed(self, *, program: str) -> Iterator[None]:
        """Handle the signals, unless they are ignored; program is how this artgrab is called."""
        self._program, self._count = program, 0
        before = {one: signal.getsignal(one) for one in ENDING}
        heard = [one for one, handler in before.items() if handler is not signal.SIG_IGN]
        for one in heard:
            signal.signal(one, self._handle)
        try:
            yield
        finally:
            for one in heard:
                signal.signal(one, before[one])

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run on an event loop as asyncio.run does; a signal cancels the work.

        Threads that the work has started and left behind are not waited for then: whoever gets the
        KeyboardInterrupt has to leave().

        Raises:
            KeyboardInterrupt: a signal came.
        """
        runner = asyncio.Runner()
        try:
            return runner.run(self._cancellable(work))
        except BaseException:
            if self._count:  # whatever the end of the work has come to
                raise KeyboardInterrupt from None
            raise
        finally:
            if self._count:
                runner.get_loop().close()  # without a wait for threads
            else:
                runner.close()

    async def _cancellable(self, work: Coroutine[Any, Any, T]) -> T:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        self._cancel = lambda: loop.call_soon_threadsafe(task.cancel)
        try:
            return await work
        finally:
            self._cancel = None

    def _handle(self, signum: int, frame: FrameType | None) -> None:
        self._count += 1
        if self._count > 1:  # what is below ends with us: see die_with_parent
            self.leave(_SHOW_CURSOR if sys.stderr.isatty() else "")
        if self._cancel is None:
            raise KeyboardInterrupt
        self._cancel()

    def leave(self, first: str = "") -> NoReturn:
        """Say how to go on, and end this process without waiting for its threads."""
        leave(self._program, sys.argv[1:], first=first)


interrupts = Interrupts()
