"""Waiting for a condition that code on the same event loop makes true."""

import asyncio
from collections.abc import Callable


class Signal:
    """Wakes everybody who waits, so that they look at their conditions again."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def notify(self) -> None:
        """Say that something has changed."""
        self._event.set()
        self._event = asyncio.Event()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return when the condition holds; it is looked at after each notify()."""
        while not condition():
            await self._event.wait()
