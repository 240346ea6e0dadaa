"""Counts over the rows of a snapshot, as card and report show them."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple, TypeVar

from artgrab.common.manifest import ManifestRow

_What = TypeVar("_What")


class LicenceCount(NamedTuple):
    """How many pictures are under a licence, and what says so."""

    code: str
    url: str
    evidence: str
    images: int


def licence_counts(rows: Iterable[ManifestRow]) -> list[LicenceCount]:
    """Return the licences of pictures, the most frequent first."""
    counts = Counter((row.licence_code, row.licence_url, row.licence_evidence) for row in rows)
    return [LicenceCount(*what, images) for what, images in ranked(counts)]


def ranked(counts: Counter[_What]) -> list[tuple[_What, int]]:
    """Return what was counted, the most frequent first, in an order that is always the same."""
    return sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
