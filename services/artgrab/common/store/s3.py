"""A bucket as a store: credentials, region and endpoint the way boto3 finds them.

Of S3 only conditional put, get, list, delete and multipart uploads are used, and addresses of the
form endpoint/bucket/key, so that any server of the kind will do.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from obstore.store import S3Store

from artgrab.common.errors import BadInputError, SurroundingsError

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_s3 import S3Client
    from obstore.store import ClientConfig, RetryConfig

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_SEGMENT = re.compile(r"[A-Za-z0-9_=+@.-]{1,128}")

CONNECT_TIMEOUT = timedelta(seconds=5)
REQUEST_TIMEOUT = timedelta(seconds=60)
"""Of one request: 5 MB, a part of a large object, get through at 700 kbit/s."""

BRIEF_TIMEOUT = timedelta(seconds=5)

_RETRIES: "RetryConfig" = {
    "max_retries": 6,
    "backoff": {
        "init_backoff": timedelta(milliseconds=200),
        "max_backoff": timedelta(seconds=5),
        "base": 2,
    },
    "retry_timeout": timedelta(seconds=30),
}
"""Outlasts the restart of a server, and tells within half a minute that there is none."""

_CLIENT_CONFIG: dict[str, Any] = {
    "connect_timeout": 5,
    "read_timeout": 15,
    "retries": {"total_max_attempts": 2},
    "s3": {"addressing_style": "path"},
}

_NO_RETRIES: "RetryConfig" = {"max_retries": 0}


@dataclass(frozen=True)
class Bucket:
    """Where in S3 a store lies; the prefix is empty or has no slash at either end."""

    name: str
    prefix: str

    @property
    def uri(self) -> str:
        return f"s3://{self.name}/{self.prefix}".rstrip("/")

    def key(self, key: str) -> str:
        """Return the key in the bucket of a key of the store."""
        return f"{self.prefix}/{key}" if self.prefix else key


@dataclass(frozen=True)
class S3:
    """An opened bucket."""

    bucket: Bucket
    patient: S3Store
    """Tries again by itself."""
    once: S3Store
    """Does not: who puts on condition must know whether an earlier try may have gone through."""
    brief: S3Store
    """Tries once and not for long, for heartbeats: a late one is worse than none."""
    client: "Callable[[], S3Client]"
    """Makes a boto3 client, for what obstore does not offer."""


def parse_bucket(uri: str) -> Bucket:
    """Return bucket and prefix of s3://BUCKET/PREFIX.

    Raises:
        BadInputError: it has another form.
    """
    name, _, prefix = uri.removeprefix("s3://").rstrip("/").partition("/")
    if not _BUCKET.fullmatch(name):
        named = f"{name!r} is no bucket name" if name else "names no bucket"
        raise BadInputError(f"store {uri}: {named}; give s3://BUCKET/PREFIX")
    for segment in prefix.split("/") if prefix else ():
        if not _SEGMENT.fullmatch(segment) or segment in (".", ".."):
            raise BadInputError(
                f"store {uri}: {segment!r} cannot be part of the prefix; use letters, digits and "
                "_=+@.- between single slashes"
            )
    return Bucket(name, prefix)


def open_bucket(uri: str) -> S3:
    """Open s3://BUCKET/PREFIX without asking the server anything.

    Raises:
        BadInputError: the URI, or a profile or endpoint of the environment, is none.
        SurroundingsError: there are no credentials, or they cannot be got.
    """
    from botocore.exceptions import BotoCoreError  # half a second: only where S3 is used

    bucket = parse_bucket(uri)
    try:
        return _open(bucket)
    except BotoCoreError as error:
        raise _credentials_failure(bucket.uri, error) from error
    except ValueError as error:  # of botocore, about an endpoint
        raise BadInputError(f"store {bucket.uri}: AWS_ENDPOINT_URL: {error}") from error


def _open(bucket: Bucket) -> S3:
    import boto3
    import botocore.session
    from botocore.config import Config

    core = botocore.session.Session()
    session = boto3.Session(botocore_session=core)
    credentials = _credentials(session, bucket.uri)
    client = session.client(
        "s3", region_name=session.region_name or "us-east-1", config=Config(**_CLIENT_CONFIG)
    )
    endpoint = _checked_endpoint(client.meta.endpoint_url)
    options = _client_options(endpoint, core.get_config_variable("ca_bundle"))

    def store(retries: "RetryConfig", timeout: timedelta = REQUEST_TIMEOUT) -> S3Store:
        return S3Store(
            bucket.name,
            prefix=bucket.prefix or None,
            endpoint=endpoint,
            aws_endpoint_url_s3=endpoint,
            region=client.meta.region_name,
            virtual_hosted_style_request=False,
            skip_signature=False,
            conditional_put="etag",
            disable_bulk_delete=True,  # DeleteObjects is not known everywhere
            client_options={**options, "timeout": timeout},
            retry_config=retries,
            credential_provider=credentials,
        )

    return S3(
        bucket,
        patient=store(_RETRIES),
        once=store(_NO_RETRIES),
        brief=store(_NO_RETRIES, BRIEF_TIMEOUT),
        client=lambda: client,
    )


def _credentials(session: "boto3.Session", uri: str) -> Any:
    from obstore.auth.boto3 import Boto3CredentialProvider

    if session.get_credentials() is None:
        raise SurroundingsError(
            f"store {uri}: no credentials found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
            "or AWS_PROFILE, or write them down with `aws configure`"
        )
    return Boto3CredentialProvider(session)


def _checked_endpoint(endpoint: str) -> str:
    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{endpoint!r} is no http(s) URL")
    _ = parts.port  # ValueError where it is none
    return endpoint.rstrip("/")


def _client_options(endpoint: str, ca_bundle: str | None) -> "ClientConfig":
    options: ClientConfig = {
        "allow_http": endpoint.startswith("http://"),
        "connect_timeout": CONNECT_TIMEOUT,
    }
    if ca_bundle:
        try:
            options["root_certificate"] = Path(ca_bundle).read_bytes()
        except OSError as error:
            raise BadInputError(f"AWS_CA_BUNDLE {ca_bundle}: {error.strerror}") from error
    return options


def _credentials_failure(uri: str, error: Exception) -> BadInputError | SurroundingsError:
    from botocore.exceptions import (
        ConfigNotFound,
        ConfigParseError,
        PartialCredentialsError,
        ProfileNotFound,
    )

    text = f"store {uri}: {' '.join(str(error).split())}"
    if isinstance(error, ProfileNotFound):
        return BadInputError(f"{text}; check AWS_PROFILE, or `aws configure list-profiles`")
    if isinstance(error, ConfigParseError | ConfigNotFound | PartialCredentialsError):
        return BadInputError(f"{text}; mend the environment or the file")
    return SurroundingsError(f"{text}; check how the credentials are got")
