"""Which downloader owns a site when there are several: each site is fetched by one alone."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from artgrab.common.addresses import resolve
from artgrab.common.rendezvous import owner


class Owners:
    """Knows the addresses of all downloaders and which sites are this one's.

    Who becomes owner of a site lets one interval pass before it fetches, so that the former
    owner has noticed too.
    """

    def __init__(
        self,
        own_address: str,
        addresses: Sequence[str],
        *,
        interval: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start as a newcomer among addresses; with none of them this one owns every site."""
        self._own = own_address
        self._addresses = frozenset(addresses)
        self._former: frozenset[str] = frozenset()
        self._interval = interval
        self._clock = clock
        self._changed_at = clock()

    def update(self, addresses: Sequence[str]) -> None:
        """Take note of who is there now."""
        found = frozenset(addresses)
        if found and found != self._addresses:
            self._former, self._addresses = self._addresses, found
            self._changed_at = self._clock()

    def wait(self, site: str) -> float:
        """Return the seconds to let pass before this downloader may fetch from a site.

        It is 0 where it may at once, and the interval where the site is another's.
        """
        if not self._addresses or self._owns(site, self._addresses):
            return 0.0 if self._owned_before(site) else self._left()
        return self._interval

    def _owned_before(self, site: str) -> bool:
        return not self._addresses or self._left() <= 0 or self._owns(site, self._former)

    def _left(self) -> float:
        return self._changed_at + self._interval - self._clock()

    def _owns(self, site: str, addresses: frozenset[str]) -> bool:
        return bool(addresses) and owner(site, sorted(addresses)) == self._own


async def watch(
    owners: Owners,
    endpoints: Sequence[str],
    *,
    interval: float,
    sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep,
) -> None:
    """Resolve the endpoints again and again and tell the owners; runs until cancelled."""
    while True:
        owners.update(await resolve(endpoints))
        await sleep(interval)
