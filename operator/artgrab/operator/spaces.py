"""The namespaces that are watched, of which one that goes away must not hold up the others."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from artgrab.operator import names
from artgrab.operator.cluster import CATEGORY, JOB, Cluster, Listing, NotListedError
from artgrab.operator.observed import Body

SCRAPES = {
    names.LABEL_MANAGED_BY: names.FIELD_MANAGER,
    names.LABEL_COMPONENT: names.COMPONENT_SCRAPER,
}
"""Labels of the Jobs that are watched."""

_log = structlog.get_logger()


@dataclass(frozen=True)
class Everything:
    """All that the namespaces hold, as it was at a resource version or later."""

    categories: list[Body]
    jobs: list[Body]
    since: int


class Spaces:
    """Lists namespaces one by one, and knows which refuse: deleted, or without our rights."""

    def __init__(self, cluster: Cluster, namespaces: Sequence[str]) -> None:
        """Take the namespaces; none means all of the cluster, which is one to us."""
        self._cluster = cluster
        self._names: Sequence[str | None] = namespaces or [None]
        self._shut: dict[str | None, asyncio.Event] = {}

    async def list_all(self) -> Everything:
        """Return what those hold that answer.

        Raises:
            NotListedError: none of them does.
        """
        refused: dict[str | None, NotListedError] = {}
        parts: dict[str | None, tuple[Listing, Listing]] = {}
        for name in self._names:
            try:
                parts[name] = await self._list(name)
            except NotListedError as error:
                refused[name] = error
        if not parts:
            raise next(iter(refused.values()))
        for name in parts:
            self._open(name)
        for name, refusal in refused.items():
            self.shut(name, str(refusal))
        return _everything(list(parts.values()))

    async def _list(self, name: str | None) -> tuple[Listing, Listing]:
        categories = await self._cluster.list_all(CATEGORY, namespace=name)
        return categories, await self._cluster.list_all(JOB, namespace=name, labels=SCRAPES)

    def shut(self, name: str | None, why: str) -> None:
        """Note that a namespace refuses, until a list of it is answered."""
        if name not in self._shut:
            self._shut[name] = asyncio.Event()
            _log.warning("a namespace is passed over until it answers", namespace=name, why=why)

    def _open(self, name: str | None) -> None:
        opened = self._shut.pop(name, None)
        if opened is not None:
            opened.set()
            _log.warning("a namespace answers again", namespace=name)

    async def opened(self, name: str | None) -> None:
        """Wait for as long as a namespace refuses."""
        if name in self._shut:
            await self._shut[name].wait()


def _everything(parts: Sequence[tuple[Listing, Listing]]) -> Everything:
    return Everything(
        categories=[body for categories, _ in parts for body in categories.bodies],
        jobs=[body for _, jobs in parts for body in jobs.bodies],
        since=min(listing.version for part in parts for listing in part),
    )
