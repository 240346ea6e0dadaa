"""What is asked of pods, no more often than needed: each last word once, progress now and then."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from artgrab.common.statuses import RunCounts
from artgrab.operator.classifiers.observed import LearningJob
from artgrab.operator.cluster import Cluster
from artgrab.operator.observed import Job, Word
from artgrab.operator.progress import Ask
from artgrab.operator.words import last_word, running_ip, start_trouble

_NO_POD = timedelta(minutes=1)
"""After so long without a pod a Job does not get one by itself."""
_SLOW = timedelta(seconds=1)
"""An answer, or none, that took longer has held a worker: a port that is shut refuses at once."""
_PAUSES = 10
"""So many pauses long a pod is not asked that held a worker and told nothing."""


@dataclass(frozen=True)
class _Look:
    at: datetime
    progress: RunCounts | None
    trouble: str


@dataclass(frozen=True)
class _Silence:
    address: str
    until: datetime


def no_pod_trouble(job: Job | LearningJob, now: datetime) -> str:
    """Return why a Job that should run has no pod; empty where it may just be coming."""
    if job.started_at is None or now < job.started_at + _NO_POD:
        return ""
    describe = f"kubectl describe --namespace {job.namespace} job/{job.name}"
    return f"none is made, as where a quota or a rule refuses it: {describe}"


class PodReports:
    """Remembers what pods said for as long as their Jobs are there."""

    def __init__(
        self, cluster: Cluster, ask: Ask, clock: Callable[[], datetime], *, seconds: float
    ) -> None:
        self._cluster = cluster
        self._ask = ask
        self._clock = clock
        self._pause = timedelta(seconds=seconds)
        self._words: dict[str, Word | None] = {}
        self._looks: dict[str, _Look] = {}
        self._silent: dict[str, _Silence] = {}

    def owes_word(self, job: Job) -> bool:
        """Tell whether a Job has ended and was not heard yet."""
        return job.finished and job.uid not in self._words

    async def hear(self, job: Job) -> None:
        """Hear the last word of an ended Job."""
        self._words[job.uid] = last_word(await self._cluster.pods_of(job))

    async def look(self, job: Job) -> None:
        """Look how far a running Job is, unless somebody has a short while ago."""
        seen = self._looks.get(job.uid)
        if job.suspended or (seen is not None and self._clock() < seen.at + self._pause):
            return
        pods = await self._cluster.pods_of(job)
        address = running_ip(pods)
        progress = await self._progress(job.uid, address) if address else None
        trouble = start_trouble(pods) if pods else no_pod_trouble(job, self._clock())
        self._looks[job.uid] = _Look(self._clock(), progress, trouble)

    async def _progress(self, uid: str, address: str) -> RunCounts | None:
        """Ask a pod, unless it lately told nothing for long: a policy drops what is asked."""
        began, silent = self._clock(), self._silent.get(uid)
        if silent is not None and silent.address == address and began < silent.until:
            return None
        progress = await self._ask(address)
        now = self._clock()
        if progress is None and now - began > _SLOW:
            self._silent[uid] = _Silence(address, now + _PAUSES * self._pause)
        else:
            self._silent.pop(uid, None)
        return progress

    def words(self, jobs: Iterable[Job]) -> dict[str, Word]:
        """Return the last words that are known."""
        told = ((job.uid, self._words.get(job.uid)) for job in jobs)
        return {uid: word for uid, word in told if word is not None}

    def progress(self, jobs: Iterable[Job]) -> RunCounts | None:
        """Return the counts that a running Job told last."""
        told = (self._looks[job.uid].progress for job in jobs if job.uid in self._looks)
        return next((counts for counts in told if counts is not None), None)

    def trouble(self, jobs: Iterable[Job]) -> str:
        """Return why the pod of a running Job does not start."""
        told = (self._looks[job.uid].trouble for job in jobs if job.uid in self._looks)
        return next(filter(None, told), "")

    def keep(self, known: set[str]) -> None:
        """Forget all Jobs but these."""
        for memory in (self._words, self._looks, self._silent):
            for uid in [uid for uid in memory if uid not in known]:
                del memory[uid]
