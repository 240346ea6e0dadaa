"""What is known of the cluster at any moment: what was watched, listed, or answered to a write.

Of two states of an object the later one wins, so a watch that is behind a write of our own does
no harm. A watch does not tell what vanished while it was interrupted: a list does.
"""

from collections.abc import Iterable, Iterator

from artgrab.operator import names
from artgrab.operator.categories import read_category, read_seen
from artgrab.operator.jobs import category_of, read_job
from artgrab.operator.observed import Body, Category, Job, Key


class Mirror:
    """All categories and all Jobs of ours, typed."""

    def __init__(self) -> None:
        self._categories: dict[Key, Category] = {}
        self._jobs: dict[Key, dict[str, Job]] = {}
        self._unfinished: dict[str, Job] = {}

    def category(self, key: Key) -> Category | None:
        """Return a category; None where there is none."""
        return self._categories.get(key)

    def categories(self) -> list[Category]:
        """Return all categories."""
        return list(self._categories.values())

    def in_namespace(self, namespace: str) -> list[Category]:
        """Return the categories of a namespace."""
        return [one for key, one in self._categories.items() if key.namespace == namespace]

    def scrapes(self, key: Key) -> tuple[Job, ...]:
        """Return the scrape Jobs that name a category."""
        return tuple(self._jobs.get(key, {}).values())

    def unfinished(self) -> list[Job]:
        """Return all scrape Jobs that may have pods.

        One without an owner is not among them: anybody can write our labels on a Job.
        """
        return list(self._unfinished.values())

    def put_category(self, body: Body) -> Key:
        """Take the state of a category, unless a later one is known."""
        metadata = body["metadata"]
        key, seen = Key(metadata["namespace"], metadata["name"]), read_seen(metadata)
        known = self._categories.get(key)
        if known is None or known.seen.resource_version < seen.resource_version:
            self._categories[key] = read_category(body)
        return key

    def remove_category(self, body: Body) -> Key:
        """Forget a category, unless there is another one of its name already."""
        metadata = body["metadata"]
        key = Key(metadata["namespace"], metadata["name"])
        known = self._categories.get(key)
        if known is not None and known.uid == metadata["uid"]:
            del self._categories[key]
        return key

    def put_job(self, body: Body) -> Key | None:
        """Take the state of a Job, unless a later one is known; return whose it is."""
        key, uid = category_of(body), body["metadata"]["uid"]
        known = self._jobs.get(key, {}).get(uid) if key else None
        if known is not None and known.seen.resource_version >= read_seen(body["metadata"])[1]:
            return key
        job = read_job(body)
        if key is None or job is None or job.component != names.COMPONENT_SCRAPER:
            return key
        self._jobs.setdefault(key, {})[uid] = job
        self._unfinished.pop(uid, None)
        if job.owner and not job.finished:
            self._unfinished[uid] = job
        return key

    def remove_job(self, body: Body) -> Key | None:
        """Forget a Job; return whose it was."""
        key = category_of(body)
        if key is not None:
            self._forget(key, body["metadata"]["uid"])
        return key

    def replace(self, categories: Iterable[Body], jobs: Iterable[Body], *, since: int) -> list[Key]:
        """Take lists of everything, begun at a resource version; what they lack has vanished.

        Returns the categories that have.
        """
        listed = {body["metadata"]["uid"] for body in map(self._take, categories)}
        for body in jobs:
            self.put_job(body)
            listed.add(body["metadata"]["uid"])
        return self._drop(listed, since)

    def _take(self, body: Body) -> Body:
        self.put_category(body)
        return body

    def _drop(self, listed: set[str], since: int) -> list[Key]:
        def gone(one: Category | Job) -> bool:
            return one.uid not in listed and one.seen.resource_version <= since

        for job in filter(gone, list(self._all_jobs())):
            self._forget(job.category, job.uid)
        vanished = [category.key for category in self._categories.values() if gone(category)]
        for key in vanished:
            del self._categories[key]
        return vanished

    def _all_jobs(self) -> Iterator[Job]:
        for jobs in self._jobs.values():
            yield from jobs.values()

    def _forget(self, key: Key, uid: str) -> None:
        self._unfinished.pop(uid, None)
        jobs = self._jobs.get(key, {})
        jobs.pop(uid, None)
        if not jobs:
            self._jobs.pop(key, None)
