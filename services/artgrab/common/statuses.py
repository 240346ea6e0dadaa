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
    failures: Annotated[int, Field(ge=0, le=_INT32_MAX)] | None = Field(
        None, description="Scrape Jobs that failed in a row; each makes the wait longer."
    )
    counts: RunCounts | None = Field(
        None, description="Candidates of all runs, by what became of them."
    )
    uri: str | None = Field(
        None, max_length=2048, description="Where the pictures and records lie in the store."
    )


class ArtClassifierStatus(Status):
    """How far a classifier is."""

    observed_generation: Generation | None = Field(
        None, description="Generation of the spec that the rest is said of."
    )
    conditions: list[Condition] = Field(
        default_factory=list, max_length=16, description="What is so and what is not, and why."
    )
