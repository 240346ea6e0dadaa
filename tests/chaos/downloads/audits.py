"""What a store and a site's log say when all is over: what was lost, and what was done twice."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from artgrab.common.errors import ArtgrabError
from artgrab.common.record_parts import compact, read_lines, read_records
from artgrab.common.records import MergedRecord, Record, RecordOutcome, decode_entries
from artgrab.common.store import Store
from artgrab.common.store.leftovers import clear_leftovers
from artgrab.common.urls import candidate_id
from artgrab.downloader.sweep import sweep
from artgrab.scraper.ingest_messages import AckOutcome
from tests.chaos.downloads.client import CATEGORY, NAMESPACE, FinalAck
from tests.chaos.downloads.sites import OUTCOMES, Kind, Request
from tests.chaos.inventories import pictures_twice, strays, take


@dataclass
class Audit:
    """What is wrong with a store, in words; all empty where all is well."""

    lost: list[str] = field(default_factory=list)
    """URLs without the record that they must have, or whose picture is not there."""
    duplicates: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    """Objects and files that nothing has a use for."""
    refetched_after_ack: list[str] = field(default_factory=list)
    given_up: int = 0
    """URLs that ended in a failure that may pass, although they have better to give."""
    outcomes: Counter[str] = field(default_factory=Counter)


def audit(
    store: Store,
    *,
    kinds: Mapping[str, Kind],
    acks: Sequence[FinalAck],
    requests: Iterable[Request],
) -> Audit:
    """Merge and sweep, as nobody writes any more, and compare what there is with what must be."""
    compact(store, namespace=NAMESPACE, category=CATEGORY, min_parts=1)
    sweep(store, namespace=NAMESPACE, category=CATEGORY)
    clear_leftovers(store)
    found = take(store)
    merged = read_records(store, namespace=NAMESPACE, category=CATEGORY)
    ids = {url: candidate_id(url).hex() for url in kinds}
    records = {url: merged[key].record for url, key in ids.items() if key in merged}
    return Audit(
        lost=[
            *_without_record(kinds, records),
            *_without_picture(store, records.values()),
            *_called_stored(acks, records),
        ],
        duplicates=[
            *(f"{key}: nobody asked for it" for key in merged.keys() - set(ids.values())),
            *_recorded_twice(read_lines(store, namespace=NAMESPACE, category=CATEGORY)),
            *pictures_twice(found.keys),
        ],
        orphans=sorted(_unnamed(found.keys, merged) | strays(found.keys) | found.files),
        refetched_after_ack=list(_refetched(acks, requests, records)),
        given_up=sum(_is_given_up(kinds[url], one) for url, one in records.items()),
        outcomes=Counter(str(one.outcome) for one in records.values()),
    )


def _without_record(kinds: Mapping[str, Kind], records: Mapping[str, Record]) -> Iterator[str]:
    for url, kind in kinds.items():
        if url not in records:
            yield f"{url}: no record"
        elif records[url].outcome is not OUTCOMES[kind] and not records[url].passing:
            yield f"{url}: {records[url].outcome} {records[url].reason} for a {kind} one"


def _is_given_up(kind: Kind, record: Record) -> bool:
    return record.passing and OUTCOMES[kind] is not RecordOutcome.FAILED


def _without_picture(store: Store, records: Iterable[Record]) -> Iterator[str]:
    for record in records:
        if record.outcome is RecordOutcome.STORED:
            try:
                store.get_verified(record.object_key, record.object_sha256)
            except ArtgrabError as error:
                yield f"{record.candidate.url}: {error}"


def _called_stored(acks: Iterable[FinalAck], records: Mapping[str, Record]) -> Iterator[str]:
    for ack in acks:
        record = records.get(ack.url)
        if ack.outcome is AckOutcome.STORED and (
            record is None or record.outcome is not RecordOutcome.STORED
        ):
            yield f"{ack.url}: was called stored"


def _recorded_twice(lines: Iterable[bytes]) -> Iterator[str]:
    counts = Counter(
        entry.candidate.url
        for chunk in lines
        for entry in decode_entries(chunk)
        if isinstance(entry, Record)
    )
    return (f"{url}: {count} records" for url, count in counts.items() if count > 1)


def _unnamed(keys: Iterable[str], merged: Mapping[str, MergedRecord]) -> set[str]:
    named = {one.record.object_key for one in merged.values()}
    return {key for key in keys if "/images/" in key and key not in named}


def _refetched(
    acks: Iterable[FinalAck], requests: Iterable[Request], records: Mapping[str, Record]
) -> Iterator[str]:
    """Yield requests for what the client had an answer for, passing failures aside."""
    first: dict[str, FinalAck] = {}
    for ack in acks:
        if ack.url in records and not records[ack.url].passing:
            first.setdefault(ack.url, ack)
    for at, url in requests:
        if url in first and first[url].at < at:
            yield f"{url}: {at - first[url].at:.2f} s after {first[url].outcome}"
