"""The operator as a whole: its parts put together, started and ended."""

import asyncio
import contextlib
import random
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import structlog
from prometheus_client import start_http_server

from artgrab.common.errors import SurroundingsError
from artgrab.operator.admissions import Admissions
from artgrab.operator.classifiers.learning import Learning
from artgrab.operator.cluster import Cluster, connect
from artgrab.operator.health import Health
from artgrab.operator.metrics import Metrics
from artgrab.operator.mirror import Mirror
from artgrab.operator.observed import Body, Key
from artgrab.operator.pod_reports import PodReports
from artgrab.operator.progress import ask_pod
from artgrab.operator.reconciler import Reconciler, Tools
from artgrab.operator.refusals import Refusals
from artgrab.operator.settings import OperatorSettings
from artgrab.operator.spaces import Spaces
from artgrab.operator.token_key import ensure_token_key
from artgrab.operator.work import WorkQueue

_JITTER = 0.2
_CRD_SECONDS = 60.0

_log = structlog.get_logger()


def _now() -> datetime:
    return datetime.now(UTC)


class App:
    """Everything of one operator process; the watches tell it what they see."""

    def __init__(
        self,
        settings: OperatorSettings,
        cluster: Cluster,
        spaces: Spaces,
        token_key: bytes,
        metrics: Metrics,
        *,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.settings = settings
        self.mirror = Mirror()
        self.spaces = spaces
        self._cluster = cluster
        self._metrics = metrics
        self._chance = chance
        self._admissions = Admissions(settings.max_concurrent_scrapes)
        self._reports = PodReports(cluster, ask_pod, _now, seconds=settings.progress_seconds)
        reconciler = Reconciler(self._tools(token_key))
        self.queue = WorkQueue[Key](
            reconciler.reconcile, clock=time.monotonic, told=metrics.reconciled
        )
        self.learning = Learning(
            settings,
            cluster,
            self.mirror,
            clock=_now,
            told=metrics.reconciled,
            instance=socket.gethostname(),
        )
        self._health = Health(settings, time.monotonic, self._stuck_seconds)
        self._tasks: list[asyncio.Task[None]] = []

    def _tools(self, token_key: bytes) -> Tools:
        return Tools(
            cluster=self._cluster,
            mirror=self.mirror,
            admissions=self._admissions,
            reports=self._reports,
            refusals=Refusals(_now),
            settings=self.settings,
            token_key=token_key,
            clock=_now,
            instance=socket.gethostname(),
        )

    def _stuck_seconds(self) -> float:
        return max(self.queue.stuck_seconds(), self.learning.queue.stuck_seconds())

    def start(self) -> None:
        """Begin to work on what was seen."""
        learning, workers = self.learning, self.settings.workers
        self._metrics.watch(
            queue_depth=lambda: len(self.queue.agenda) + len(learning.queue.agenda),
            scrapes=lambda: len(self.mirror.unfinished()),
            categories=self.mirror.categories,
            classifiers=learning.mirror.classifiers,
            learning=learning.mirror.unfinished,
        )
        self._tasks = [
            asyncio.create_task(self.queue.work(workers), name="workers"),
            asyncio.create_task(learning.queue.work(workers), name="workers of classifiers"),
            asyncio.create_task(self._resync_again_and_again(), name="resync"),
        ]

    async def stop(self) -> None:
        """End what is under way; another process may go on at any point."""
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task
        await self._cluster.close()

    def trouble(self) -> str:
        """Return what is stuck; empty where nothing is."""
        dead = [task.get_name() for task in self._tasks if task.done()]
        return f"{dead[0]} ended" if dead else self._health.trouble()

    def see_category(self, body: Body, *, gone: bool = False) -> None:
        """Take the state of a category, and ask for a look at it."""
        key = self.mirror.remove_category(body) if gone else self.mirror.put_category(body)
        self.queue.add(key)
        self.learning.see_change_in(key.namespace)

    def see_job(self, body: Body, *, gone: bool = False) -> None:
        """Take the state of a Job, and ask for a look at whom it concerns."""
        self.learning.see_job(body, gone=gone)
        key = self.mirror.remove_job(body) if gone else self.mirror.put_job(body)
        if key is not None:
            self.queue.add(key)
        for waiting in self._admissions.next_in_line(self.mirror.unfinished()):
            self.queue.add(waiting)

    def see_classifier(self, body: Body, *, gone: bool = False) -> None:
        """Take the state of a classifier, and ask for a look at it."""
        self.learning.see_classifier(body, gone=gone)

    def see_deployment(self, body: Body, *, gone: bool = False) -> None:
        """Take the state of a Deployment, and ask for a look at the classifier that it serves."""
        self.learning.see_deployment(body, gone=gone)

    async def resync(self) -> None:
        """Look at everything, whatever the watches have missed."""
        everything = await self.spaces.list_all()
        jobs = everything.jobs
        vanished = self.mirror.replace(everything.categories, jobs, since=everything.since)
        self._reports.keep({body["metadata"]["uid"] for body in jobs})
        for key in vanished:  # first: whoever vanished in line gives up its place
            self.queue.add(key)
        for category in self.mirror.categories():
            self.queue.add(category.key)
        self.learning.replace(
            everything.classifiers, jobs, everything.deployments, since=everything.since
        )
        await self.learning.make_defaults()

    async def _resync_again_and_again(self) -> None:
        while True:
            spread = 1 - _JITTER + 2 * _JITTER * self._chance()
            await asyncio.sleep(self.settings.resync_seconds * spread)
            try:
                await self.resync()
            except Exception:
                _log.exception("the look at everything failed; the next one comes")
            self._health.resynced()


async def start_app(settings: OperatorSettings) -> App:
    """Connect, wait for our resource to be known there, and start.

    Raises:
        SurroundingsError: the cluster does not know our resources, or nobody listens.
        BadInputError: the Secret of the token key holds none.
    """
    metrics = Metrics()
    cluster = connect(metrics.wrote)
    spaces = Spaces(cluster, settings.watch_namespaces)
    await _wait_for_resource(spaces)
    app = App(settings, cluster, spaces, await ensure_token_key(cluster, settings), metrics)
    await app.resync()  # who may scrape next is said only when all is known
    if settings.metrics_port:
        start_http_server(settings.metrics_port, settings.metrics_address, metrics.registry)
    app.start()
    return app


async def _wait_for_resource(spaces: Spaces) -> None:
    """Wait for the definitions of our kinds: a chart may bring them at the same time."""
    until = time.monotonic() + _CRD_SECONDS
    while True:
        try:
            await spaces.list_all()
        except Exception as error:
            if time.monotonic() > until:
                raise SurroundingsError(_unknown(error)) from error
            await asyncio.sleep(1)
        else:
            return


def _unknown(error: Any) -> str:
    what = f"ArtCategories or ArtClassifiers cannot be listed: {error}"
    return f"{what}; are k8s/crds applied, and may they be read?"
