"""The part of the operator that looks after classifiers: its queue, and what it is told."""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from artgrab.operator.classifiers.default_classifiers import (
    DefaultClassifiers,
    read_default_classifiers,
)
from artgrab.operator.classifiers.mirror import ClassifierMirror
from artgrab.operator.classifiers.reconciler import ClassifierReconciler, ClassifierTools
from artgrab.operator.classifiers.reports import LearningReports
from artgrab.operator.cluster import Cluster
from artgrab.operator.mirror import Mirror
from artgrab.operator.observed import Body, Key
from artgrab.operator.refusals import Refusals
from artgrab.operator.settings import OperatorSettings
from artgrab.operator.work import WorkQueue

_SOON_SECONDS = 1.0
"""From the change of a category to a look at the classifiers beside it."""


class Learning:
    """All classifiers of one operator process."""

    def __init__(
        self,
        settings: OperatorSettings,
        cluster: Cluster,
        categories: Mirror,
        *,
        clock: Callable[[], datetime],
        told: Callable[[str, float], None],
        instance: str,
    ) -> None:
        """Take what they learn from, and whom to tell of each look: its result and seconds."""
        self.mirror = ClassifierMirror()
        self.soon_seconds = _SOON_SECONDS
        self._changed: set[str] = set()
        self._reports = LearningReports(cluster, clock, seconds=settings.progress_seconds)
        tools = ClassifierTools(
            cluster=cluster,
            mirror=self.mirror,
            categories=categories,
            reports=self._reports,
            refusals=Refusals(clock),
            settings=settings,
            clock=clock,
            instance=instance,
        )
        reconcile = ClassifierReconciler(tools).reconcile
        self.queue = WorkQueue[Key](reconcile, clock=time.monotonic, told=told)
        file = settings.default_classifiers_file
        self._defaults = DefaultClassifiers(
            cluster, read_default_classifiers(Path(file)) if file else []
        )

    async def make_defaults(self) -> None:
        """Make the default classifiers that are absent."""
        await self._defaults.make()

    def see_classifier(self, body: Body, *, gone: bool = False) -> None:
        """Take the state of a classifier, and ask for a look at it."""
        see = self.mirror.remove_classifier if gone else self.mirror.put_classifier
        self.queue.add(see(body))

    def see_job(self, body: Body, *, gone: bool = False) -> None:
        """Take the state of a Job, and ask for a look at the classifier that it names."""
        self._look_at(self.mirror.remove_job(body) if gone else self.mirror.put_job(body))

    def see_deployment(self, body: Body, *, gone: bool = False) -> None:
        """Take the state of a Deployment, and ask for a look at the classifier that it names."""
        see = self.mirror.remove_deployment if gone else self.mirror.put_deployment
        self._look_at(see(body))

    def see_change_in(self, namespace: str) -> None:
        """Ask for a look at the classifiers of a namespace soon: a category of it has changed.

        A look goes through all of these, and where one changes, often many do: one look is enough.
        """
        if namespace not in self._changed:
            self._changed.add(namespace)
            loop = asyncio.get_running_loop()
            loop.call_later(self.soon_seconds, self._look_in, namespace)

    def _look_in(self, namespace: str) -> None:
        self._changed.discard(namespace)
        for key in self.mirror.in_namespace(namespace):
            self.queue.add(key)

    def _look_at(self, key: Key | None) -> None:
        if key is not None:
            self.queue.add(key)

    def replace(
        self,
        classifiers: Sequence[Body],
        jobs: Sequence[Body],
        deployments: Sequence[Body],
        *,
        since: int,
    ) -> None:
        """Take lists of everything, begun at a resource version, and look at all classifiers."""
        vanished = self.mirror.replace(classifiers, jobs, deployments, since=since)
        self._reports.keep({body["metadata"]["uid"] for body in (*jobs, *deployments)})
        for key in (*vanished, *(one.key for one in self.mirror.classifiers())):
            self.queue.add(key)
