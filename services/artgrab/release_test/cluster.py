"""The API server of the cluster that the test runs in."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import httpx2
from lightkube import ApiError, Client
from lightkube.core.exceptions import ConfigError
from lightkube.generic_resource import create_namespaced_resource

from artgrab.common.errors import ArtgrabError, BadInputError, SurroundingsError
from artgrab.common.resources import API_VERSION
from artgrab.release_test.documents import Manifest

_GROUP, _, _VERSION = API_VERSION.partition("/")
_KINDS: dict[str, Any] = {
    kind: create_namespaced_resource(_GROUP, _VERSION, kind, plural)
    for kind, plural in (("ArtCategory", "artcategories"), ("ArtClassifier", "artclassifiers"))
}
_SECONDS = 15.0
"""Longest wait for an answer."""
_NOT_FOUND = 404
_BAD = {400, 422}


class Objects(Protocol):
    """What a test asks of a cluster; objects are named by their documents."""

    def get(self, document: Manifest) -> Manifest | None:
        """Return an object as it is; None where there is none."""

    def create(self, document: Manifest) -> None:
        """Make an object."""

    def delete(self, document: Manifest) -> None:
        """Delete an object; nothing is done where there is none."""


class ClusterObjects:
    """Objects of an API server.

    All calls raise BadInputError where the server refuses what it is given, and SurroundingsError
    where it does not answer.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    def get(self, document: Manifest) -> Manifest | None:
        """See Objects."""
        with _refusals(document):
            try:
                name, namespace = _place(document)
                return dict(self._client.get(_kind(document), name, namespace=namespace))
            except ApiError as error:
                _pass_if_none(error)
                return None

    def create(self, document: Manifest) -> None:
        """See Objects."""
        with _refusals(document):
            self._client.create(_kind(document)(document))

    def delete(self, document: Manifest) -> None:
        """See Objects."""
        with _refusals(document):
            try:
                name, namespace = _place(document)
                self._client.delete(_kind(document), name, namespace=namespace)
            except ApiError as error:
                _pass_if_none(error)


def connect() -> ClusterObjects:
    """Return the objects of the cluster that this pod is in.

    Raises:
        SurroundingsError: there is no token of it.
    """
    try:
        return ClusterObjects(Client(timeout=httpx2.Timeout(_SECONDS)))
    except (ConfigError, OSError) as error:
        raise SurroundingsError(f"no access to the API server: {error}") from error


def _kind(document: Manifest) -> Any:
    return _KINDS[document["kind"]]


def _place(document: Manifest) -> tuple[str, str]:
    return document["metadata"]["name"], document["metadata"]["namespace"]


def _pass_if_none(error: ApiError) -> None:
    if error.status.code != _NOT_FOUND:
        raise error


@contextmanager
def _refusals(document: Manifest) -> Iterator[None]:
    title = f"{document['kind']} {document['metadata']['name']}"
    try:
        yield
    except ApiError as error:
        raise _refusal(title, error) from error
    except (httpx2.HTTPError, OSError) as error:
        said = str(error) or type(error).__name__
        raise SurroundingsError(f"{title}: the API server does not answer: {said}") from error


def _refusal(title: str, error: ApiError) -> ArtgrabError:
    text = f"{title}: {error.status.message or error}"
    if error.status.code in _BAD:
        return BadInputError(f"{text}; change tests.categories or tests.classifier of the chart")
    return SurroundingsError(text)
