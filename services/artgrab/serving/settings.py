"""Settings of the predict server, read once at its start."""

import os
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from artgrab.common.certificates import CertificateSettings


class ServingSettings(CertificateSettings):
    """Read from the environment: ARTGRAB_SERVING_MAX_PICTURES and so on."""

    model_config = SettingsConfigDict(
        env_prefix="ARTGRAB_SERVING_", frozen=True, env_ignore_empty=True
    )

    listen: str = Field("127.0.0.1:0", description="ADDRESS:PORT; port 0 takes a free one.")
    health_listen: str = Field(
        "", description="ADDRESS:PORT of grpc.health.v1 without TLS and tokens; none where empty."
    )
    metrics_listen: str = Field(
        "", description="ADDRESS:PORT of metrics for Prometheus; none where empty."
    )
    tokens_file: Path | None = Field(
        None, description="Tokens of which callers show one, one a line; no tokens without."
    )
    max_pictures: int = Field(64, ge=1, le=4096, description="Pictures in one request.")
    max_message_bytes: int = Field(
        32 * 1024**2, ge=1024, le=2**30, description="Size of one request."
    )
    max_queued_pictures: int = Field(
        256, ge=1, le=2**16, description="Pictures under way at once; more are refused."
    )
    max_requests: int = Field(
        64, ge=1, le=4096, description="Requests at once; with their size this bounds memory."
    )
    batch_pictures: int = Field(
        4,
        ge=1,
        le=256,
        description="Through the model together, at most; on a CPU more only make others wait.",
    )
    threads: int = Field(
        1, ge=1, le=256, description="OpenMP threads of the model; several that share cores spin."
    )
    decode_workers: int = Field(
        default_factory=lambda: os.cpu_count() or 1, ge=1, le=256, description="Processes."
    )
    decode_seconds: float = Field(
        20, gt=0, le=3600, description="Time for one picture; then it is given up."
    )
    decode_memory_bytes: int = Field(
        2 * 1024**3, ge=2**28, description="Address space of a decoding process."
    )
    grace_seconds: float = Field(
        15, ge=0, le=3600, description="For requests under way after SIGTERM."
    )
    connection_seconds: float = Field(
        300,
        ge=1,
        le=86400,
        description="After which a client is asked to connect anew, so that new replicas get work.",
    )

    @model_validator(mode="after")
    def _a_full_request_fits(self) -> Self:
        if self.max_pictures > self.max_queued_pictures:
            raise ValueError("max_queued_pictures must be at least max_pictures")
        return self
