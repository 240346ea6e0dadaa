"""What a cluster says of a resource: its status, as the operator writes and people read it."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_camel

_CONDITION_TYPE = (
    r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?"
    r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$"
)
_REASON = r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"
_INT64_MAX = 2**63 - 1
_INT32_MAX = 2**31 - 1


def _as_kubernetes_writes_it(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


Time = Annotated[AwareDatetime, PlainSerializer(_as_kubernetes_writes_it, when_used="json")]
"""Written in UTC and whole seconds."""

Generation = Annotated[int, Field(ge=0, le=_INT64_MAX)]
Count = Annotated[int, Field(ge=0, le=_INT64_MAX)]
Failures = Annotated[int, Field(ge=0, le=_INT32_MAX)]
Permille = Annotated[int, Field(ge=0, le=1000)]
Digest = Annotated[str, Field(max_length=64)]
Uri = Annotated[str, Field(max_length=2048)]


class Status(BaseModel):
    """Base: camelCase; fields of a newer operator are passed over; immutable once read."""

    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, extra="ignore", frozen=True
    )


class ConditionStatus(StrEnum):
    """Whether a condition holds."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class CategoryCondition(StrEnum):
    """Types of the conditions of an ArtCategory."""

    READY = "Ready"
    SCRAPED = "Scraped"
    SOURCE_HEALTHY = "SourceHealthy"
    SUSPENDED = "Suspended"


class ClassifierCondition(StrEnum):
    """Types of the conditions of an ArtClassifier."""

    READY = "Ready"
    DATASET_READY = "DatasetReady"
    TRAINED = "Trained"
    SERVING = "Serving"
    DEGRADED = "Degraded"


class RunReason(StrEnum):
    """How a run ended."""

    TARGET_REACHED = "TargetReached"
    SOURCES_EXHAUSTED = "SourcesExhausted"
    SOURCES_FAILED = "SourcesFailed"


class Condition(Status):
    """One thing that is so, is not so, or is not known, and since when (metav1.Condition)."""

    type: str = Field(
        max_length=316, pattern=_CONDITION_TYPE, description="What is told of, as `Ready`."
    )
    status: ConditionStatus = Field(description="Whether it is so.")
    observed_generation: Generation | None = Field(
        None, description="Generation of the spec that it is said of; an older one is outdated."
    )
    last_transition_time: Time = Field(description="Since when the status is what it is.")
    reason: str = Field(
        min_length=1, max_length=1024, pattern=_REASON, description="Why, in one word for programs."
    )
    message: str = Field(
        max_length=32768, description="Why, for people, and what they can do about it."
    )


class RunCounts(Status):
    """Candidates of a category by what became of them."""

    candidates: Count = Field(description="Addresses of pictures that were found.")
    stored: Count = Field(description="Pictures that are kept.")
    rejected: Count = Field(description="Fetched and not kept: too small, opted out, no picture.")
    failed: Count = Field(description="Could not be fetched.")


class ArtCategoryStatus(Status):
    """How far a category is."""

    observed_generation: Generation | None = Field(
        None, description="Generation of the spec that the rest is said of."
    )
    conditions: list[Condition] = Field(
        default_factory=list,
        max_length=16,
        description="`Ready`: what can be collected is there; `Scraped`: no run is under way or "
        "due; `SourceHealthy`: the sources answered to their end; `Suspended`: nothing is "
        "collected for now.",
    )
    run_id: str | None = Field(
        None, max_length=63, description="The last run that has ended; it is not begun again."
    )
    run_reason: RunReason | None = Field(
        None,
        description="How the last run ended: `TargetReached`: with as many pictures as wanted; "
        "`SourcesExhausted`: with all that the sources have; `SourcesFailed`: no source could be "
        "gone through to its end.",
    )
    started_at: Time | None = Field(None, description="When that run was begun.")
    ended_at: Time | None = Field(None, description="When that run ended.")
    next_run_at: Time | None = Field(None, description="When the schedule begins the next run.")
    failures: Failures | None = Field(
        None, description="Scrape Jobs that failed in a row; each makes the wait longer."
    )
    counts: RunCounts | None = Field(
        None, description="Candidates of all runs, by what became of them."
    )
    uri: Uri | None = Field(None, description="Where the pictures and records lie in the store.")


