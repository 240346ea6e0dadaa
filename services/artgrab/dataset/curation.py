"""From stored pictures to those of a snapshot: pure, and independent of the pictures' order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from artgrab.common.resources import Curation, NearDuplicates
from artgrab.dataset.exact_duplicates import drop_exact_duplicates
from artgrab.dataset.near_duplicates import near_pairs
from artgrab.dataset.originals import drop_near_duplicates
from artgrab.dataset.pictures import Dropped, Picture
from artgrab.dataset.splits import Placed, picture_key, place


@dataclass(frozen=True)
class Before:
    """What the parent snapshot decided; empty for a first one."""

    kept: frozenset[tuple[str, str]] = frozenset()
    """Keys of its pictures."""
    sides: Mapping[str, str] = field(default_factory=dict)
    """Split of each picture and origin that it or its own parents placed."""

    def seniority(self, picture: Picture) -> int:
        """Return 0 for a picture that was kept, 1 for one only known, 2 for a newcomer."""
        if picture.key in self.kept:
            return 0
        return 1 if picture_key(picture.record.source_sha256) in self.sides else 2


@dataclass(frozen=True)
class Curated:
    """The pictures of a snapshot, the others, and what its children must keep to."""

    placed: list[Placed]
    dropped: list[Dropped]
    sides: dict[str, str]


def curate(pictures: Sequence[Picture], *, curation: Curation, before: Before) -> Curated:
    """Drop duplicates, then form groups and give them their sides.

    What the parent kept is preferred, so that a growing dataset changes by its newcomers only.
    A copy that is left out does not tie its site to that of its original: pictures that everybody
    copies would else make one group of the whole web.
    """

    def by_rank(one: Picture) -> tuple[Any, ...]:
        return (before.seniority(one), one.candidate.rank, one.candidate.candidate_id, one.category)

    def by_size(one: Picture) -> tuple[Any, ...]:
        pixels = one.record.source_width * one.record.source_height
        return (before.seniority(one), -pixels, *by_rank(one)[1:])

    distance = curation.near_duplicate_distance
    kept, exact = drop_exact_duplicates(pictures, preference=by_rank)
    near: list[Dropped] = []
    if curation.near_duplicates is NearDuplicates.DROP:
        kept, near = drop_near_duplicates(kept, distance=distance, preference=by_size)
    kept.sort(key=lambda one: (before.seniority(one), one.record.source_sha256))
    links = _links(kept, distance) if curation.near_duplicates is NearDuplicates.KEEP else {}
    placed, joining = place(kept, links=links, assigned=before.sides, curation=curation)
    dropped = [*exact, *near, *joining]
    return Curated(
        sorted(placed, key=lambda one: (one.picture.category, one.picture.record.source_sha256)),
        sorted(dropped, key=lambda one: one.picture.key),
        {**_sides(placed, dropped), **before.sides},
    )


def _links(pictures: Sequence[Picture], distance: int) -> dict[int, list[int]]:
    links: dict[int, list[int]] = {}
    for one, other in near_pairs(pictures, distance=distance):
        links.setdefault(other, []).append(one)
    return links


def _sides(placed: Sequence[Placed], dropped: Sequence[Dropped]) -> dict[str, str]:
    """Sides of what is in, and of copies left out: one may stand in for its original one day."""
    sides: dict[str, str] = {}
    for one in placed:
        sides[picture_key(one.picture.record.source_sha256)] = one.split
        sides[one.picture.origin] = one.split
    originals = {one.picture.key: one.original for one in dropped if one.original is not None}
    for left_out in dropped:
        original = left_out.original
        while original is not None and original.key in originals:
            original = originals[original.key]
        if original is not None:
            key = picture_key(original.record.source_sha256)
            if key in sides:
                sides[picture_key(left_out.picture.record.source_sha256)] = sides[key]
    return sides
