"""Waiting for what another process or server does: a condition and a deadline, no fixed time."""

import asyncio
from collections.abc import Callable

WAIT_SECONDS = 60.0
"""Long enough for a machine whose cores are shared: only a test that fails waits for it."""


async def eventually(condition: Callable[[], object], *, seconds: float = WAIT_SECONDS) -> None:
    """Return when the condition holds; raises TimeoutError at the deadline."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)
