"""Disjoint sets of text keys (union-find with path halving; Tarjan and van Leeuwen, 1984)."""


class Unions:
    """Sets that grow together; the least key of a set stands for it, whatever the order."""

    def __init__(self) -> None:
        self._parents: dict[str, str] = {}

    def find(self, key: str) -> str:
        """Return the key that stands for the set of this one; a new key is its own set."""
        parents = self._parents
        parents.setdefault(key, key)
        while parents[key] != key:
            parents[key] = parents[parents[key]]
            key = parents[key]
        return key

    def join(self, one: str, other: str) -> str:
        """Make one set of two and return the key that stands for it."""
        least, greatest = sorted((self.find(one), self.find(other)))
        self._parents[greatest] = least
        return least
