"""Classifiers that a chart brings: made where they are absent, never changed once there."""

from pathlib import Path
from typing import Any

import structlog
import yaml

from artgrab.common.documents.problems import check
from artgrab.common.resources import ArtClassifier
from artgrab.operator.cluster import CLASSIFIER, Cluster, NamespaceEndsError, RefusedError
from artgrab.operator.settings import Manifest
from artgrab.operator.work import LookAgainError

_log = structlog.get_logger()


def read_default_classifiers(path: Path) -> list[Manifest]:
    """Return the classifiers of a YAML list; what is none is told in the log and passed over.

    A chart's mistake must not stop the operator for all that people have made themselves.
    """
    try:
        listed: Any = yaml.safe_load(path.read_text())
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        _log.warning("no default classifiers", file=str(path), why=str(error))
        return []
    documents = listed if isinstance(listed, list) else [listed] if listed else []
    return [manifest for document in documents if (manifest := _checked(document, path))]


def _checked(document: Any, path: Path) -> Manifest | None:
    resource, problems = check(ArtClassifier, document)
    if resource is None:
        why = "; ".join(map(str, problems))
        _log.warning("a default classifier is passed over", file=str(path), why=why)
        return None
    metadata = {**document["metadata"], "namespace": resource.metadata.namespace}
    return {**document, "metadata": metadata}


class DefaultClassifiers:
    """Makes each of them once while this process lives: one that is deleted stays deleted."""

    def __init__(self, cluster: Cluster, manifests: list[Manifest]) -> None:
        self._cluster = cluster
        self._left = list(manifests)
        self._told: set[str] = set()

    async def make(self) -> None:
        """Make those that are absent; one that cannot be made now is left for the next time."""
        for manifest in list(self._left):
            try:
                await self._make(manifest)
            except (RefusedError, NamespaceEndsError, LookAgainError) as error:
                self._tell(manifest, str(error))
            else:
                self._left.remove(manifest)

    async def _make(self, manifest: Manifest) -> None:
        name, namespace = manifest["metadata"]["name"], manifest["metadata"]["namespace"]
        if await self._cluster.get(CLASSIFIER, name, namespace) is None:
            await self._cluster.create(CLASSIFIER, manifest)

    def _tell(self, manifest: Manifest, why: str) -> None:
        name = "{namespace}/{name}".format(**manifest["metadata"])
        if name not in self._told:
            self._told.add(name)
            _log.warning("a default classifier cannot be made yet", classifier=name, why=why)
