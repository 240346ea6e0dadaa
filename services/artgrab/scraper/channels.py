"""How downloaders are spoken with: in plain text, or over TLS where settings name who signs."""

import asyncio
import ipaddress
import ssl
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import grpc.aio
from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from artgrab.common.certificates import CertificateSettings, read_pair, read_roots
from artgrab.common.endpoints import endpoint_of, split_endpoint
from artgrab.common.errors import BadInputError
from artgrab.common.rereading import Reread

OPTIONS = (
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.enable_http_proxy", 0),  # downloaders are never behind the web's proxy
    ("grpc.max_reconnect_backoff_ms", 5_000),
)
_TRIAL_SECONDS = 5.0
_PREFIX = "ARTGRAB_SCRAPE_"
_CA = f"{_PREFIX}TLS_CA_FILE"
_PAIR = f"{_PREFIX}TLS_CERTIFICATE_FILE and _TLS_KEY_FILE"


class TlsSettings(CertificateSettings):
    """Read from the environment: ARTGRAB_SCRAPE_TLS_CA_FILE and so on."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True, env_ignore_empty=True)

    tls_ca_file: Path | None = Field(
        None, description="PEM of who signs for downloaders; plain text without."
    )

    @model_validator(mode="after")
    def _a_certificate_is_shown_over_tls(self) -> Self:
        if self.tls_pair and not self.tls_ca_file:
            raise ValueError("tls_certificate_file needs TLS; give tls_ca_file too")
        return self


class Channels:
    """Opens channels to downloaders; files are read again when they change."""

    def __init__(self, endpoints: Sequence[str] = (), settings: TlsSettings | None = None) -> None:
        """Read the files, if any.

        Args:
            endpoints: HOST:PORT of the downloaders, whose certificates are for these names.
            settings: of TLS; plain text without.

        Raises:
            BadInputError: a file cannot be read or is none, or the endpoints have several names.
        """
        self._settings = settings or TlsSettings.model_construct()  # not of the environment
        self._name = ""
        self._credentials: Reread[grpc.ChannelCredentials] | None = None
        if ca := self._settings.tls_ca_file:
            self._name = _name_of(endpoints)
            files = [ca, *(self._settings.tls_pair or ())]
            self._credentials = Reread(files, lambda: _read_credentials(self._settings))

    def open(self, address: str) -> Any:
        """Return a channel to ADDRESS:PORT, which connects with its first call."""
        if self._credentials is None:
            return grpc.aio.insecure_channel(address, options=OPTIONS)
        named = (("grpc.ssl_target_name_override", self._name),) if self._name else ()
        return grpc.aio.secure_channel(
            address, self._credentials.current(), options=(*OPTIONS, *named)
        )

    async def trouble(self, address: str) -> str:
        """Return what is the matter with TLS at an address, for people; empty where it is not that.

        gRPC tells it in words of its libraries, or not at all.
        """
        host, port = split_endpoint(address)
        try:
            async with asyncio.timeout(_TRIAL_SECONDS):
                return await self._try(host, port)
        except ssl.SSLCertVerificationError as error:
            return f"its certificate is not good: {error.verify_message}; see {_CA}"
        except ssl.SSLError as error:
            if "ALERT" in str(error.reason):
                return self._turned_away()
            return f"it does not speak TLS; take {_CA} away" if self._credentials else ""
        except (OSError, TimeoutError):
            return ""

    async def _try(self, host: str, port: int) -> str:
        """Shake hands; with TLS 1.3 a client is turned away only afterwards, by gRPC in silence."""
        reader, writer = await asyncio.open_connection(
            host, port, ssl=self._context(), server_hostname=self._name or host
        )
        try:
            if self._credentials is None:
                return f"it wants TLS; set {_CA}"
            with suppress(ConnectionError):
                if await reader.read(1):  # HTTP/2 begins with words of the server
                    return ""
            return self._turned_away()
        finally:
            writer.transport.abort()

    def _context(self) -> ssl.SSLContext:
        if self._settings.tls_ca_file is None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        else:
            context = ssl.create_default_context(cafile=self._settings.tls_ca_file)
        if pair := self._settings.tls_pair:
            context.load_cert_chain(*pair)
        context.set_alpn_protocols(["h2"])
        return context

    def _turned_away(self) -> str:
        shown = "our certificate" if self._settings.tls_pair else "us without a certificate"
        return f"it refuses {shown}; set {_PAIR} to what its operator gave you"


def _name_of(endpoints: Sequence[str]) -> str:
    """Return the one name that certificates are for; empty where there are addresses alone."""
    hosts = {
        endpoint_of(one, option="--downloader", example="127.0.0.1:50051").host for one in endpoints
    }
    names = {host for host in hosts if not _is_address(host)}
    if len(names) > 1 or (names and names != hosts):
        raise BadInputError(
            f"TLS: downloaders must have one name, and {', '.join(sorted(hosts))} are several;"
            " give one --downloader whose name stands for all"
        )
    return next(iter(names), "")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _read_credentials(settings: TlsSettings) -> grpc.ChannelCredentials:
    roots = read_roots(settings.tls_ca_file) if settings.tls_ca_file else None
    certificate, key = read_pair(*settings.tls_pair) if settings.tls_pair else (None, None)
    return grpc.ssl_channel_credentials(roots, private_key=key, certificate_chain=certificate)


PLAIN = Channels()
"""For this machine, and for networks that others guard."""
