"""What a takedown matches in a store: pictures, the snapshots that hold them, and their models."""

from collections import Counter
from dataclasses import dataclass, field

from artgrab.common.errors import ObjectMissingError
from artgrab.common.manifest import read_rows, read_snapshot_info
from artgrab.common.record_parts import read_records
from artgrab.common.records import RecordOutcome
from artgrab.common.store import Store
from artgrab.common.takedowns import Takedowns
from artgrab.common.urls import candidate_id
from artgrab.takedowns.applying import learned_from
from artgrab.takedowns.places import Category, models, namespaces, snapshots

Key = tuple[str, str, str]
"""Namespace, category and candidate_id."""


@dataclass
class Matched:
    """What one takedown matches."""

    pictures: set[Key] = field(default_factory=set)
    """Of records that hold a picture or held one."""
    snapshots: list[str] = field(default_factory=list)
    models: list[str] = field(default_factory=list)
    """Prefixes of those that learned from such a picture."""

    @property
    def categories(self) -> dict[str, int]:
        """Number of pictures by category."""
        return dict(sorted(Counter(category for _, category, _ in self.pictures).items()))


def survey(store: Store, takedowns: Takedowns) -> dict[str, Matched]:
    """Return what each takedown matches, by its id; changes nothing.

    Raises:
        SurroundingsError: the store failed, or something in it cannot be read.
    """
    found = {one.id: Matched() for one in takedowns}
    for namespace in namespaces(store):
        for name in store.folders(f"{namespace}/categories"):
            _note_pictures(store, Category(namespace, name), takedowns, found)
        if any(one.pictures for one in found.values()):
            _note_copies(store, namespace, found)
    return found


def _note_pictures(
    store: Store, category: Category, takedowns: Takedowns, found: dict[str, Matched]
) -> None:
    records = read_records(store, namespace=category.namespace, category=category.name)
    for key, merged in records.items():
        if merged.record.outcome in (RecordOutcome.STORED, RecordOutcome.WITHDRAWN):
            for takedown in takedowns.all_of_record(merged):
                found[takedown.id].pictures.add((category.namespace, category.name, key))


def _note_copies(store: Store, namespace: str, found: dict[str, Matched]) -> None:
    learned = [(prefix, learned_from(store, prefix)) for prefix in models(store, namespace)]
    for prefix in snapshots(store, namespace):
        try:
            content = read_snapshot_info(store, prefix).content_sha256
            rows = read_rows(store, prefix)
        except ObjectMissingError:
            continue  # not complete
        held = {(namespace, row.category, candidate_id(row.url).hex()) for row in rows}
        for one in found.values():
            if one.pictures & held:
                one.snapshots.append(prefix)
                one.models += [model for model, digest in learned if digest == content]
