"""What can be mended of a store: damaged objects are forgotten, so that the next run makes or
fetches them again."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from artgrab.common.errors import ObjectCorruptError, ObjectMissingError
from artgrab.common.manifest import (
    ManifestRow,
    read_snapshot_info,
    read_whole_manifest,
    read_withdrawal,
    shows_pictures,
    withdrawal_key,
)
from artgrab.common.record_parts import read_records, rewrite
from artgrab.common.records import MergedRecord, Record, RecordOutcome
from artgrab.common.store import Store
from artgrab.common.urls import candidate_id
from artgrab.dataset.remaking import remake_papers
from artgrab.dataset.verification.types import Flaw, Kind, Problem, VerifyReport

OBJECT_LOST = "object-lost"
"""The reason of a record whose picture was damaged or gone, until it is fetched again."""

_DAMAGED = (Flaw.CORRUPT, Flaw.MISSING)


class Forget(Protocol):
    """Lets no classifier follow a snapshot that is removed."""

    def __call__(self, namespace: str, key: str, *, parent: str) -> None: ...


@dataclass
class Mended:
    """What became of the problems."""

    mended: list[Problem] = field(default_factory=list)
    left: list[Problem] = field(default_factory=list)


def mend(store: Store, report: VerifyReport, *, forget: Forget) -> Mended:
    """Mend what verification found damaged or missing; foreign objects are left alone.

    Call it with the store for oneself. Killed anywhere, verification and this do the rest.

    Raises:
        SurroundingsError: the store failed.
    """
    return _Mending(store, report, forget).run()


class _Mending:
    def __init__(self, store: Store, report: VerifyReport, forget: Forget) -> None:
        self._store = store
        self._report = report
        self._forget = forget
        self._done = Mended()
        self._removed: set[str] = set()

    def run(self) -> Mended:
        ways = {
            Kind.RECORDS: self._records,
            Kind.FEATURES: self._alone,
            Kind.STATE: self._state,
            Kind.MODEL: self._place,
            Kind.DATASET: self._snapshot,
            Kind.PICTURE: self._picture,
        }
        for kind, way in ways.items():  # records first: pictures are found by them
            own = [one for one in self._report.problems if one.kind is kind]
            for place in dict.fromkeys(one.place for one in own):
                here = [one for one in own if one.place == place and one.flaw in _DAMAGED]
                if here:
                    self._note(here, mended=way(place, here))
        others = {id(one) for one in (*self._done.mended, *self._done.left)}
        self._done.left += [one for one in self._report.problems if id(one) not in others]
        return self._done

    def _note(self, problems: list[Problem], *, mended: bool) -> None:
        (self._done.mended if mended else self._done.left).extend(problems)

    def _alone(self, place: str, problems: list[Problem]) -> bool:
        self._store.delete([one.key for one in problems])
        return True

    def _place(self, place: str, problems: list[Problem]) -> bool:
        self._remove(place)
        return True

    def _records(self, place: str, problems: list[Problem]) -> bool:
        self._run_again(place)
        return self._alone(place, problems)

    def _state(self, place: str, problems: list[Problem]) -> bool:
        """Forget ended runs and classifiers; what a damaged tombstone forbids nobody knows."""
        if "/" not in place:
            return False
        return self._alone(place, problems)

    def _snapshot(self, place: str, problems: list[Problem]) -> bool:
        below = len(place) + 1
        if all(shows_pictures(one.key[below:]) for one in problems):
            return self._remake(place)
        namespace, _, key = place.partition("/datasets/")
        self._forget(namespace, key, parent=self._parent(namespace, place))
        self._remove(place)
        return True

    def _remake(self, prefix: str) -> bool:
        try:
            files = remake_papers(self._store, prefix.partition("/")[0], prefix)
        except (ObjectCorruptError, ObjectMissingError):
            return False  # pictures first
        overlay = read_withdrawal(self._store, prefix)
        overlay = msgspec.structs.replace(overlay, files=files, cleaned=overlay.wanted)
        self._store.put(withdrawal_key(prefix), msgspec.json.encode(overlay))
        return True

    def _parent(self, namespace: str, prefix: str) -> str:
        """Return the nearest ancestor that is whole, as far as was found."""
        broken = {one.place for one in self._report.problems if one.kind is Kind.DATASET}
        try:
            parent = read_snapshot_info(self._store, prefix).parent
            if parent and f"{namespace}/datasets/{parent}" in broken:
                return self._parent(namespace, f"{namespace}/datasets/{parent}")
        except (ObjectCorruptError, ObjectMissingError):
            return ""
        return parent

    def _picture(self, place: str, problems: list[Problem]) -> bool:
        lost = {one.key for one in problems}
        if "/datasets/" in place:
            return place in self._removed or self._take_out(place, lost)
        self._run_again(place)
        namespace, _, category = place.partition("/categories/")
        rewrite(self._store, namespace=namespace, category=category, change=_forgetting(lost))
        self._store.delete(sorted(lost))
        return True

    def _take_out(self, prefix: str, lost: set[str]) -> bool:
        """Take rows out of a snapshot whose pictures no run could fetch again."""
        namespace = prefix.partition("/")[0]
        rows = [row for row in read_whole_manifest(self._store, prefix) if row.object_key in lost]
        if any(self._may_come_back(namespace, row) for row in rows):
            return False
        overlay = read_withdrawal(self._store, prefix)
        gone = {row.source_sha256: OBJECT_LOST for row in rows}
        overlay = msgspec.structs.replace(overlay, rows={**overlay.rows, **gone})
        self._store.delete([row.object_key for row in rows])
        self._store.put(withdrawal_key(prefix), msgspec.json.encode(overlay))
        return self._remake(prefix)

    def _may_come_back(self, namespace: str, row: ManifestRow) -> bool:
        records = read_records(self._store, namespace=namespace, category=row.category)
        merged = records.get(candidate_id(row.url).hex())
        return merged is not None and merged.record.reason == OBJECT_LOST

    def _run_again(self, category_prefix: str) -> None:
        self._store.delete([info.key for info in self._store.list(f"{category_prefix}/runs")])

    def _remove(self, prefix: str) -> None:
        """Remove a snapshot or model, first of all the document that completes it."""
        self._removed.add(prefix)
        keys = [info.key for info in self._store.list(prefix)]
        self._store.delete(sorted(keys, key=lambda key: (not key.endswith(_MARKERS), key)))


_MARKERS = ("/snapshot.json", "/model.json")


def _forgetting(lost: set[str]) -> Callable[[MergedRecord], Record]:
    def change(merged: MergedRecord) -> Record:
        record = merged.record
        if record.outcome is not RecordOutcome.STORED or record.object_key not in lost:
            return record
        return msgspec.structs.replace(
            record,
            outcome=RecordOutcome.FAILED,
            reason=OBJECT_LOST,
            passing=True,
            run_id="",  # of no run, so that each fetches it again
            object_key="",
            object_sha256="",
        )

    return change
