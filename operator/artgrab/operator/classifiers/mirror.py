"""What is known of classifiers, their Jobs and Deployments; of two states the later one wins."""

from collections.abc import Iterable, Iterator

from artgrab.operator.categories import read_seen
from artgrab.operator.classifiers.observed import Classifier, LearningJob, Rollout
from artgrab.operator.classifiers.reading import (
    classifier_of,
    read_classifier,
    read_learning_job,
    read_rollout,
)
from artgrab.operator.observed import Body, Key


class ClassifierMirror:
    """All classifiers with what is made for them, typed."""

    def __init__(self) -> None:
        self._classifiers: dict[Key, Classifier] = {}
        self._jobs: dict[Key, dict[str, LearningJob]] = {}
        self._rollouts: dict[Key, Rollout] = {}

    def classifier(self, key: Key) -> Classifier | None:
        """Return a classifier; None where there is none."""
        return self._classifiers.get(key)

    def classifiers(self) -> list[Classifier]:
        """Return all classifiers."""
        return list(self._classifiers.values())

    def in_namespace(self, namespace: str) -> list[Key]:
        """Return the classifiers of a namespace."""
        return [key for key in self._classifiers if key.namespace == namespace]

    def jobs(self, key: Key) -> tuple[LearningJob, ...]:
        """Return the Jobs that name a classifier."""
        return tuple(self._jobs.get(key, {}).values())

    def unfinished(self) -> list[LearningJob]:
        """Return all Jobs with an owner that may have pods."""
        return [job for job in self._all_jobs() if job.owner and not job.finished]

    def rollout(self, key: Key) -> Rollout | None:
        """Return the Deployment that names a classifier."""
        return self._rollouts.get(key)

    def put_classifier(self, body: Body) -> Key:
        """Take the state of a classifier, unless a later one is known."""
        metadata = body["metadata"]
        key = Key(metadata["namespace"], metadata["name"])
        if _is_news(self._classifiers.get(key), body):
            self._classifiers[key] = read_classifier(body)
        return key

    def remove_classifier(self, body: Body) -> Key:
        """Forget a classifier, unless there is another one of its name already."""
        metadata = body["metadata"]
        key = Key(metadata["namespace"], metadata["name"])
        known = self._classifiers.get(key)
        if known is not None and known.uid == metadata["uid"]:
            del self._classifiers[key]
        return key

    def put_job(self, body: Body) -> Key | None:
        """Take the state of a Job, unless a later one is known; return whose it is."""
        key, uid = classifier_of(body), body["metadata"]["uid"]
        if key is None or not _is_news(self._jobs.get(key, {}).get(uid), body):
            return key
        job = read_learning_job(body)
        if job is not None:
            self._jobs.setdefault(key, {})[uid] = job
        return key

    def remove_job(self, body: Body) -> Key | None:
        """Forget a Job; return whose it was."""
        key = classifier_of(body)
        if key is not None:
            self._forget_job(key, body["metadata"]["uid"])
        return key

    def put_deployment(self, body: Body) -> Key | None:
        """Take the state of a Deployment, unless a later one is known; return whose it is."""
        key = classifier_of(body)
        if key is None or not _is_news(self._rollouts.get(key), body):
            return key
        rollout = read_rollout(body)
        if rollout is not None:
            self._rollouts[key] = rollout
        return key

    def remove_deployment(self, body: Body) -> Key | None:
        """Forget a Deployment; return whose it was."""
        key = classifier_of(body)
        known = self._rollouts.get(key) if key else None
        if key is not None and known is not None and known.seen.uid == body["metadata"]["uid"]:
            del self._rollouts[key]
        return key

    def replace(
        self,
        classifiers: Iterable[Body],
        jobs: Iterable[Body],
        deployments: Iterable[Body],
        *,
        since: int,
    ) -> list[Key]:
        """Take lists of everything, begun at a resource version; what they lack has vanished.

        Returns the classifiers that have.
        """
        listed: set[str] = set()
        for bodies, put in (
            (classifiers, self.put_classifier),
            (jobs, self.put_job),
            (deployments, self.put_deployment),
        ):
            for body in bodies:
                put(body)
                listed.add(body["metadata"]["uid"])
        return self._drop(listed, since)

    def _drop(self, listed: set[str], since: int) -> list[Key]:
        def gone(one: Classifier | LearningJob | Rollout) -> bool:
            return one.seen.uid not in listed and one.seen.resource_version <= since

        for job in filter(gone, list(self._all_jobs())):
            self._forget_job(job.classifier, job.uid)
        self._rollouts = {key: one for key, one in self._rollouts.items() if not gone(one)}
        vanished = [one.key for one in self._classifiers.values() if gone(one)]
        for key in vanished:
            del self._classifiers[key]
        return vanished

    def _all_jobs(self) -> Iterator[LearningJob]:
        for jobs in self._jobs.values():
            yield from jobs.values()

    def _forget_job(self, key: Key, uid: str) -> None:
        jobs = self._jobs.get(key, {})
        jobs.pop(uid, None)
        if not jobs:
            self._jobs.pop(key, None)


def _is_news(known: Classifier | LearningJob | Rollout | None, body: Body) -> bool:
    return known is None or known.seen.resource_version < read_seen(body["metadata"])[1]
