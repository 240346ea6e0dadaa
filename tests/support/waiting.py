"""Waiting for what another process or server does: a condition and a deadline, no fixed time."""

import asyncio
from collections.abc import Callable


async def eventually(condition: Callable[[], object], *, seconds: float = 20.0) -> None:
    """Return when the condition holds; raises TimeoutError at the deadline."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)
