"""Who we are and whom we may reach: settings shared by everything that talks to the web."""

import ipaddress
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from artgrab.common.endpoints import split_endpoint
from artgrab.common.version import VERSION

PRODUCT = "artgrab"
"""The name that robots.txt rules can address."""


def _with_port(parse: Callable[[str], object]) -> AfterValidator:
    """Check the host with parse, and that a port stands behind it."""

    def check(text: str) -> str:
        parse(split_endpoint(text).host)
        return text

    return AfterValidator(check)


class NetworkSettings(BaseSettings):
    """Read from the environment: ARTGRAB_RESOLVE, ARTGRAB_CONTACT, ARTGRAB_PAGE_SECONDS, ..."""

    model_config = SettingsConfigDict(env_prefix="ARTGRAB_", frozen=True)

    resolve: dict[str, Annotated[str, _with_port(ipaddress.ip_address)]] = Field(
        default_factory=dict,
        description='Host pattern to ADDRESS:PORT, instead of DNS: {"*.test": "127.0.0.1:8080"}.',
    )
    allowed_targets: list[Annotated[str, _with_port(ipaddress.ip_network)]] = Field(
        default_factory=list,
        description="CIDR:port beyond global addresses on ports 80 and 443; off by default.",
    )
    contact: str = Field(
        "",
        pattern=r"^[!-~]*$",  # it goes into a header
        max_length=200,
        description="URL or mail address that sites can write to.",
    )
    page_seconds: float = Field(
        45.0, gt=0.0, le=600.0, description="How long a page of a gallery may take to open."
    )
    gallery_pages: int = Field(
        1000, ge=1, description="After so many pages a gallery is left, for each query."
    )
    gallery_pictures: int = Field(
        20_000, ge=1, description="After so many pictures a gallery is left, for each query."
    )
    gallery_minutes: float = Field(
        30.0, gt=0.0, description="After so long a gallery is left, for each query."
    )

    @property
    def user_agent(self) -> str:
        """An honest User-Agent: product, version and, where set, whom to write to."""
        comment = f" (+{self.contact})" if self.contact else ""
        return f"{PRODUCT}/{VERSION}{comment}"

    def resolved(self, host: str) -> tuple[str, int] | None:
        """Return the address and port set for a host; None where DNS is to be asked."""
        for pattern, endpoint in self.resolve.items():
            if fnmatchcase(host.lower(), pattern):
                return split_endpoint(endpoint)
        return None
