"""What an API server holds of ours, and what its refusals mean to a person."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import httpx2
import msgspec
from lightkube import ALL_NS, ApiError, Client
from lightkube.config.kubeconfig import SingleConfig
from lightkube.core.exceptions import ConfigError
from lightkube.generic_resource import create_global_resource, create_namespaced_resource

from artgrab.common.errors import ArtgrabError, BadInputError, SurroundingsError
from artgrab.common.resources import API_VERSION

Body = dict[str, Any]

_GROUP, _, _VERSION = API_VERSION.partition("/")
CATEGORIES: Any = create_namespaced_resource(_GROUP, _VERSION, "ArtCategory", "artcategories")
CLASSIFIERS: Any = create_namespaced_resource(_GROUP, _VERSION, "ArtClassifier", "artclassifiers")
_NAMESPACES: Any = create_global_resource("", "v1", "Namespace", "namespaces")

_SECONDS = 10.0
"""Longest wait for a connection, and for an answer."""
_CHUNK = 500
"""Objects in one answer: the server makes no longer one."""
_LONGEST = 300
_INSTALL = (
    "install artgrab there (helm install, see docs/kubernetes.md), or its definitions alone: "
    "kubectl apply --server-side -f k8s/crds/artcategories.yaml -f k8s/crds/artclassifiers.yaml"
)


class ClusterAccess:
    """Reads from one cluster; a context manager."""

    def __init__(self, config: SingleConfig, *, namespace: str) -> None:
        """Take a cluster and a namespace; an empty one means all of them.

        Raises:
            SurroundingsError: its certificates or credentials cannot be read.
        """
        self.namespace = namespace
        self.server = str(config.cluster.server)
        try:
            self._client = Client(config, timeout=httpx2.Timeout(_SECONDS))
        except (OSError, ValueError, ConfigError) as error:
            said = str(error) or type(error).__name__
            raise SurroundingsError(f"kubeconfig, context {config.context_name}: {said}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def list(self, kind: Any) -> list[Body]:
        """Return all objects of a kind.

        Raises:
            BadInputError: the cluster does not know the kind.
            SurroundingsError: it is not reached, or does not let us.
        """
        with self._answered(lambda: self._meaning_of_none(kind)):
            where = self.namespace or ALL_NS
            return [
                dict(one) for one in self._client.list(kind, namespace=where, chunk_size=_CHUNK)
            ]

    def check_namespace(self) -> None:
        """Raises BadInputError where the namespace is known not to be there."""
        try:
            with self._answered(lambda: BadInputError(self._no_namespace())):
                self._client.get(_NAMESPACES, self.namespace)
        except SurroundingsError as error:
            if not isinstance(error, _RefusedError):  # who may not look at namespaces cannot know
                raise

    def _no_namespace(self) -> str:
        return (
            f"namespace {self.namespace} is not in this cluster; "
            "kubectl get namespaces lists those that are"
        )

    def _meaning_of_none(self, kind: Any) -> ArtgrabError:
        return BadInputError(f"{self.server} knows no {kind._api_info.plural}: {_INSTALL}")

    @contextmanager
    def _answered(self, none: Callable[[], ArtgrabError]) -> Iterator[None]:
        try:
            yield
        except ApiError as error:
            raise self._refusal(error, none) from error
        except httpx2.TimeoutException as error:
            raise self._trouble(f"does not answer within {_SECONDS:.0f} s") from error
        except httpx2.HTTPStatusError as error:
            raise self._trouble(f"answers HTTP {error.response.status_code}") from error
        except (httpx2.HTTPError, ssl.SSLError, ConfigError, OSError) as error:
            raise self._trouble(f"cannot be reached: {_short(str(error))}") from error
        except (msgspec.MsgspecError, ValueError, KeyError, TypeError) as error:
            raise self._trouble("does not answer as an API server does") from error

    def _refusal(self, error: ApiError, none: Callable[[], ArtgrabError]) -> ArtgrabError:
        said = _short(error.status.message or "")
        match error.status.code:
            case 404:
                return none()
            case 401:
                text = "does not know who you are: log in again, as for kubectl"
                return SurroundingsError(f"{self.server} {text}")
            case 403:
                return _RefusedError(f"you may not: {said}; the ClusterRole view allows it")
            case 410:
                return self._trouble("had no time for all of it")
        return self._trouble(f"refuses: {said}")

    def _trouble(self, what: str) -> SurroundingsError:
        return SurroundingsError(f"the API server {self.server} {what}")


class _RefusedError(SurroundingsError):
    """Rights are missing."""


def _short(text: str) -> str:
    return " ".join(text.split())[:_LONGEST].rstrip(".")
