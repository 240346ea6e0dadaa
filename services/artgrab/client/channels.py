"""How to reach a predict server."""

import ipaddress
from types import ModuleType
from typing import Any

import grpc

from artgrab.common.endpoints import endpoint_of

OPTIONS = (
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.enable_retries", 0),  # retries.py does it, with what callers can set
    ("grpc.enable_http_proxy", 0),  # pictures go to the address that was given
)


def open_channel(
    kind: ModuleType, endpoint: str, *, tls: bool | None, root_certificates: bytes | None
) -> Any:
    """Return a channel of grpc or grpc.aio, which connects with its first call.

    Raises:
        BadInputError: the endpoint is no HOST:PORT.
    """
    credentials = credentials_for(endpoint, tls=tls, root_certificates=root_certificates)
    if credentials is None:
        return kind.insecure_channel(endpoint, options=OPTIONS)
    return kind.secure_channel(endpoint, credentials, options=OPTIONS)


def credentials_for(
    endpoint: str, *, tls: bool | None, root_certificates: bytes | None
) -> grpc.ChannelCredentials | None:
    """Return the credentials of a channel; None for one without TLS.

    Args:
        endpoint: HOST:PORT.
        tls: None stands for: on where there are root certificates or the host is not this one.
        root_certificates: PEM of who may sign for the server; those of gRPC where absent.

    Raises:
        BadInputError: the endpoint is no HOST:PORT.
    """
    host = host_of(endpoint)
    if tls is None:
        tls = root_certificates is not None or not is_loopback(host)
    return grpc.ssl_channel_credentials(root_certificates) if tls else None


def host_of(endpoint: str) -> str:
    """Return the host of HOST:PORT.

    Raises:
        BadInputError: it is none.
    """
    return endpoint_of(endpoint, option="endpoint", example="127.0.0.1:8500").host


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine, without asking DNS."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
