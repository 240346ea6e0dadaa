"""What remains of a run once it has ended: its summary, and what its category's records count."""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

import msgspec

from artgrab.common.errors import ObjectMissingError
from artgrab.common.keys import SCHEMA_VERSION, run_key, runs_prefix
from artgrab.common.outcomes import count_outcomes
from artgrab.common.records import RecordOutcome
from artgrab.common.resources import ArtCategory
from artgrab.common.run_ids import next_fire as next_fire
from artgrab.common.run_ids import run_id_of as run_id_of
from artgrab.common.run_ids import slot_of as slot_of
from artgrab.common.store import Store
from artgrab.common.stored import decode_document

Clock = Callable[[], datetime]


class CategoryCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Candidates of a category by what became of them."""

    candidates: int
    stored: int
    rejected: int
    failed: int
    withdrawn: int = 0
    """Stored once, and removed by a takedown."""
    rejected_reasons: dict[str, int] = {}
    """The most frequent first."""
    failed_reasons: dict[str, int] = {}

    @property
    def not_kept(self) -> Counter[str]:
        """Candidates that are not pictures of the store, by reason."""
        found = Counter(self.rejected_reasons)
        found.update(self.failed_reasons)
        found.update({"withdrawn": self.withdrawn})
        return +found


NO_CANDIDATES = CategoryCounts(candidates=0, stored=0, rejected=0, failed=0)


class RunSummary(msgspec.Struct, frozen=True, kw_only=True):
    """Says that a run has ended, and how; a category with one starts no new run of that id."""

    run_id: str
    reason: str
    """TargetReached, SourcesExhausted or SourcesFailed."""
    counts: CategoryCounts
    problems: list[str] = []
    """Of sources that could not be gone through to their end."""
    ended_at: str = ""
    """ISO 8601, UTC."""
    schema_version: int = SCHEMA_VERSION


def _now() -> datetime:
    return datetime.now(UTC)


def count_records(store: Store, category: ArtCategory) -> CategoryCounts:
    """Count a category's candidates from its merged records."""
    return counts_of(store, namespace=category.metadata.namespace, category=category.metadata.name)


def counts_of(store: Store, *, namespace: str, category: str) -> CategoryCounts:
    """Count the candidates of a category by its name."""
    counted = count_outcomes(store, namespace=namespace, category=category)
    rejected, failed = counted[RecordOutcome.REJECTED], counted[RecordOutcome.FAILED]
    return CategoryCounts(
        candidates=sum(one.candidates for one in counted.values()),
        stored=counted[RecordOutcome.STORED].candidates,
        rejected=rejected.candidates,
        failed=failed.candidates,
        withdrawn=counted[RecordOutcome.WITHDRAWN].candidates,
        rejected_reasons=rejected.reasons,
        failed_reasons=failed.reasons,
    )


def read_run_summary(store: Store, category: ArtCategory) -> RunSummary | None:
    """Return the summary of the category's current run, None while it has not ended."""
    key = run_key(category.metadata.namespace, category.metadata.name, run_id_of(category))
    return _read(store, key)


def unfinished(store: Store, categories: Iterable[ArtCategory]) -> list[ArtCategory]:
    """Return the categories whose current run has not ended, suspended ones as well."""
    return [one for one in categories if read_run_summary(store, one) is None]


def due(store: Store, categories: Iterable[ArtCategory]) -> list[ArtCategory]:
    """Return the categories that are to be collected now: unfinished and not suspended."""
    return unfinished(store, [one for one in categories if not one.spec.suspend])


def read_run_summaries(store: Store, *, namespace: str, category: str) -> list[RunSummary]:
    """Return the summaries of all ended runs of a category, the last one last."""
    keys = [info.key for info in store.list(runs_prefix(namespace, category))]
    found = [_read(store, key) for key in keys]
    return sorted((one for one in found if one), key=lambda one: (one.ended_at, one.run_id))


def write_run_summary(
    store: Store, category: ArtCategory, summary: RunSummary, *, now: Clock = _now
) -> None:
    """Mark the category's run as ended, now."""
    name, namespace = category.metadata.name, category.metadata.namespace
    put_run_summary(store, summary, namespace=namespace, category=name, now=now)


def put_run_summary(
    store: Store, summary: RunSummary, *, namespace: str, category: str, now: Clock = _now
) -> None:
    """Mark a run as ended, now, of a category by its name."""
    key = run_key(namespace, category, summary.run_id)
    ended = msgspec.structs.replace(summary, ended_at=now().isoformat(timespec="seconds"))
    store.put(key, msgspec.json.encode(ended))


def _read(store: Store, key: str) -> RunSummary | None:
    try:
        return decode_document(store.get(key), RunSummary, where=store.uri_of(key))
    except ObjectMissingError:
        return None
