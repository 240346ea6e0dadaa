"""What is already recorded of a category, and what is under way: nothing is fetched twice."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import NamedTuple

from artgrab.common.record_parts import RecordWriter, read_records
from artgrab.common.records import Candidate, Entry, MergedRecord, Record, RecordOutcome, Sighting
from artgrab.common.store import Store
from artgrab.common.takedowns import Takedowns
from artgrab.downloader.endings import to_its_end
from artgrab.downloader.errors import RetryLaterError
from artgrab.downloader.tombstones import Tombstones

_RETRIED = ("reset", "cut-off", "http-500", "http-502", "http-503", "http-504")
"""Failures that deserve a second try in the same run."""
_RETRY_SECONDS = 1.0
_MAX_RETRIED = 65536


class VerdictOutcome(StrEnum):
    STORED = "STORED"
    ALREADY_RECORDED = "ALREADY_RECORDED"
    REJECTED = "REJECTED"
    FAILED = "FAILED"
    RETRY_LATER = "RETRY_LATER"


class Verdict(NamedTuple):
    """What a client is told about a candidate."""

    outcome: VerdictOutcome
    reason: str = ""
    retry_after: float = 0.0
    """Seconds, with RETRY_LATER."""


class _Known(NamedTuple):
    outcome: RecordOutcome
    passing: bool
    run_id: str
    filters_digest: str
    opted_out: bool
    takedown: str
    sightings: set[int]

    def holds(self, *, run_id: str, filters_digest: str, takedowns: Takedowns) -> bool:
        """Tell whether a run with these filters takes the record as it is.

        Whoever opted out is asked again in each run: they may have changed their mind. What a
        takedown withdrew or refused stays so exactly as long as there is that takedown.
        """
        if self.takedown:
            return self.takedown in takedowns
        match self.outcome:
            case RecordOutcome.REJECTED if self.opted_out:
                return self.run_id == run_id
            case RecordOutcome.REJECTED:
                return self.filters_digest == filters_digest
            case RecordOutcome.FAILED:
                return not self.passing or self.run_id == run_id
        return True


class _Ledger:
    """The state of one category, shared by all its streams in this process."""

    def __init__(self) -> None:
        self.known: dict[str, _Known] = {}
        self.under_way: dict[str, asyncio.Future[Verdict | None]] = {}
        self._reading = asyncio.Lock()
        """Readings take memory, and anybody with a token may open many streams."""
        self._news: dict[str, _Known] = {}
        """What was recorded since the last reading of the store began."""

    def note(self, key: str, known: _Known) -> None:
        """Take note of a record that is durable."""
        self.known[key] = self._news[key] = known

    async def refresh(self, read: Callable[[], Awaitable[dict[str, MergedRecord]]]) -> None:
        """Know what the store holds, and nothing else: others write, and clean up."""
        async with self._reading:
            self._news = {}
            records = await read()
            found = {
                key: _known(merged.record, merged.sightings) for key, merged in records.items()
            }
            self.known = found | self._news


class _SecondTries:
    """Gives each failed candidate one more try; outlives streams, or there would be no end."""

    def __init__(self) -> None:
        self._given: set[tuple[str, str]] = set()

    def grant(self, record: Record) -> bool:
        """Tell whether a record is to be forgotten and its candidate tried again."""
        key = (record.run_id, record.candidate.candidate_id)
        if record.reason not in _RETRIED or key in self._given:
            return False
        if len(self._given) >= _MAX_RETRIED:
            self._given.clear()
        self._given.add(key)
        return True


class Ledgers:
    """The ledgers of all categories that have a stream at the moment."""

    def __init__(self, store: Store, tombstones: Tombstones | None = None) -> None:
        self._store = store
        self._tombstones = tombstones or Tombstones(store)
        self._ledgers: dict[tuple[str, str], _Ledger] = {}
        self._leases: dict[tuple[str, str], int] = {}
        self._second_tries = _SecondTries()

    @asynccontextmanager
    async def open(
        self, namespace: str, category: str, *, run_id: str, filters_digest: str
    ) -> AsyncIterator["Desk"]:
        """Read what is recorded of a category and yield where its candidates are settled.

        Raises:
            SurroundingsError: the store cannot be read.
        """
        key = (namespace, category)
        self._leases[key] = self._leases.get(key, 0) + 1
        writer = RecordWriter(self._store, namespace=namespace, category=category, run_id=run_id)
        try:
            ledger = self._ledgers.setdefault(key, _Ledger())
            await ledger.refresh(lambda: self._read(namespace, category))
            await self._tombstones.refresh(anew=True)
            yield Desk(
                ledger,
                writer,
                run_id=run_id,
                filters_digest=filters_digest,
                second_tries=self._second_tries,
                tombstones=self._tombstones,
            )
        finally:
            try:
                await writer.close()  # first: who reads the records anew must find these
            finally:
                self._release(key)

    def _release(self, key: tuple[str, str]) -> None:
        self._leases[key] -= 1
        if not self._leases[key]:
            del self._leases[key]
            self._ledgers.pop(key, None)

    async def settled(self, namespace: str, category: str) -> None:
        """Return when what is under way of a category now is settled; it may be begun again."""
        ledger = self._ledgers.get((namespace, category))
        if ledger is not None and ledger.under_way:
            await asyncio.wait(list(ledger.under_way.values()))

    async def _read(self, namespace: str, category: str) -> dict[str, MergedRecord]:
        return await to_its_end(
            lambda: read_records(self._store, namespace=namespace, category=category)
        )


class Desk:
    """Settles the candidates of one stream: a verdict is given only when it is durable."""

    def __init__(
        self,
        ledger: _Ledger,
        writer: RecordWriter,
        *,
        run_id: str,
        filters_digest: str,
        second_tries: _SecondTries,
        tombstones: Tombstones,
    ) -> None:
        self._ledger = ledger
        self._writer = writer
        self._run_id = run_id
        self._filters_digest = filters_digest
        self._second_tries = second_tries
        self._tombstones = tombstones

    async def settle(
        self,
        candidate: Candidate,
        work: Callable[[Candidate], Awaitable[Record]],
        *,
        last_try: bool = False,
    ) -> Verdict:
        """Return what became of a candidate, doing the work unless it is recorded or under way.

        On its last try the verdict is final, as long as the work asks for no other.

        Raises:
            SurroundingsError: the store failed; nothing may be said about the candidate.
        """
        key = candidate.candidate_id
        await self._tombstones.refresh()
        while key in self._ledger.under_way:
            others = self._ledger.under_way[key]
            await asyncio.wait([others])
            verdict = others.result()
            if verdict is None or self._is_new_sighting(candidate):
                continue
            if not last_try or verdict.outcome is not VerdictOutcome.RETRY_LATER:
                return verdict
        known = self._ledger.known.get(key)
        if known and self._holds(known):
            await self._note_sighting(candidate, known)
            return Verdict(VerdictOutcome.ALREADY_RECORDED, known.outcome)
        return await self._settle_first(candidate, work, last_try=last_try)

    async def _settle_first(
        self,
        candidate: Candidate,
        work: Callable[[Candidate], Awaitable[Record]],
        *,
        last_try: bool,
    ) -> Verdict:
        settled = self._begin(candidate.candidate_id)
        try:
            record = await work(candidate)
        except RetryLaterError as error:
            verdict = Verdict(VerdictOutcome.RETRY_LATER, error.reason, error.retry_after)
            settled(verdict)
            return verdict
        except BaseException:
            settled(None)
            raise
        if not last_try and self._second_tries.grant(record):
            verdict = Verdict(VerdictOutcome.RETRY_LATER, record.reason, _RETRY_SECONDS)
            settled(verdict)
            return verdict
        verdict = Verdict(VerdictOutcome(record.outcome), record.reason)
        # Once begun, the writing goes on even when the stream that asked for it is gone, and
        # until it is done nobody else may begin.
        commit = asyncio.ensure_future(self._commit(record))
        commit.add_done_callback(lambda task: settled(verdict if _went_well(task) else None))
        await asyncio.shield(commit)
        return verdict

    def _holds(self, known: _Known) -> bool:
        return known.holds(
            run_id=self._run_id,
            filters_digest=self._filters_digest,
            takedowns=self._tombstones.current,
        )

    def _begin(self, key: str) -> Callable[[Verdict | None], None]:
        """Note a candidate as under way; return what ends that (None: another may take over)."""
        ours = self._ledger.under_way[key] = asyncio.get_running_loop().create_future()

        def settled(verdict: Verdict | None) -> None:
            del self._ledger.under_way[key]
            ours.set_result(verdict)

        return settled

    async def _commit(self, record: Record) -> None:
        await self._writer.append(record)
        key = record.candidate.candidate_id
        before = self._ledger.known.get(key)
        known = _known(record, (record.candidate,))
        known.sightings.update(before.sightings if before else ())
        self._ledger.note(key, known)

    def _is_new_sighting(self, candidate: Candidate) -> bool:
        known = self._ledger.known.get(candidate.candidate_id)
        return known is not None and _sighting_key(candidate) not in known.sightings

    async def _note_sighting(self, candidate: Candidate, known: _Known) -> None:
        if _sighting_key(candidate) in known.sightings:
            return
        entry: Entry = Sighting(candidate=candidate)
        await self._writer.append(entry)
        known.sightings.add(_sighting_key(candidate))


def _went_well(task: "asyncio.Task[None]") -> bool:
    return not task.cancelled() and task.exception() is None


def _known(record: Record, sightings: tuple[Candidate, ...]) -> _Known:
    return _Known(
        outcome=record.outcome,
        passing=record.passing,
        run_id=record.run_id,
        filters_digest=record.filters_digest,
        opted_out=bool(record.opt_out_signals),
        takedown=record.takedown,
        sightings=set(map(_sighting_key, sightings)),
    )


def _sighting_key(candidate: Candidate) -> int:
    return hash((candidate.source, candidate.query, candidate.page_url))
