"""What is asked of the pods of classifiers, no more often than needed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from artgrab.operator import names
from artgrab.operator.classifiers.observed import Classifier, LearningJob, LearningWord, Rollout
from artgrab.operator.classifiers.words import last_learning_word, serving_trouble
from artgrab.operator.cluster import Cluster
from artgrab.operator.pod_reports import no_pod_trouble
from artgrab.operator.words import start_trouble


@dataclass(frozen=True)
class _Look:
    at: datetime
    trouble: str


class LearningReports:
    """Remembers what pods said for as long as their Jobs, or Deployments, are there."""

    def __init__(self, cluster: Cluster, clock: Callable[[], datetime], *, seconds: float) -> None:
        """Take whom to ask, a clock, and the seconds between two looks at what does not start."""
        self._cluster = cluster
        self._clock = clock
        self._pause = timedelta(seconds=seconds)
        self._words: dict[str, LearningWord | None] = {}
        self._looks: dict[str, _Look] = {}

    def owes_word(self, job: LearningJob) -> bool:
        """Tell whether a Job has ended and was not heard yet."""
        return job.finished and job.uid not in self._words

    async def hear(self, job: LearningJob) -> None:
        """Hear the last word of an ended Job."""
        pods = await self._cluster.pods_of(job)
        self._words[job.uid] = last_learning_word(pods, job.component)

    async def look(self, job: LearningJob) -> None:
        """Look why a Job does not start, unless somebody has a short while ago."""
        if job.suspended or self._seen_lately(job.uid):
            return
        pods = await self._cluster.pods_of(job)
        now = self._clock()
        trouble = start_trouble(pods) if pods else no_pod_trouble(job, now)
        self._looks[job.uid] = _Look(now, trouble)

    async def look_at_serving(self, classifier: Classifier, rollout: Rollout) -> None:
        """Look why pods do not serve, unless somebody has a short while ago."""
        uid, key = rollout.seen.uid, classifier.key
        if self._seen_lately(uid):
            return
        labels = names.selector_of(names.COMPONENT_SERVING, classifier=key.name)
        pods = await self._cluster.pods(key.namespace, labels)
        self._looks[uid] = _Look(self._clock(), serving_trouble(pods))

    def _seen_lately(self, uid: str) -> bool:
        seen = self._looks.get(uid)
        return seen is not None and self._clock() < seen.at + self._pause

    def words(self, jobs: Iterable[LearningJob]) -> dict[str, LearningWord]:
        """Return the last words that are known."""
        told = ((job.uid, self._words.get(job.uid)) for job in jobs)
        return {uid: word for uid, word in told if word is not None}

    def trouble(self, uid: str) -> str:
        """Return why a Job does not start, or a Deployment does not serve."""
        seen = self._looks.get(uid)
        return seen.trouble if seen else ""

    def keep(self, known: set[str]) -> None:
        """Forget all Jobs and Deployments but these."""
        for memory in (self._words, self._looks):
            for uid in [uid for uid in memory if uid not in known]:
                del memory[uid]
