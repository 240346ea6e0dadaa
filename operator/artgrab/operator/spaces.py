"""The namespaces that are watched, of which one that goes away must not hold up the others."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from artgrab.operator import names
from artgrab.operator.cluster import (
    CATEGORY,
    CLASSIFIER,
    DEPLOYMENT,
    JOB,
    Cluster,
    Labels,
    Listing,
    NotListedError,
)
from artgrab.operator.observed import Body

JOBS: Labels = {
    names.LABEL_MANAGED_BY: names.FIELD_MANAGER,
    names.LABEL_COMPONENT: (
        names.COMPONENT_SCRAPER,
        names.COMPONENT_DATASET,
        names.COMPONENT_TRAINER,
    ),
}
"""Labels of the Jobs that are watched."""
DEPLOYMENTS: Labels = {
    names.LABEL_MANAGED_BY: names.FIELD_MANAGER,
    names.LABEL_COMPONENT: names.COMPONENT_SERVING,
}
"""Labels of the Deployments that are watched."""

_log = structlog.get_logger()


@dataclass(frozen=True)
class Everything:
    """All that the namespaces hold, as it was at a resource version or later."""

    categories: list[Body]
    jobs: list[Body]
    classifiers: list[Body]
    deployments: list[Body]
    since: int


@dataclass(frozen=True)
class _Part:
    """What one of them holds."""

    categories: Listing
    jobs: Listing
    classifiers: Listing
    deployments: Listing


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
        parts: dict[str | None, _Part] = {}
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

    async def _list(self, name: str | None) -> _Part:
        listed = self._cluster.list_all
        return _Part(
            categories=await listed(CATEGORY, namespace=name),
            jobs=await listed(JOB, namespace=name, labels=JOBS),
            classifiers=await listed(CLASSIFIER, namespace=name),
            deployments=await listed(DEPLOYMENT, namespace=name, labels=DEPLOYMENTS),
        )

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


def selector_text(labels: Labels) -> str:
    """Return the selector of labels as the API server is asked by it."""
    return ",".join(
        f"{label}={values}" if isinstance(values, str) else f"{label} in ({','.join(values)})"
        for label, values in labels.items()
    )


def _everything(parts: Sequence[_Part]) -> Everything:
    return Everything(
        categories=[body for part in parts for body in part.categories.bodies],
        jobs=[body for part in parts for body in part.jobs.bodies],
        classifiers=[body for part in parts for body in part.classifiers.bodies],
        deployments=[body for part in parts for body in part.deployments.bodies],
        since=min(_version(part) for part in parts),
    )


def _version(part: _Part) -> int:
    listings = (part.categories, part.jobs, part.classifiers, part.deployments)
    return min(listing.version for listing in listings)
