"""Where in a store something of a picture can be."""

from collections.abc import Iterator
from dataclasses import dataclass

from artgrab.common.keys import category_prefix
from artgrab.common.store import Store

_KINDS = frozenset({"categories", "datasets", "features", "models"})


@dataclass(frozen=True)
class Category:
    """A category of a namespace, by its names."""

    namespace: str
    name: str

    @property
    def prefix(self) -> str:
        return category_prefix(self.namespace, self.name)


def namespaces(store: Store) -> list[str]:
    """Return the namespaces of a store."""
    return [name for name in store.folders() if _KINDS & set(store.folders(name))]


def categories(store: Store) -> Iterator[Category]:
    """Yield the categories of all namespaces."""
    for namespace in namespaces(store):
        for name in store.folders(f"{namespace}/categories"):
            yield Category(namespace, name)


def snapshots(store: Store, namespace: str) -> list[str]:
    """Return the prefixes of a namespace's snapshots, unfinished ones too."""
    folder = f"{namespace}/datasets"
    return [f"{folder}/{name}" for name in store.folders(folder)]


def models(store: Store, namespace: str) -> list[str]:
    """Return the prefixes of a namespace's models, unfinished ones too."""
    folder = f"{namespace}/models"
    return [f"{folder}/{name}" for name in store.folders(folder)]
