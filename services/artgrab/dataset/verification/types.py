"""What is found when a store is verified."""

from dataclasses import dataclass, field
from enum import StrEnum

import msgspec


class Kind(StrEnum):
    """What an object of a store is."""

    PICTURE = "picture"
    RECORDS = "records"
    DATASET = "dataset"
    MODEL = "model"
    FEATURES = "features"
    STATE = "state"
    """Small documents: ended runs, classifiers, takedowns."""
    OTHER = "other"


class Flaw(StrEnum):
    """What is the matter with an object."""

    CORRUPT = "corrupt"
    MISSING = "missing"
    FOREIGN = "foreign"
    """No document names it."""
    PRESENT = "withdrawn but present"

    @property
    def counted(self) -> str:
        """Name of the field of KindCounts that counts it."""
        return self.name.lower()


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """An object that is not as the documents of the store say."""

    key: str
    kind: Kind
    flaw: Flaw
    detail: str = ""
    place: str = ""
    """Prefix of the category, snapshot or model that it belongs to."""


class KindCounts(msgspec.Struct, kw_only=True):
    """Objects of one kind."""

    objects: int = 0
    """Read and found to be as named."""
    bytes: int = 0
    withdrawn: int = 0
    """Not there, as takedowns want it."""
    corrupt: int = 0
    missing: int = 0
    foreign: int = 0
    present: int = 0
    """Withdrawn but present."""


@dataclass
class VerifyReport:
    """The outcome of a verification."""

    counts: dict[Kind, KindCounts] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    """Prefixes of snapshots, models and categories with pictures that no record names yet, as a
    kill leaves them; the next run completes, ignores or removes them."""

    def of(self, kind: Kind) -> KindCounts:
        """Return the counts of a kind, to be added to."""
        return self.counts.setdefault(kind, KindCounts())

    def good(self, kind: Kind, size: int) -> None:
        """Count an object that is as named."""
        self.of(kind).objects += 1
        self.of(kind).bytes += size

    def bad(self, problem: Problem) -> None:
        """Count a problem and keep it."""
        counts = self.of(problem.kind)
        setattr(counts, problem.flaw.counted, getattr(counts, problem.flaw.counted) + 1)
        self.problems.append(problem)
