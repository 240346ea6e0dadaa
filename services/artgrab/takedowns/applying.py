"""Applying: every step follows from the tombstones and the records, so it may be killed anywhere.

The order is: records, then overlays, then objects, so that no reader is sent to what is gone; then
what was made of the pictures.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import ParamSpec, TypeVar

from artgrab.common.errors import BadInputError, ObjectCorruptError, ObjectMissingError
from artgrab.common.manifest import read_snapshot_info, read_withdrawal
from artgrab.common.store import Store
from artgrab.common.takedowns import Takedowns, read_takedowns
from artgrab.model.documents import read_info
from artgrab.takedowns.copies import clean_report, drop_features
from artgrab.takedowns.pending import note_applied, state_of
from artgrab.takedowns.places import Category, models, namespaces, snapshots
from artgrab.takedowns.records import Gone, note_records, withdraw_records
from artgrab.takedowns.snapshots import remake_papers, withdraw_rows

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
Remake = Callable[[Store, str, str], dict[str, str]]
"""Makes the papers of the snapshot of a namespace at a prefix again; returns their SHA-256."""


@dataclass
class Applied:
    """What one call did; all 0 where everything was done already."""

    records: int = 0
    objects: int = 0
    features: int = 0
    """Parts of the cache."""
    snapshots: list[str] = field(default_factory=list)
    """Prefixes of those whose papers were made again."""
    reports: list[str] = field(default_factory=list)
    """Prefixes of the models whose report lost pictures."""

    problems: list[str] = field(default_factory=list)
    """What could not be read, and so not be cleaned."""

    @property
    def nothing(self) -> bool:
        """Whether it was all there already, as far as could be read."""
        return not (self.records or self.objects or self.features or self.snapshots or self.reports)

    def add(self, other: "Applied") -> None:
        """Count another pass as well; of problems those of the last pass are left."""
        self.records += other.records
        self.objects += other.objects
        self.features += other.features
        self.snapshots += other.snapshots
        self.reports += other.reports
        self.problems = other.problems


def apply_takedowns(store: Store, *, remake: Remake) -> Applied:
    """Remove what is taken down from everywhere in a store; repeated, it ends the same.

    Call it with the store for oneself (common.store.lock). What cannot be read is passed over and
    told, and tried again by the next call.

    Raises:
        SurroundingsError: the store failed, or a tombstone cannot be read; the same call goes on.
    """
    takedowns, done = read_takedowns(store), Applied()
    state, before = state_of(store, takedowns), ""
    while state != before:  # the last pass finds nothing to do
        step = _Step(store, takedowns, remake)
        step.run()
        done.add(step.done)
        before, state = state, state_of(store, takedowns)
    if not done.problems:
        note_applied(store, state)
    return done


class _Step:
    """One pass over a store; the last one of a call finds nothing to do."""

    def __init__(self, store: Store, takedowns: Takedowns, remake: Remake) -> None:
        self._store = store
        self._takedowns = takedowns
        self._remake = remake
        self.done = Applied()

    def run(self) -> None:
        """Go through all namespaces."""
        for namespace in namespaces(self._store):
            gone, unwanted = self._withdraw_records(namespace)
            unclean = [
                prefix
                for prefix in snapshots(self._store, namespace)
                if self._tried(withdraw_rows, self._store, prefix, gone, self._takedowns)
            ]
            self._store.delete(unwanted)
            self.done.objects += len(unwanted)
            self.done.features += drop_features(self._store, namespace, gone.digests)
            self._clean_reports(namespace, gone)
            for prefix in unclean:
                remake = partial(self._remake, self._store, namespace)
                if self._tried(remake_papers, self._store, prefix, remake):
                    self.done.snapshots.append(prefix)

    def _withdraw_records(self, namespace: str) -> tuple[Gone, list[str]]:
        gone, unwanted = Gone(), []
        for name in self._store.folders(f"{namespace}/categories"):
            category = Category(namespace, name)
            changed = self._tried(withdraw_records, self._store, category, self._takedowns)
            self.done.records += changed or 0
            unwanted += self._tried(note_records, self._store, category, gone) or []
        return gone, unwanted

    def _clean_reports(self, namespace: str, gone: Gone) -> None:
        withdrawn = self._withdrawn_by_content(namespace)
        for prefix in models(self._store, namespace):
            content = self._tried(learned_from, self._store, prefix) or ""
            rows = withdrawn.get(content, frozenset())
            clean = partial(clean_report, sources=gone.digests | rows, unmarked=bool(rows))
            if self._tried(clean, self._store, prefix):
                self.done.reports.append(prefix)

    def _withdrawn_by_content(self, namespace: str) -> dict[str, frozenset[str]]:
        """Return the withdrawn rows of each snapshot by its content digest, which models name."""
        found: dict[str, frozenset[str]] = {}
        for prefix in snapshots(self._store, namespace):
            overlay = self._tried(read_withdrawal, self._store, prefix)
            if overlay and overlay.rows:
                info = self._tried(read_snapshot_info, self._store, prefix)
                content = info.content_sha256 if info else ""
                found[content] = frozenset(overlay.rows) | found.get(content, frozenset())
        return found

    def _tried(
        self, work: Callable[Parameters, Result], *args: Parameters.args, **more: Parameters.kwargs
    ) -> Result | None:
        """Do something; what is not readable is told at the end and stops nothing else."""
        try:
            return work(*args, **more)
        except (ObjectCorruptError, ObjectMissingError, BadInputError) as error:
            self.done.problems.append(str(error))
            return None


def learned_from(store: Store, prefix: str) -> str:
    """Return the content digest of the snapshot that a model was learned from, empty where none."""
    try:
        return read_info(store, prefix).dataset_sha256
    except ObjectMissingError:
        return ""
