"""Settings of the operator, read once at its start."""

from typing import Annotated, Any

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

Seconds = Annotated[float, Field(gt=0, le=7 * 86400)]
Manifest = dict[str, Any]
"""A piece of a Kubernetes manifest, handed on as it is."""

_SCRAPER_RESOURCES: Manifest = {
    "requests": {"cpu": "250m", "memory": "512Mi"},
    "limits": {"memory": "2Gi"},
}
_CLEANUP_RESOURCES: Manifest = {
    "requests": {"cpu": "50m", "memory": "128Mi"},
    "limits": {"memory": "512Mi"},
}


class OperatorSettings(BaseSettings):
    """Read from the environment: ARTGRAB_OPERATOR_NAMESPACE and so on."""

    model_config = SettingsConfigDict(
        env_prefix="ARTGRAB_OPERATOR_", frozen=True, populate_by_name=True
    )

    namespace: str = Field(
        min_length=1, description="The operator's own: cleanup Jobs and the key of tokens are here."
    )
    watch_namespaces: list[str] = Field(
        default_factory=list, description="Where categories are looked after; empty: everywhere."
    )
    store: str = Field(
        min_length=1,
        validation_alias=AliasChoices("ARTGRAB_OPERATOR_STORE", "ARTGRAB_STORE"),
        description="URI of the store that downloaders write to; also read from ARTGRAB_STORE.",
    )
    downloader: str = Field(
        min_length=1, description="HOST:PORT of the downloaders; a headless service's name."
    )
    token_key_secret: str = Field(
        "artgrab-token-key", description="Secret with the key of tokens; made where it is absent."
    )

    scraper_image: str = Field(min_length=1, description="Image of scrape Jobs.")
    scraper_command: list[str] = Field(
        default_factory=list, description="Command instead of the image's own."
    )
    scraper_resources: Manifest = Field(
        default_factory=lambda: _SCRAPER_RESOURCES, description="Of the container of scrape Jobs."
    )
    scraper_env: list[Manifest] = Field(
        default_factory=list, description="Environment of scrape Jobs: ARTGRAB_RESOLVE and so on."
    )
    cleanup_image: str = Field(min_length=1, description="Image of cleanup Jobs: the downloader's.")
    cleanup_command: list[str] = Field(
        default_factory=lambda: ["python", "-m", "artgrab.downloader.cleanup"],
        description="Command of cleanup Jobs.",
    )
    cleanup_resources: Manifest = Field(
        default_factory=lambda: _CLEANUP_RESOURCES, description="Of the container of cleanup Jobs."
    )
    cleanup_env: list[Manifest] = Field(
        default_factory=list, description="Environment of cleanup Jobs: how to reach the store."
    )
    cleanup_env_from: list[Manifest] = Field(
        default_factory=list, description="Secrets and ConfigMaps with more of it."
    )
    cleanup_service_account: str = Field(
        "", description="Service account of cleanup Jobs, for workload identity."
    )
    image_pull_policy: str = Field("IfNotPresent", description="Of both images.")
    image_pull_secrets: list[str] = Field(
        default_factory=list, description="Names of Secrets; they must be beside the Jobs."
    )

    max_concurrent_scrapes: int = Field(
        8, ge=1, le=10_000, description="Scrape Jobs at once; further categories wait, oldest first"
    )
    scrape_deadline_seconds: int = Field(
        21_600, ge=60, le=7 * 86400, description="Longest life of a scrape Job."
    )
    scrape_backoff_limit: int = Field(
        3, ge=0, le=100, description="Pods of a scrape Job that may fail before it does."
    )
    cleanup_deadline_seconds: int = Field(
        3600, ge=60, le=86400, description="Longest life of a cleanup Job."
    )
    failure_backoff_seconds: Seconds = Field(
        600, description="Until a failed Job is made anew; doubles with each failure in a row."
    )
    max_failure_backoff_seconds: Seconds = Field(
        21_600, description="Longest such wait. A failed cleanup waits an hour at most."
    )
    release_seconds: Seconds = Field(
        600, description="A Job that has no Secret for so long is deleted and made anew."
    )
    progress_seconds: Seconds = Field(
        30, description="Between two looks at the counts of a running scrape."
    )

    workers: int = Field(4, ge=1, le=64, description="Categories looked at at once.")
    resync_seconds: Seconds = Field(
        300, description="Between two looks at everything, +-20 %, whatever has been missed."
    )
    stuck_seconds: Seconds = Field(
        180, description="A look that takes longer, or none for so long, fails the liveness probe."
    )
    metrics_port: int = Field(
        9090, ge=0, le=65535, description="Prometheus metrics over HTTP; 0 for none."
    )
    metrics_address: str = Field("0.0.0.0", description="Where metrics are served.")  # noqa: S104

    @property
    def cluster_wide(self) -> bool:
        """Whether categories of all namespaces are looked after."""
        return not self.watch_namespaces
