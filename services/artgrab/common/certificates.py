"""TLS of our servers: certificates and keys from files, read again when they change."""

import ssl
from pathlib import Path
from typing import Self

import grpc
from pydantic import Field, model_validator
from pydantic_settings import BaseSettings

from artgrab.common.errors import BadInputError
from artgrab.common.rereading import Reread


class CertificateSettings(BaseSettings):
    """The part of settings that is the same for whoever shows a certificate."""

    tls_certificate_file: Path | None = Field(
        None, description="PEM of our certificate and those above it."
    )
    tls_key_file: Path | None = Field(None, description="PEM of the certificate's key.")

    @model_validator(mode="after")
    def _a_certificate_has_its_key(self) -> Self:
        if (self.tls_certificate_file is None) != (self.tls_key_file is None):
            raise ValueError("tls_certificate_file and tls_key_file go together; give both")
        return self

    @property
    def tls_pair(self) -> tuple[Path, Path] | None:
        """The files of certificate and key; None where there are none."""
        if self.tls_certificate_file is None or self.tls_key_file is None:
            return None
        return self.tls_certificate_file, self.tls_key_file


def server_credentials(
    certificate: Path, key: Path, *, client_ca: Path | None = None
) -> grpc.ServerCredentials:
    """Return credentials that are those of the files at each handshake.

    Args:
        certificate: of the server, and those above it.
        key: of the certificate.
        client_ca: of who signs for clients, which have to show a certificate then.

    Raises:
        BadInputError: a file cannot be read, they are no pair, or the last holds no certificate.
    """
    files = [certificate, key, *([client_ca] if client_ca else [])]
    read = Reread(files, lambda: _read_configuration(certificate, key, client_ca))
    used = [read.current()]

    def changed() -> grpc.ServerCertificateConfiguration | None:
        now = read.current()
        if now is used[0]:
            return None
        used[0] = now
        return now

    return grpc.dynamic_ssl_server_credentials(
        used[0], changed, require_client_authentication=client_ca is not None
    )


def read_pair(certificate: Path, key: Path) -> tuple[bytes, bytes]:
    """Return certificate and key, which belong together.

    Raises:
        BadInputError: a file cannot be read, or they are no pair.
    """
    pair = read_pem(certificate), read_pem(key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key, password="")
    except (ssl.SSLError, OSError, ValueError) as error:
        raise BadInputError(
            f"TLS: {certificate} and {key} are no certificate (PEM) with its key (PEM, without a "
            "password); give those that belong together"
        ) from error
    return pair


def read_roots(file: Path) -> bytes:
    """Return the certificates of those who sign for others.

    Raises:
        BadInputError: the file cannot be read, or holds none.
    """
    pem = read_pem(file)
    if not holds_certificates(pem):
        raise BadInputError(f"TLS: {file} holds no certificates; give those of who signs, as PEM")
    return pem


def holds_certificates(pem: bytes) -> bool:
    """Tell whether there are certificates in it, all well: gRPC would tell as of a server away."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(
            cadata=pem.decode("ascii", "ignore")
        )
    except (ssl.SSLError, ValueError):
        return False
    return True


def read_pem(file: Path) -> bytes:
    """Return what a file holds.

    Raises:
        BadInputError: it cannot be read.
    """
    try:
        return file.read_bytes()
    except OSError as error:
        raise BadInputError(f"TLS: {file} cannot be read: {error.strerror}") from error


def _read_configuration(
    certificate: Path, key: Path, client_ca: Path | None
) -> grpc.ServerCertificateConfiguration:
    """Return what is read; it is a pair even where files change meanwhile: Reread reads again."""
    pem, secret = read_pair(certificate, key)
    return grpc.ssl_server_certificate_configuration(
        [(secret, pem)], root_certificates=read_roots(client_ca) if client_ca else None
    )
