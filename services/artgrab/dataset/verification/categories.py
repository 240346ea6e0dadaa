"""A category: its records, and the pictures that they name."""

import re
from collections.abc import Iterator

from artgrab.common.keys import category_prefix, images_prefix, records_prefix, runs_prefix
from artgrab.common.record_parts import check_records_object, read_records
from artgrab.common.records import MergedRecord, RecordOutcome
from artgrab.common.takedowns import Takedowns
from artgrab.dataset.verification.findings import Findings
from artgrab.dataset.verification.reads import Named
from artgrab.dataset.verification.types import Flaw, Kind

_FOLDERS = frozenset({"images", "records", "reviews", "runs"})
_PICTURE = re.compile(r"[0-9a-f]{64}-[^/-]+\.jpg")
"""Name of an object that a downloader may have stored."""


def verify_category(findings: Findings, *, namespace: str, name: str, takedowns: Takedowns) -> None:
    """Verify records, pictures and ended runs of a category."""
    place = category_prefix(namespace, name)
    if _verify_records(findings, records_prefix(namespace, name), place):
        records = read_records(findings.store, namespace=namespace, category=name)
        ended = bool(findings.keys(runs_prefix(namespace, name)))
        pictures = _Pictures(findings, place, takedowns)
        pictures.verify(records, images_prefix(namespace, name), ended=ended)
    for key in findings.keys(runs_prefix(namespace, name)):
        findings.json(key, place=place)
    for folder in sorted(set(findings.store.folders(place)) - _FOLDERS):
        findings.foreign(findings.keys(f"{place}/{folder}"), place=place)


def _verify_records(findings: Findings, prefix: str, place: str) -> bool:
    """Tell whether all records can be read: if not, nobody knows which pictures are named."""
    good = True
    for key in findings.keys(prefix):
        if not key.endswith((".jsonl", ".parquet")):
            findings.foreign([key], kind=Kind.RECORDS, place=place)
            continue
        good &= findings.document(
            key,
            Kind.RECORDS,
            lambda at=key: check_records_object(findings.store, at),  # type: ignore[misc]  # mypy infers no lambda with a default
            place=place,
        )
    return good


class _Pictures:
    """The pictures of one category."""

    def __init__(self, findings: Findings, place: str, takedowns: Takedowns) -> None:
        self._findings = findings
        self._place = place
        self._takedowns = takedowns
        self._named: dict[str, str] = {}
        """Digest by key, of what is stored."""
        self._withdrawn: set[str] = set()

    def verify(self, records: dict[str, MergedRecord], prefix: str, *, ended: bool) -> None:
        """Compare what is named with what is there.

        Until a run has ended, it may still name a picture or remove it: such are not foreign.
        """
        for merged in records.values():
            self._note(merged)
        self._withdrawn -= self._named.keys()
        there = self._findings.keys(prefix)
        stray = [key for key in there if key not in self._named and key not in self._withdrawn]
        foreign = [key for key in stray if ended or not _PICTURE.fullmatch(key.rpartition("/")[2])]
        self._findings.foreign(foreign, kind=Kind.PICTURE, place=self._place)
        if len(foreign) < len(stray):
            self._findings.report.unfinished.append(self._place)
        for key in self._withdrawn.intersection(there):
            self._present(key, "its record is withdrawn")
        counts = self._findings.report.of(Kind.PICTURE)
        counts.withdrawn += len(self._withdrawn.difference(there))
        self._findings.check(self._to_be_read())

    def _note(self, merged: MergedRecord) -> None:
        record = merged.record
        if record.outcome is RecordOutcome.WITHDRAWN:
            self._withdrawn.add(record.object_key)
        elif record.outcome is RecordOutcome.STORED:
            self._named[record.object_key] = record.object_sha256
            takedown = self._takedowns.of_record(merged)
            if takedown:
                self._present(record.object_key, f"takedown {takedown.id} is not applied yet")

    def _present(self, key: str, detail: str) -> None:
        self._findings.bad(key, Kind.PICTURE, Flaw.PRESENT, detail, place=self._place)

    def _to_be_read(self) -> Iterator[Named]:
        for key, digest in sorted(self._named.items()):
            yield Named(key, digest, Kind.PICTURE, self._place)
