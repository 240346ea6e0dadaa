"""What is already recorded of a category, and what is under way: nothing is fetched twice."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import NamedTuple

from artgrab.common.record_parts import RecordWriter
from artgrab.common.records import Candidate, Entry, Record, RecordOutcome, Sighting
from artgrab.common.store import Store
from artgrab.downloader.endings import to_its_end
from artgrab.downloader.errors import RetryLaterError
from artgrab.downloader.recollections import (
    Known,
    State,
    is_new_way,
    recall,
    sighting_key,
    state_of,
    with_way,
)
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


_OUTCOMES = {
    RecordOutcome.STORED: VerdictOutcome.STORED,
    RecordOutcome.REJECTED: VerdictOutcome.REJECTED,
    RecordOutcome.FAILED: VerdictOutcome.FAILED,
}


class Verdict(NamedTuple):
    """What a client is told about a candidate."""

    outcome: VerdictOutcome
    reason: str = ""
    retry_after: float = 0.0
    """Seconds, with RETRY_LATER."""


class _Ledger:
    """The state of one category, shared by all its streams in this process."""

    def __init__(self) -> None:
        self.known: dict[str, Known] = {}
        self.under_way: dict[str, asyncio.Future[Verdict | None]] = {}
        self._reading = asyncio.Lock()
        """Readings take memory, and anybody with a token may open many streams."""
        self._news: dict[str, Known] | None = None
        """What was recorded since the reading of the store began that goes on now, if one does."""
        self._states: dict[State, State] = {}

    def note(self, record: Record, sightings: tuple[int, ...]) -> None:
        """Take note of a record that is durable."""
        key = record.candidate.candidate_id
        self.known[key] = known = self._known(record, sightings)
        if self._news is not None:
            self._news[key] = known

    def note_sighting(self, key: str, sighting: int) -> None:
        """Take note of a sighting that is durable."""
        known = self.known.get(key)
        if known is not None:
            self.known[key] = Known(known.state, with_way(known.sightings, sighting))

    async def refresh(self, read: Callable[[], Awaitable[dict[str, Known]]]) -> None:
        """Know what the store holds, and nothing else: others write, and clean up."""
        async with self._reading:
            self._news = {}
            try:
                found = await read()
                found.update(self._news)
                self.known, self._states = found, {}
            finally:
                self._news = None

    def _known(self, record: Record, sightings: tuple[int, ...]) -> Known:
        state = state_of(record)
        return Known(self._states.setdefault(state, state), sightings)


class _SecondTries:
    """Gives each failed candidate one more try; outlives streams, or there would be no end."""

    def __init__(self) -> None:
        self._given: set[tuple[str, str]] = set()

    def grant(self, record: Record) -> bool:
        """Tell whether a record is to be forgotten and its candidate tried again."""
        if record.reason not in _RETRIED:
            return False
        key = (record.run_id, record.candidate.candidate_id)
        if key in self._given:
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

    async def _read(self, namespace: str, category: str) -> dict[str, Known]:
        return await to_its_end(lambda: recall(self._store, namespace=namespace, category=category))


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
        if known and self._holds(known.state):
            await self._note_sighting(candidate, known)
            return Verdict(VerdictOutcome.ALREADY_RECORDED, known.state.outcome)
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
        verdict = Verdict(_OUTCOMES[record.outcome], record.reason)

        def written(well: bool) -> None:
            if well:
                self._note(record)
            settled(verdict if well else None)

        # Once begun, the writing goes on even when the stream that asked for it is gone, and
        # until it is done nobody else may begin.
        await self._writer.append(record, then=written)
        return verdict

    def _holds(self, state: State) -> bool:
        return state.holds(
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

    def _note(self, record: Record) -> None:
        key, sighting = record.candidate.candidate_id, sighting_key(record.candidate)
        before = self._ledger.known.get(key)
        former = before.sightings if before else ()
        self._ledger.note(record, with_way(former, sighting))

    def _is_new_sighting(self, candidate: Candidate) -> bool:
        known = self._ledger.known.get(candidate.candidate_id)
        return known is not None and is_new_way(known.sightings, sighting_key(candidate))

    async def _note_sighting(self, candidate: Candidate, known: Known) -> None:
        sighting = sighting_key(candidate)
        if not is_new_way(known.sightings, sighting):
            return
        entry: Entry = Sighting(candidate=candidate)
        await self._writer.append(entry)
        self._ledger.note_sighting(candidate.candidate_id, sighting)
