"""Which downloader owns a site when there are several: each site is fetched by one alone."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from artgrab.common.addresses import resolve
from artgrab.common.rendezvous import owner
from artgrab.downloader.errors import RetryLaterError

_OTHERS = "other-owner"


class _View(NamedTuple):
    """Whom we took for downloaders until some moment."""

    addresses: frozenset[str]
    ended_at: float


class Owners:
    """Knows the addresses of all downloaders and which sites are this one's.

    A site is fetched from only while it is ours by all that anybody may still believe: by the
    addresses of now and by those of the last interval, in which each of us looks at least once.
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
        self._interval = interval
        self._clock = clock
        self._former = [_View(frozenset(), clock())]
        self._tenures: dict[asyncio.Timeout, str] = {}

    @property
    def alone(self) -> bool:
        """There are no others, and all sites are this one's."""
        return not self._addresses

    def update(self, addresses: Sequence[str]) -> None:
        """Take note of who is there now; ends the tenures of sites that are another's."""
        found = frozenset(addresses)
        if not found or found == self._addresses:
            return
        now = self._clock()
        self._former = [one for one in self._former if one.ended_at + self._interval > now]
        self._former.append(_View(self._addresses, now))
        self._addresses = found
        for tenure in [one for one, site in self._tenures.items() if not self._owns(site, found)]:
            del self._tenures[tenure]
            tenure.reschedule(asyncio.get_running_loop().time())

    def wait(self, site: str) -> float:
        """Return the seconds to let pass before this downloader may fetch from a site.

        It is 0 where it may at once, and the interval where the site is another's.
        """
        if not self._addresses:
            return 0.0
        if not self._owns(site, self._addresses):
            return self._interval
        waits = [
            one.ended_at + self._interval - self._clock()
            for one in self._former
            if not self._owns(site, one.addresses)
        ]
        return max([0.0, *waits])

    @asynccontextmanager
    async def tenure(self, site: str) -> AsyncIterator[None]:
        """Hold a site that is ours; what is done meanwhile is broken off when it no longer is.

        Raises:
            RetryLaterError: it is another's.
        """
        wait = self.wait(site)
        if wait > 0:
            raise RetryLaterError(_OTHERS, retry_after=wait)
        tenure = asyncio.timeout(None)
        try:
            async with tenure:
                self._tenures[tenure] = site
                yield
        except TimeoutError:
            if not tenure.expired():
                raise
            raise RetryLaterError(_OTHERS, retry_after=self._interval) from None
        finally:
            self._tenures.pop(tenure, None)

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
