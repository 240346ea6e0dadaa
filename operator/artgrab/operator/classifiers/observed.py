"""What is seen of a classifier and of its Jobs and pods, typed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from artgrab.common.resources import ArtClassifier
from artgrab.common.statuses import ArtClassifierStatus
from artgrab.operator.observed import Category, JobEnd, Key, Seen, Trouble


@dataclass(frozen=True)
class Classifier:
    """An ArtClassifier; its resource is None where the spec cannot be worked with."""

    key: Key
    seen: Seen
    generation: int
    created: datetime
    deleting: bool
    status: ArtClassifierStatus
    resource: ArtClassifier | None
    problem: str = ""
    """Why there is no resource."""

    @property
    def uid(self) -> str:
        return self.seen.uid


class LearningComponent(StrEnum):
    """What a Job of a classifier makes."""

    DATASET = "dataset"
    TRAINER = "trainer"


@dataclass(frozen=True)
class LearningJob:
    """A Job of ours that makes a dataset or a model."""

    namespace: str
    name: str
    seen: Seen
    owner: str
    """uid of the classifier it belongs to; empty where it has no owner."""
    classifier: Key
    component: LearningComponent
    created: datetime
    work: str = ""
    """Digest of what it makes."""
    inputs: str = ""
    """Of a dataset: digest of categories and curation; of a training: of spec.model and training.

    What it makes is known by it in the status.
    """
    stored: int = 0
    """Pictures that the categories had when a dataset Job was made."""
    template: str = ""
    failures: int = 0
    """Jobs that failed in a row before it."""
    nodes: int = 1
    suspended: bool = False
    """Whether its pods wait for the Service by which they find each other."""
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
class DatasetMade:
    """The last word of a dataset Job that went well."""

    key: str
    uri: str
    content_sha256: str
    images: int


@dataclass(frozen=True)
class ModelMade:
    """The last word of a training Job that went well."""

    key: str
    uri: str
    content_sha256: str
    dataset: str
    accuracy_permille: int
    left_out_accuracy_permille: int | None
    baseline_accuracy_permille: int | None
    served_accuracy_permille: int | None
    served: str
    """content_sha256 of the model it was compared with; empty where there was none to compare."""
    test_images: int


LearningWord = DatasetMade | ModelMade | Trouble


@dataclass(frozen=True)
class Rollout:
    """The Deployment of a classifier."""

    seen: Seen
    owner: str
    model_key: str
    content_sha256: str
    digest: str
    """Of the manifests that it was applied with."""
    current: bool
    """Whether the rest is said of its newest spec."""
    replicas: int
    """Pods that there are, of older specs as well: available ones may be old ones."""
    updated: int
    available: int
    ready: int
    failed: bool
    """Whether its pods did not become available in time."""
    message: str = ""
    deleting: bool = False

    @property
    def done(self) -> bool:
        """Whether all pods are of the newest spec, and available."""
        return self.current and self.updated == self.replicas == self.available >= 1


@dataclass(frozen=True)
class ObservedClassifier:
    """All that a plan for one classifier looks at, besides the classifier itself."""

    categories: tuple[Category, ...] = ()
    """All of its namespace."""
    jobs: tuple[LearningJob, ...] = ()
    """Jobs that name the classifier, also those that belong to an earlier one."""
    words: Mapping[str, LearningWord] = field(default_factory=dict)
    """By uid of the Job, as far as its pods are still there to be asked."""
    start_trouble: str = ""
    """Why the pod of a running Job does not start."""
    rollout: Rollout | None = None
    refusal: str = ""
    """Why the API server would not take something; empty when it is time to ask again."""
    allowed: bool = True
    """Whether its namespace may have classifiers."""
