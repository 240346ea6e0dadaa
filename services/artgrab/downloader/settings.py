"""Settings of the downloader, read once at its start."""

import ipaddress
import os
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import SettingsConfigDict

from artgrab.common.certificates import CertificateSettings
from artgrab.common.endpoints import Endpoint

Seconds = Annotated[float, Field(gt=0, le=3600)]


class DownloaderSettings(CertificateSettings):
    """Read from the environment: ARTGRAB_DOWNLOADER_CREDITS and so on."""

    model_config = SettingsConfigDict(env_prefix="ARTGRAB_DOWNLOADER_", frozen=True)

    listen: str = Field("127.0.0.1:0", description="HOST:PORT; port 0 takes a free one.")
    token_key_file: Path | None = Field(
        None,
        description="Key of tokens, at least 32 bytes; with it every caller must show a token, and"
        " may come from other machines.",
    )
    tls_client_ca_file: Path | None = Field(
        None,
        description="PEM of who signs for callers, who have to show a certificate then; for TLS.",
    )
    health_listen: str = Field(
        "", description="ADDRESS:PORT of grpc.health.v1 without TLS; none where empty."
    )
    sweep_seconds: float = Field(
        600,
        ge=0,
        description="Age below which no picture is swept at the end of a run: another downloader"
        " may be about to record it.",
    )
    credits: int = Field(
        256, ge=1, le=65536, description="Candidates of one stream under way at once."
    )
    max_streams: int = Field(
        512, ge=1, le=65536, description="Streams at once, over all connections; more are refused."
    )
    unread_seconds: Seconds = Field(
        60, description="A stream whose client reads nothing for so long is ended."
    )
    stream_seconds: Seconds = Field(
        90, description="Life of a stream before it is drained, +-20 %, so that load can move."
    )
    drain_grace_seconds: Seconds = Field(
        45, description="How long a drained stream goes on acknowledging."
    )
    stop_grace_seconds: Seconds = Field(
        15, description="The same after SIGTERM; less than the supervisor's patience."
    )
    max_fetches: int = Field(
        64,
        ge=1,
        le=4096,
        description="Fetches at once, over all hosts; as many more may take longer than a second.",
    )
    max_bytes_in_flight: int = Field(
        512 * 1024**2, ge=1024, description="Bodies held at once; beyond it candidates come again."
    )
    decode_workers: int = Field(
        default_factory=lambda: os.cpu_count() or 1, ge=1, le=256, description="Processes."
    )
    decode_seconds: Seconds = Field(20, description="Time for one picture; then it is given up.")
    decode_memory_bytes: int = Field(
        2 * 1024**3, ge=2**28, description="Memory of a decoding process for its picture."
    )

    connect_seconds: Seconds = Field(5, description="To a connection, TLS included.")
    first_byte_seconds: Seconds = Field(10, description="Also the longest pause within a body.")
    total_seconds: Seconds = Field(30, description="For one answer, headers and body.")
    max_source_bytes: int = Field(25 * 1024**2, ge=1024, description="A longer body is refused.")
    min_bytes_per_second: int = Field(
        1024, ge=0, description="A body slower than this over rate_seconds is given up."
    )
    rate_seconds: Seconds = Field(5, description="Over which the rate of a body is taken.")

    host_concurrency: int = Field(
        2, ge=1, le=64, description="Fetches at once from one registrable domain."
    )
    host_spacing_seconds: float = Field(
        0, ge=0, le=3600, description="Least time between the starts of two fetches from one."
    )
    host_queue: int = Field(
        128, ge=1, description="Candidates that may wait for one; others come again later."
    )
    host_wait_seconds: Seconds = Field(
        15, description="Longest expected wait in that queue; others come again later."
    )
    max_hold_seconds: Seconds = Field(
        120, description="Longest time a host's Retry-After is believed."
    )
    max_crawl_delay_seconds: Seconds = Field(
        10, description="Longest Crawl-delay that robots.txt can ask for."
    )

    addresses: list[str] = Field(
        default_factory=list,
        description="HOST:PORT of all downloaders, names resolved again and again; empty: alone.",
    )
    own_address: str = Field(
        "", validate_default=True, description="ADDRESS:PORT of this one among them."
    )
    resolve_seconds: Seconds = Field(
        5,
        description="Within which every downloader has noticed a change of addresses, DNS caches"
        " included; they are resolved twice in it, and a new owner of a site lets it pass.",
    )
    metrics_port: int | None = Field(
        None, ge=0, le=65535, description="Prometheus metrics over HTTP; none where not set."
    )
    metrics_address: str = Field(
        "127.0.0.1", description="Where metrics are served; 0.0.0.0 lets other machines read them."
    )

    @field_validator("own_address")
    @classmethod
    def _knows_itself_among_others(cls, own_address: str, info: ValidationInfo) -> str:
        if info.data.get("addresses") and not own_address:
            raise PydanticCustomError(
                "own_address",
                "set it to this downloader's ADDRESS:PORT among ARTGRAB_DOWNLOADER_ADDRESSES;"
                " without it no site would be its own, and nothing fetched",
            )
        return _as_resolved(own_address)

    @model_validator(mode="after")
    def _certificates_of_callers_need_ours(self) -> Self:
        if self.tls_client_ca_file and not self.tls_pair:
            raise ValueError(
                "tls_client_ca_file needs TLS; give tls_certificate_file and tls_key_file too"
            )
        return self


def _as_resolved(address: str) -> str:
    """Return ADDRESS:PORT as `resolve` gives it: a pod knows its IPv6 address without brackets."""
    host, _, port = address.rpartition(":")
    try:
        return str(Endpoint(str(ipaddress.IPv6Address(host.strip("[]"))), int(port)))
    except ValueError:
        return address
