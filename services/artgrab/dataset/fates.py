"""What became of everything that was found: counted over the records of categories."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from artgrab.common.record_parts import read_records
from artgrab.common.records import TAKEN_DOWN, MergedRecord, RecordOutcome
from artgrab.common.store import Store

EXAMPLES = 3

Why = tuple[RecordOutcome, str]
"""Outcome and reason."""


@dataclass(frozen=True)
class Fates:
    """What became of a category's candidates."""

    outcomes: Mapping[RecordOutcome, int] = field(default_factory=dict)
    reasons: Mapping[Why, int] = field(default_factory=dict)
    """Of those that are not stored."""
    examples: Mapping[Why, tuple[str, ...]] = field(default_factory=dict)
    """A few of their URLs; none of what is taken down."""

    @property
    def found(self) -> int:
        """Candidates in all."""
        return sum(self.outcomes.values())


def read_fates(store: Store, *, namespace: str, categories: Iterable[str]) -> dict[str, Fates]:
    """Return what became of each category's candidates.

    Raises:
        ObjectCorruptError: records cannot be read.
        BadInputError: a newer artgrab wrote them.
    """
    return {
        category: fates_of(read_records(store, namespace=namespace, category=category).values())
        for category in categories
    }


def fates_of(records: Iterable[MergedRecord]) -> Fates:
    """Count records; the examples are the first ones."""
    outcomes: Counter[RecordOutcome] = Counter()
    reasons: Counter[Why] = Counter()
    examples: dict[Why, tuple[str, ...]] = {}
    for one in records:
        outcome = one.record.outcome
        outcomes[outcome] += 1
        if outcome is RecordOutcome.STORED:
            continue
        why = (outcome, one.record.reason)
        reasons[why] += 1
        known = examples.get(why, ())
        if one.record.reason != TAKEN_DOWN and len(known) < EXAMPLES:
            examples[why] = (*known, one.candidate.url)
    return Fates(dict(outcomes), dict(reasons), examples)
