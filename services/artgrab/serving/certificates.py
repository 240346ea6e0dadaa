"""TLS of the server: certificate and key from files, read again when they change."""

import ssl
from pathlib import Path

import grpc

from artgrab.common.errors import BadInputError
from artgrab.serving.rereading import Reread


def server_credentials(certificate: Path, key: Path) -> grpc.ServerCredentials:
    """Return credentials that are those of the files at each handshake.

    Raises:
        BadInputError: a file cannot be read, or they are no pair.
    """
    pair = Reread([certificate, key], lambda: _read_pair(certificate, key))
    used = [pair.current()]

    def changed() -> grpc.ServerCertificateConfiguration | None:
        now = pair.current()
        if now is used[0]:
            return None
        used[0] = now
        return now

    return grpc.dynamic_ssl_server_credentials(used[0], changed)


def _read_pair(certificate: Path, key: Path) -> grpc.ServerCertificateConfiguration:
    """Return what is read; it is a pair even where files change meanwhile: Reread reads again."""
    _check_pair(certificate, key)
    return grpc.ssl_server_certificate_configuration([(_read(key), _read(certificate))])


def _check_pair(certificate: Path, key: Path) -> None:
    for file in (certificate, key):
        _read(file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key, password="")
    except (ssl.SSLError, OSError, ValueError) as error:
        raise BadInputError(
            f"TLS: {certificate} and {key} are no certificate (PEM) with its key (PEM, without a "
            "password); give those that belong together"
        ) from error


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise BadInputError(f"TLS: {file} cannot be read: {error.strerror}") from error
