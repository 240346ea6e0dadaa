"""Settings of the operator, read once at its start."""

from typing import Annotated, Any, Literal

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

Seconds = Annotated[float, Field(gt=0, le=7 * 86400)]
Manifest = dict[str, Any]
"""A piece of a Kubernetes manifest, handed on as it is."""
Placement = dict[Literal["priorityClassName", "nodeSelector", "tolerations", "affinity"], Any]
"""The fields of the spec of a pod that say where it runs, and before whom."""

_SCRAPER_RESOURCES: Manifest = {
    "requests": {"cpu": "250m", "memory": "512Mi"},
    "limits": {"memory": "2Gi"},
}
_CLEANUP_RESOURCES: Manifest = {
    "requests": {"cpu": "50m", "memory": "128Mi"},
    "limits": {"cpu": "1", "memory": "512Mi"},
}
_DATASET_RESOURCES: Manifest = {
    "requests": {"cpu": "500m", "memory": "1Gi"},
    "limits": {"memory": "4Gi"},
}
_TRAINER_RESOURCES: Manifest = {
    "requests": {"cpu": "1", "memory": "2Gi"},
    "limits": {"memory": "6Gi"},
}
_SERVING_RESOURCES: Manifest = {
    "requests": {"cpu": "500m", "memory": "1536Mi"},
    "limits": {"memory": "3Gi"},
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
    scraper_tls_secret: str = Field(
        "",
        description="Secret beside each category whose entry `ca.crt` signs for the downloaders; "
        "empty: no TLS.",
    )
    scraper_shows_certificate: bool = Field(
        False,
        description="Whether scrapers show the downloaders `tls.crt` of that Secret, with "
        "`tls.key`.",
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
    image_pull_policy: str = Field("IfNotPresent", description="Of all images.")
    image_pull_secrets: list[str] = Field(
        default_factory=list, description="Names of Secrets; they must be beside the Jobs."
    )

    classifier_namespaces: list[str] = Field(
        default_factory=list,
        description="Where classifiers learn and serve, besides the operator's own namespace.",
    )
    default_classifiers_file: str = Field(
        "", description="YAML list of ArtClassifiers that are created where absent; empty: none."
    )
    model_service_account: str = Field(
        "", description="Service account of dataset, training and serving pods."
    )
    model_env: list[Manifest] = Field(
        default_factory=list,
        description="How dataset, training and the fetch of a model reach the store.",
    )
    dataset_resources: Manifest = Field(
        default_factory=lambda: _DATASET_RESOURCES,
        description="Of the container of dataset Jobs; their image is the trainer's.",
    )
    dataset_deadline_seconds: int = Field(
        21_600, ge=60, le=7 * 86400, description="Longest life of a dataset Job."
    )
    trainer_image: str = Field(
        "artgrab-trainer", min_length=1, description="Image of dataset and training Jobs."
    )
    trainer_command: list[str] = Field(
        default_factory=lambda: ["python"],
        min_length=1,
        description="The Python that runs in them; its arguments begin with -m.",
    )
    trainer_resources: Manifest = Field(
        default_factory=lambda: _TRAINER_RESOURCES,
        description="Of the container of training Jobs.",
    )
    trainer_env: list[Manifest] = Field(
        default_factory=list, description="Environment of dataset and training Jobs."
    )
    trainer_env_from: list[Manifest] = Field(
        default_factory=list, description="Secrets and ConfigMaps with more of it."
    )
    trainer_volumes: list[Manifest] = Field(
        default_factory=list, description="Further volumes of their pods."
    )
    trainer_volume_mounts: list[Manifest] = Field(
        default_factory=list, description="Where their containers have these."
    )
    trainer_placement: Placement = Field(
        default_factory=dict, description="Where their pods run: nodeSelector and the like."
    )
    training_deadline_seconds: int = Field(
        86_400, ge=60, le=30 * 86400, description="Longest life of a training Job."
    )
    training_backoff_limit: int = Field(
        3,
        ge=0,
        le=100,
        description="Pods of a dataset Job, or of each node of a training, that may fail.",
    )
    serving_image: str = Field(
        "artgrab-serving", min_length=1, description="Image of what fetches and serves a model."
    )
    serving_command: list[str] = Field(
        default_factory=lambda: ["python"],
        min_length=1,
        description="The Python that runs in them; its arguments begin with -m.",
    )
    serving_resources: Manifest = Field(
        default_factory=lambda: _SERVING_RESOURCES, description="Of the container that serves."
    )
    serving_env: list[Manifest] = Field(
        default_factory=list, description="Environment of what serves: ARTGRAB_SERVING_..."
    )
    serving_volumes: list[Manifest] = Field(
        default_factory=list, description="Further volumes of serving pods."
    )
    serving_volume_mounts: list[Manifest] = Field(
        default_factory=list, description="Where their containers have these."
    )
    serving_pod_labels: dict[str, str] = Field(
        default_factory=dict, description="Further labels of serving pods."
    )
    serving_pod_annotations: dict[str, str] = Field(
        default_factory=dict, description="Further annotations of serving pods."
    )
    serving_placement: Placement = Field(
        default_factory=dict, description="Where serving pods run: nodeSelector and the like."
    )
    serving_service_type: Literal["ClusterIP", "NodePort", "LoadBalancer"] = Field(
        "ClusterIP", description="Type of the Services of classifiers."
    )
    serving_progress_deadline_seconds: int = Field(
        600, ge=10, le=86400, description="A rollout that takes longer has failed."
    )
    serving_target_cpu_percent: int = Field(
        60, ge=1, le=1000, description="Of what is requested; more starts another pod."
    )
    serving_tls_secret: str = Field(
        "",
        description="Secret of type kubernetes.io/tls beside each classifier; empty: no TLS.",
    )
    serving_token_secret: str = Field(
        "",
        description="Secret beside each classifier whose entry `tokens` has a token in each line; "
        "empty: everybody may ask.",
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

    workers: int = Field(
        4, ge=1, le=64, description="Categories looked at at once, and as many classifiers."
    )
    resync_seconds: Seconds = Field(
        300, description="Between two looks at everything, +-20 %, whatever has been missed."
    )
    stuck_seconds: Seconds = Field(
        180, description="A look that takes longer, or none for so long, fails the liveness probe."
    )
    metrics_port: int = Field(
        9090, ge=0, le=65535, description="Prometheus metrics over HTTP; 0 for none."
    )
    metrics_address: str = Field("0.0.0.0", description="Where metrics are served.")  # noqa: S104 - Prometheus is another pod

    def serves(self, namespace: str) -> bool:
        """Tell whether classifiers of a namespace learn and serve."""
        return namespace == self.namespace or namespace in self.classifier_namespaces

    @property
    def cluster_wide(self) -> bool:
        """Whether categories of all namespaces are looked after."""
        return not self.watch_namespaces