class DatasetStatus(Status):
    """The newest dataset."""

    key: Digest = Field(description="Names it in the store.")
    uri: Uri = Field(description="Where it lies in the store.")
    content_sha256: Digest = Field(description="Digest of what is in it.")
    images: Count = Field(description="Pictures in it.")
    stored: Count = Field(
        description="Pictures that its categories had when it was begun; `spec.retrain` counts "
        "from here."
    )
    inputs: Digest = Field(
        description="Digest of categories, their classes and `spec.curation`; another one wants a "
        "newer dataset."
    )
    built_at: Time = Field(description="When it was built.")


class ModelStatus(Status):
    """The newest model, served or not."""

    key: Digest = Field(description="Names it in the store.")
    uri: Uri = Field(description="Where it lies in the store.")
    content_sha256: Digest = Field(description="Digest of what it is.")
    dataset: Digest = Field(description="Key of the dataset that it was trained on.")
    inputs: Digest = Field(
        description="Digest of `spec.model` and `spec.training`; another one wants a newer model."
    )
    accuracy_permille: Permille = Field(
        description="Of a thousand pictures of the test split, those that it tells right."
    )
    left_out_accuracy_permille: Permille | None = Field(
        None, description="The same for pictures of categories that it has not learned from."
    )
    baseline_accuracy_permille: Permille | None = Field(
        None, description="The same for a baseline, which learned from colours and sizes alone."
    )
    served_accuracy_permille: Permille | None = Field(
        None,
        description="The same for the model that was served then, on the same pictures; absent "
        "where none was, or where it has other classes.",
    )
    served: Digest | None = Field(
        None, description="Digest of the model that was served then, and that it was compared with."
    )
    test_images: Count = Field(description="Pictures of the test split.")
    trained_at: Time = Field(description="When it was trained.")


class ServingStatus(Status):
    """The model that is served: the last one whose pods were all available."""

    key: Digest = Field(description="Names it in the store.")
    content_sha256: Digest = Field(description="Digest of what it is.")
    model: str = Field(max_length=12, description="First digits of `contentSha256`, for people.")
    accuracy_permille: Permille = Field(
        description="Of a thousand pictures of its test split, those that it tells right."
    )
    since: Time = Field(description="Since when it is served.")
    endpoint: str = Field(max_length=253, description="HOST:PORT of its service in the cluster.")
    ready_replicas: Count = Field(description="Pods that answer.")


class FailedRollout(Status):
    """A model whose pods did not become available; it is not rolled out again as it is."""

    content_sha256: Digest = Field(description="Digest of the model.")
    template: Digest = Field(
        description="Digest of the manifests that it was rolled out by; with others it is tried "
        "again."
    )
    at: Time = Field(description="When it was given up.")
    message: str = Field(max_length=4096, description="Why, as the Deployment says.")


class ArtClassifierStatus(Status):
    """How far a classifier is."""

    observed_generation: Generation | None = Field(
        None, description="Generation of the spec that the rest is said of."
    )
    conditions: list[Condition] = Field(
        default_factory=list,
        max_length=16,
        description="`Ready`: a model answers, whatever goes on behind it; `DatasetReady`: there "
        "is a dataset; `Trained`: the newest dataset is learned as the spec wants it; `Serving`: "
        "a model answers; `Degraded`: something has failed that people should look at.",
    )
    dataset: DatasetStatus | None = Field(None, description="The newest dataset.")
    model: ModelStatus | None = Field(None, description="The newest model, served or not.")
    serving: ServingStatus | None = Field(None, description="The model that is served.")
    failed_rollout: FailedRollout | None = Field(
        None, description="The model that could not be rolled out."
    )
    failures: Failures | None = Field(
        None, description="Jobs that failed in a row; each makes the wait longer."
    )
