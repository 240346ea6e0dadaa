"""Settings of a test, read once at its start."""

from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from artgrab.common.resource_fields import Name, Namespace


class TestCategory(BaseModel):
    """A category to collect, and the class that is learned from it."""

    __test__ = False  # it is pytest's word too

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    label: Name = Field(alias="class")
    spec: dict[str, Any] = Field(description="Spec of the ArtCategory.")


class ReleaseTestSettings(BaseSettings):
    """Read from the environment: ARTGRAB_TEST_NAMESPACE and so on."""

    model_config = SettingsConfigDict(env_prefix="ARTGRAB_TEST_", frozen=True)

    namespace: Namespace = Field(description="Where categories and classifier are made.")
    name: Name = Field("artgrab-test", description="Name of the classifier.")
    categories: list[TestCategory] = Field(min_length=2, max_length=32)
    classifier: dict[str, Any] = Field(
        default_factory=dict, description="Spec of the ArtClassifier but for its classes."
    )
    deadline_seconds: float = Field(
        3000, gt=0, le=86400, description="For all of it but the removal at the end."
    )
    removal_seconds: float = Field(
        180, ge=0, le=3600, description="Wait for what was made to be gone, before and after."
    )
    poll_seconds: float = Field(3, gt=0, le=60, description="Between two looks at the objects.")
    pod_name: str = Field("", description="Owner of what is made: it goes with that pod.")
    pod_uid: str = Field("", description="That pod's uid; empty: nothing is owned by it.")
    tls_folder: Path | None = Field(
        None, description="Holds ca.crt or tls.crt, whom to trust; absent: without TLS."
    )
    tokens_file: Path | None = Field(
        None, description="Its first line is the bearer token; absent: without one."
    )

    @model_validator(mode="after")
    def _two_classes(self) -> Self:
        if len(self.labels) < 2:
            raise ValueError("categories are of one class: a classifier needs two")
        if len({one.name for one in self.categories}) < len(self.categories):
            raise ValueError("two categories have the same name")
        return self

    @property
    def labels(self) -> list[str]:
        """The classes, in the order of their first categories."""
        return list(dict.fromkeys(one.label for one in self.categories))
