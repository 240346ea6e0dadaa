"""Groups and the side of each: train, validation or test.

A group goes to a side by the hash of its name, whatever other groups there are. What a parent
snapshot assigned stays: a key is a picture or an origin, and keeps its side for good.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from artgrab.common.digests import sha256_hex
from artgrab.common.manifest import TEST, TRAIN, VALIDATION
from artgrab.common.resources import Curation
from artgrab.dataset.pictures import JOINS_TWO_SPLITS, Dropped, Picture
from artgrab.dataset.unions import Unions

_BUCKETS = 10_000


@dataclass(frozen=True)
class Placed:
    """A picture of the snapshot with its group and side."""

    picture: Picture
    group: str
    split: str


def picture_key(source_sha256: str) -> str:
    """Return the key under which a picture's side is kept."""
    return f"picture:{source_sha256}"


def place(
    pictures: Sequence[Picture],
    *,
    links: Mapping[int, Sequence[int]],
    assigned: Mapping[str, str],
    curation: Curation,
) -> tuple[list[Placed], list[Dropped]]:
    """Join pictures to groups and give each group its side.

    Args:
        pictures: senior ones first; who comes later and would join two sides is dropped.
        links: for a picture's index, earlier ones that must be in its group.
        assigned: sides of keys, from the parent.
        curation: tells how many percent go to validation and test.
    """
    groups = _Groups(assigned)
    members: dict[int, str] = {}
    dropped: list[Dropped] = []
    for index, one in enumerate(pictures):
        linked = [members[other] for other in links.get(index, ()) if other in members]
        if groups.join([one.origin, *linked], picture=picture_key(one.record.source_sha256)):
            members[index] = one.origin
        else:
            dropped.append(Dropped(picture=one, reason=JOINS_TWO_SPLITS))
    return [
        Placed(pictures[index], groups.name_of(origin), groups.side_of(origin, curation))
        for index, origin in members.items()
    ], dropped


def side_by_hash(group: str, curation: Curation) -> str:
    """Return the side of a group that no parent has placed."""
    bucket = int(sha256_hex(group.encode())[:15], 16) % _BUCKETS
    test = curation.test_percent * _BUCKETS // 100
    validation = curation.validation_percent * _BUCKETS // 100
    if bucket < test:
        return TEST
    return VALIDATION if bucket < test + validation else TRAIN


class _Groups:
    def __init__(self, assigned: Mapping[str, str]) -> None:
        self._assigned = assigned
        self._unions = Unions()
        self._sides: dict[str, str] = {}

    def join(self, origins: Sequence[str], *, picture: str) -> bool:
        """Make one group of the origins' groups, unless they and the picture are on two sides."""
        roots = {self._unions.find(origin) for origin in origins}
        sides = {self._sides[root] for root in roots if root in self._sides}
        sides |= {self._assigned[key] for key in (*origins, picture) if key in self._assigned}
        if len(sides) > 1:
            return False
        root = origins[0]
        for origin in origins:
            root = self._unions.join(root, origin)
        if sides:
            self._sides[root] = sides.pop()
        return True

    def name_of(self, origin: str) -> str:
        return self._unions.find(origin)

    def side_of(self, origin: str, curation: Curation) -> str:
        root = self._unions.find(origin)
        return self._sides.get(root) or side_by_hash(root, curation)
