"""One at a time: requests to an API take turns, however many scrapes run in this process."""

import asyncio


class Turns:
    """A lock for each host; one instance serves all scrapes of a process (of one event loop)."""

    def __init__(self) -> None:
        self._locks: dict[str, asyncio.Lock] = {}

    def at(self, host: str) -> asyncio.Lock:
        """Return the lock to hold while a host is asked something."""
        return self._locks.setdefault(host, asyncio.Lock())
