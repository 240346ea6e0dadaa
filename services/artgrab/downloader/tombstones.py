"""The takedowns that hold at the moment, read again and again while streams last."""

import asyncio
import time
from collections.abc import Callable

from artgrab.common.store import Store
from artgrab.common.takedowns import Takedowns, read_takedowns

_LIFE_SECONDS = 60.0
"""How long what was read is believed: a takedown that comes in mid-run holds after so long."""


class Tombstones:
    """Reads takedowns at the first use, at each Hello, and once a minute after that."""

    def __init__(self, store: Store, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._reading = asyncio.Lock()
        self._read_at: float | None = None
        self.current = Takedowns()

    async def refresh(self, *, anew: bool = False) -> Takedowns:
        """Return the takedowns; none that is older than a minute, or this call where `anew`.

        Raises:
            SurroundingsError: they cannot be read, so nothing may be fetched.
        """
        asked_at = self._clock()
        if not self._is_old(asked_at, anew=anew):  # no lock: asked for each candidate
            return self.current
        async with self._reading:
            if self._is_old(asked_at, anew=anew):
                self.current = await asyncio.to_thread(read_takedowns, self._store)
                self._read_at = asked_at
        return self.current

    def _is_old(self, asked_at: float, *, anew: bool) -> bool:
        if self._read_at is None:
            return True
        return self._read_at < asked_at if anew else asked_at - self._read_at >= _LIFE_SECONDS
