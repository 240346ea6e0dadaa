"""The first step: what is taken down is no longer stored, and its object goes."""

from dataclasses import dataclass, field

import msgspec

from artgrab.common.keys import images_prefix
from artgrab.common.record_parts import read_records, rewrite
from artgrab.common.records import TAKEN_DOWN, MergedRecord, Record, RecordOutcome
from artgrab.common.store import Store
from artgrab.common.takedowns import Takedowns
from artgrab.takedowns.places import Category

_HELD = (RecordOutcome.STORED, RecordOutcome.WITHDRAWN)


@dataclass
class Gone:
    """What is withdrawn in a namespace, by all its records."""

    takedowns: dict[tuple[str, str], str] = field(default_factory=dict)
    """Id of the takedown by category and candidate_id."""
    recorded: set[tuple[str, str]] = field(default_factory=set)
    """Category and candidate_id of all records."""
    _withdrawn: dict[str, str] = field(default_factory=dict)
    _kept: set[str] = field(default_factory=set)

    def add(self, category: str, merged: MergedRecord) -> None:
        """Take note of a record."""
        record = merged.record
        self.recorded.add((category, record.candidate.candidate_id))
        digests = (record.source_sha256, record.object_sha256)
        if record.outcome is RecordOutcome.STORED:
            self._kept.update(digests)
        elif record.outcome is RecordOutcome.WITHDRAWN:
            self.takedowns[category, record.candidate.candidate_id] = record.takedown
            self._withdrawn |= dict.fromkeys(digests, record.takedown)

    @property
    def digests(self) -> frozenset[str]:
        """SHA-256, as fetched and as stored, of pictures that nobody may have any more."""
        return frozenset(self._withdrawn.keys() - self._kept)


def withdraw_records(store: Store, category: Category, takedowns: Takedowns) -> int:
    """Make WITHDRAWN of every record that is taken down; return how many changed."""

    def change(merged: MergedRecord) -> Record:
        record = merged.record
        if record.outcome not in _HELD:
            return record
        found = takedowns.of_record(merged)
        if found is None:
            return record
        return msgspec.structs.replace(
            record, outcome=RecordOutcome.WITHDRAWN, reason=TAKEN_DOWN, takedown=found.id
        )

    return rewrite(store, namespace=category.namespace, category=category.name, change=change)


def note_records(store: Store, category: Category, gone: Gone) -> list[str]:
    """Take note of a category's records; return the keys of objects that are to go and are there.

    An object stays while a record that is not taken down names it.
    """
    merged = read_records(store, namespace=category.namespace, category=category.name).values()
    keys: dict[RecordOutcome, set[str]] = {outcome: set() for outcome in RecordOutcome}
    for one in merged:
        gone.add(category.name, one)
        keys[one.record.outcome].add(one.record.object_key)
    unwanted = keys[RecordOutcome.WITHDRAWN] - keys[RecordOutcome.STORED]
    if not unwanted:
        return []
    listed = store.list(images_prefix(category.namespace, category.name))
    return [info.key for info in listed if info.key in unwanted]
