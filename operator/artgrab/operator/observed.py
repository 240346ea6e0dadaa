"""What is seen of the cluster, typed: categories, Jobs, and what ended pods said."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from artgrab.common.resources import ArtCategory
from artgrab.common.statuses import ArtCategoryStatus, RunCounts, RunReason
from artgrab.operator import names

Body = Mapping[str, Any]
"""An object as the API server tells it."""


class Key(NamedTuple):
    """Names a category."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class Seen(NamedTuple):
    """Which object of a name, and which version of it, was seen."""

    uid: str
    resource_version: int


@dataclass(frozen=True)
class Category:
    """An ArtCategory; its resource is None where the spec cannot be worked with."""

    key: Key
    seen: Seen
    generation: int
    created: datetime
    deleting: bool
    finalizers: tuple[str, ...]
    deletes: bool
    """Whether what is stored goes with it (deletionPolicy: Delete)."""
    status: ArtCategoryStatus
    resource: ArtCategory | None
    problem: str = ""
    """Why there is no resource."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """By which classes select it."""

    @property
    def uid(self) -> str:
        return self.seen.uid

    @property
    def held(self) -> bool:
        """Whether our finalizer keeps it from vanishing."""
        return names.FINALIZER in self.finalizers


class JobEnd(StrEnum):
    """How a Job ended, as its condition says."""

    COMPLETE = "Complete"
    FAILED = "Failed"


@dataclass(frozen=True)
class Job:
    """A Job of ours."""

    namespace: str
    name: str
    seen: Seen
    owner: str
    """uid of the category it belongs to; empty where it has no owner."""
    category: Key
    component: str
    created: datetime
    run_id: str = ""
    spec_digest: str = ""
    template: str = ""
    failures: int = 0
    """Jobs that failed in a row before it."""
    alone_at: frozenset[str] = frozenset()
    secret: str = ""
    suspended: bool = False
    deleting: bool = False
    started_at: datetime | None = None
    end: JobEnd | None = None
    end_reason: str = ""
    end_message: str = ""
    ended_at: datetime | None = None

    @property
    def uid(self) -> str:
        return self.seen.uid

    @property
    def finished(self) -> bool:
        """Whether no pod of it runs any more; one that is being deleted may have some."""
        return self.end is not None


@dataclass(frozen=True)
class Result:
    """The last word of a run that ended."""

    run_id: str
    reason: RunReason
    counts: RunCounts
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Trouble:
    """The last word of a pod that could not do its work."""

    text: str


Word = Result | Trouble


@dataclass(frozen=True)
class Observed:
    """All that a plan for one category looks at, besides the category itself."""

    jobs: tuple[Job, ...] = ()
    """Scrape Jobs that name the category, also those that belong to an earlier one."""
    cleanup: Job | None = None
    words: Mapping[str, Word] = field(default_factory=dict)
    """By uid of the Job, as far as its pods are still there to be asked."""
    progress: RunCounts | None = None
    """Counts of the scrape that runs."""
    start_trouble: str = ""
    """Why the pod of the running Job does not start."""
    wait: str = ""
    """Why there is no place for a scrape now; empty where one is reserved."""
    refusal: str = ""
    """Why the API server would not take a Job a while ago; empty when it is time to ask again."""
    own_namespace_ends: bool = False
    """The operator's own namespace takes no Jobs any more."""
