"""How to reach a predict server."""

import re
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import grpc

from artgrab.common.certificates import holds_certificates
from artgrab.common.endpoints import endpoint_of, is_loopback
from artgrab.common.errors import BadInputError

OPTIONS = (
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.enable_retries", 0),  # retries.py does it, with what callers can set
    ("grpc.enable_http_proxy", 0),  # pictures go to the address that was given
    # A server that is replaced is back in a moment: the waits of retries.py are the longer ones.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 5_000),
    ("grpc.max_reconnect_backoff_ms", 2_000),
)

Metadata = tuple[tuple[str, str], ...]
_TOKEN = re.compile(r"[\x21-\x7e]{1,4096}")


@dataclass(frozen=True, kw_only=True)
class Access:
    """How a server is spoken with: over TLS or not, and with which token."""

    endpoint: str
    tls: bool | None
    root_certificates: bytes | None
    token: str | None = field(repr=False)
    token_without_tls: bool

    def open_channel(self, kind: ModuleType) -> Any:
        """Return a channel of grpc or grpc.aio, which connects with its first call.

        Raises:
            BadInputError: the endpoint is no HOST:PORT; root certificates or token are none, or the
                token would be sent to another machine for everybody on the way to read.
        """
        credentials = credentials_for(
            self.endpoint, tls=self.tls, root_certificates=self.root_certificates
        )
        self._check_token(credentials)
        if credentials is None:
            return kind.insecure_channel(self.endpoint, options=OPTIONS)
        return kind.secure_channel(self.endpoint, credentials, options=OPTIONS)

    @property
    def metadata(self) -> Metadata:
        """What goes with every call."""
        return (("authorization", f"Bearer {self.token}"),) if self.token is not None else ()

    def _check_token(self, credentials: grpc.ChannelCredentials | None) -> None:
        if self.token is None:
            return
        if not _TOKEN.fullmatch(self.token):
            raise BadInputError("the token is none: it holds spaces, breaks or other signs")
        is_seen = credentials is None and not is_loopback(host_of(self.endpoint))
        if is_seen and not self.token_without_tls:
            raise BadInputError(
                f"a token is not sent to {self.endpoint} without TLS, as all on the way could read "
                "it; use TLS, or say token_without_tls"
            )


def credentials_for(
    endpoint: str, *, tls: bool | None, root_certificates: bytes | None
) -> grpc.ChannelCredentials | None:
    """Return the credentials of a channel; None for one without TLS.

    Args:
        endpoint: HOST:PORT.
        tls: None stands for: on where there are root certificates or the host is not this one.
        root_certificates: PEM of who may sign for the server; those of gRPC where absent.

    Raises:
        BadInputError: the endpoint is no HOST:PORT; the root certificates are none.
    """
    host = host_of(endpoint)
    if root_certificates is not None and not holds_certificates(root_certificates):
        raise BadInputError(
            "the root certificates are none; give those of who signs for the server, as PEM"
        )
    if tls is None:
        tls = root_certificates is not None or not is_loopback(host)
    return grpc.ssl_channel_credentials(root_certificates) if tls else None


def host_of(endpoint: str) -> str:
    """Return the host of HOST:PORT.

    Raises:
        BadInputError: it is none.
    """
    return endpoint_of(endpoint, option="endpoint", example="127.0.0.1:8500").host
