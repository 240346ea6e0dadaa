"""The stage: a category's sources and queries, one after the other, until it has its pictures."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, aclosing
from enum import StrEnum

import msgspec

from artgrab.common.errors import PartlyDoneError, SurroundingsError
from artgrab.common.network import NetworkSettings
from artgrab.common.progress import Progress, ProgressSink
from artgrab.common.records import Candidate, RecordOutcome
from artgrab.common.resources import ArtCategory, Source
from artgrab.common.urls import candidate_id
from artgrab.scraper.browser import Browser, BrowserError, BrowserFactory, chromium
from artgrab.scraper.channels import PLAIN, Channels
from artgrab.scraper.ingest import IngestClient
from artgrab.scraper.ingest_messages import Acked, hello_message
from artgrab.scraper.robots import Robots
from artgrab.scraper.sources import DRIVERS, Found, SourceError, SourceLeftError, Tools
from artgrab.scraper.tally import Tally
from artgrab.scraper.turns import Turns
from artgrab.scraper.wariness import Wariness
from artgrab.scraper.web import open_session

_BARREN_BROWSERS = 3
_MOST_BROWSERS = 10
"""A page can take a browser down: so many in a row that found nothing new, and so many in all,
are given to one query."""
_SHOWN = 5
"""Problems of sources in one message."""


class EndReason(StrEnum):
    """Why a scrape ended."""

    TARGET_REACHED = "TargetReached"
    SOURCES_EXHAUSTED = "SourcesExhausted"
    SOURCES_FAILED = "SourcesFailed"
    """None could be gone through to its end; some gave pictures before."""


class SourceHealth(msgspec.Struct, kw_only=True):
    """How one source did for one query."""

    source: str
    partition: str
    query: str
    found: int = 0
    problem: str = ""
    """Empty where the source went to its end, or was no longer needed."""
    failed: bool = False
    """Whether the problem was the source's, and not that we left it."""


class ScrapeOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a scrape came to; pictures are counted once, however often they were found."""

    category: str
    reason: EndReason
    candidates: int
    stored: int
    """In the store now, whether by this scrape or before."""
    rejected: int
    failed: int
    fetched: int
    """Acknowledged anew; 0 where everything was recorded before."""
    already_recorded: int
    rejected_reasons: dict[str, int]
    failed_reasons: dict[str, int]
    sources: list[SourceHealth]

    @property
    def problems(self) -> list[str]:
        """What was the matter with each source that was not gone through to its end."""
        return [f"{s.source} {s.partition}: {s.problem}" for s in self.sources if s.problem]


class AllSourcesFailedError(PartlyDoneError):
    """Pictures were found, but no source could be gone through to its end."""

    def __init__(self, message: str, outcome: ScrapeOutcome) -> None:
        super().__init__(message)
        self.outcome = outcome


def no_token() -> str:
    """Return the token for downloaders that want none."""
    return ""


async def scrape(
    category: ArtCategory,
    *,
    run_id: str,
    endpoints: Sequence[str],
    network: NetworkSettings,
    progress: ProgressSink,
    browsers: BrowserFactory = chromium,
    turns: Turns | None = None,
    wariness: Wariness | None = None,
    token: Callable[[], str] = no_token,
    channels: Channels = PLAIN,
) -> ScrapeOutcome:
    """Find a category's pictures and have the downloaders fetch and keep them.

    Ends when the target is reached or every source is exhausted, and only when all that was sent
    is acknowledged, so that it may be killed and started again at any moment.

    Several may run at once; given the same turns they ask each API one request at a time, and given
    the same wariness none asks a site that another has left. The token is asked for anew for each
    stream.

    Raises:
        BadInputError: a selector or endpoint of the user's is wrong.
        AllSourcesFailedError: every source broke down, after some pictures.
        SurroundingsError: every source broke down at once, or no downloader answers.
    """
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(open_session(network))
        slot = _BrowserSlot(browsers, network)
        stack.push_async_callback(slot.discard)
        tools = Tools(
            network=network,
            session=session,
            robots=Robots(session),
            browser=slot.get,
            turns=turns or Turns(),
            wariness=wariness or Wariness(),
            sleep=asyncio.sleep,
        )
        job = _Scrape(category, progress)
        async with IngestClient(
            endpoints,
            hello=lambda: hello_message(
                namespace=category.metadata.namespace,
                category=category.metadata.name,
                run_id=run_id,
                token=token(),
                min_side=category.spec.filters.min_side,
            ),
            on_ack=job.acked,
            channels=channels,
        ) as client:
            await job.run(client, tools, slot)
            await client.finish()
    return job.outcome()


class _BrowserSlot:
    """Room for one browser, started when it is first wanted and kept for the queries to come."""

    def __init__(self, browsers: BrowserFactory, network: NetworkSettings) -> None:
        self._browsers = browsers
        self._network = network
        self._stack = AsyncExitStack()
        self._browser: Browser | None = None

    async def get(self) -> Browser:
        """Return the browser, started if there is none."""
        if self._browser is None:
            self._browser = await self._stack.enter_async_context(self._browsers(self._network))
        return self._browser

    async def discard(self) -> None:
        """End the browser; the next get() starts another."""
        self._browser = None
        await self._stack.aclose()


class _Scrape:
    """One scrape under way."""

    def __init__(self, category: ArtCategory, progress: ProgressSink) -> None:
        self._category = category
        self._progress = progress
        self._tally = Tally()
        self._seen: set[tuple[str, str, str, str]] = set()
        self._health: list[SourceHealth] = []
        self._all_found = False

    async def run(self, client: IngestClient, tools: Tools, slot: _BrowserSlot) -> None:
        """Go through all sources and queries, as long as pictures are wanted."""
        self._report()
        for source, query in _partitions(self._category):
            if self._enough():
                break
            health = SourceHealth(source=source.kind, partition=source.host, query=query)
            self._health.append(health)
            await self._persist(source, health, client, tools, slot)
        self._all_found = True
        self._report()
        await client.until(lambda: client.unacked == 0)

    async def _persist(
        self,
        source: Source,
        health: SourceHealth,
        client: IngestClient,
        tools: Tools,
        slot: _BrowserSlot,
    ) -> None:
        """Go through a source; where a browser breaks down, again with another one.

        What was sent already is passed over.
        """
        barren = 0
        for _ in range(_MOST_BROWSERS):
            sent = len(self._seen)
            try:
                health.problem = await self._problem(source, health, client, tools)
                return
            except BrowserError as error:
                health.problem, health.failed = str(error), True
                await slot.discard()
                barren = 0 if len(self._seen) > sent else barren + 1
            if barren == _BARREN_BROWSERS:
                return

    async def _problem(
        self, source: Source, health: SourceHealth, client: IngestClient, tools: Tools
    ) -> str:
        """Go through a source and say what was the matter with it, empty where nothing was."""
        health.found, health.failed = 0, False
        try:
            await self._go_through(source, health, client, tools)
        except SourceError as error:
            health.failed = not isinstance(error, SourceLeftError)
            return str(error)
        return ""

    async def _go_through(
        self, source: Source, health: SourceHealth, client: IngestClient, tools: Tools
    ) -> None:
        batches = DRIVERS[source.kind](source, health.query, tools=tools)
        async with aclosing(batches):
            async for batch in batches:
                health.found += len(batch)
                for found in batch:
                    if not await self._offer(found, health, client):
                        return

    async def _offer(self, found: Found, health: SourceHealth, client: IngestClient) -> bool:
        """Send a picture unless it was sent before; False when no more are wanted.

        No more are ever under way than are missing, so the target is met exactly, and by the
        same pictures however the answers are timed.
        """
        await client.until(lambda: self._enough() or client.unacked < self._missing())
        if self._enough():
            return False
        candidate = _candidate(found, health)
        key = (candidate.candidate_id, health.source, health.partition, health.query)
        if key not in self._seen:
            self._seen.add(key)
            self._tally.sent(candidate.candidate_id)
            await client.send(candidate)
            self._report()
        return True

    def acked(self, answer: Acked) -> None:
        """Count an answer of a downloader."""
        self._tally.acked(answer)
        self._report()

    def _missing(self) -> int:
        return self._category.spec.target_images - self._tally.stored

    def _enough(self) -> bool:
        return self._missing() <= 0

    def outcome(self) -> ScrapeOutcome:
        """Sum up.

        Raises:
            AllSourcesFailedError: every source broke down, after some pictures.
            SurroundingsError: every source broke down at once.
        """
        tally = self._tally
        outcome = ScrapeOutcome(
            category=self._category.metadata.name,
            reason=self._reason(),
            candidates=tally.candidates,
            stored=tally.stored,
            rejected=tally.rejected,
            failed=tally.failed,
            fetched=tally.fetched,
            already_recorded=tally.already_recorded,
            rejected_reasons=tally.reasons(RecordOutcome.REJECTED),
            failed_reasons=tally.reasons(RecordOutcome.FAILED),
            sources=self._health,
        )
        self._report(finished=True)
        self._check_health(outcome)
        return outcome

    def _reason(self) -> EndReason:
        if self._enough():
            return EndReason.TARGET_REACHED
        all_failed = all(health.failed for health in self._health)
        return EndReason.SOURCES_FAILED if all_failed else EndReason.SOURCES_EXHAUSTED

    def _check_health(self, outcome: ScrapeOutcome) -> None:
        if outcome.reason is not EndReason.SOURCES_FAILED:
            return
        problems = list(dict.fromkeys(health.problem for health in self._health))
        more = [f"and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
        message = f"every source failed: {'; '.join([*problems[:_SHOWN], *more])}"
        if outcome.stored:
            raise AllSourcesFailedError(message, outcome)
        raise SurroundingsError(message)

    def _most(self) -> int:
        """Return how many pictures there can be in the end."""
        tally, target = self._tally, self._category.spec.target_images
        if not self._all_found:
            return target
        return min(target, tally.candidates - tally.rejected - tally.failed)

    def _report(self, *, finished: bool = False) -> None:
        tally = self._tally
        self._progress(
            Progress(
                stage="scrape",
                item=self._category.metadata.name,
                done=tally.stored,
                total=self._most(),
                at_most=True,  # no source says beforehand how many it has that are good
                counts={
                    "found": tally.candidates,
                    "stored": tally.stored,
                    "rejected": tally.rejected,
                    "failed": tally.failed,
                },
                reasons=tally.not_kept(),
                finished=finished,
            )
        )


def _partitions(category: ArtCategory) -> list[tuple[Source, str]]:
    """Pair sources and queries; a gallery whose address names no query is gone through once."""
    pairs = []
    for source in category.spec.sources:
        queries = category.queries if source.takes_queries else category.queries[:1]
        pairs += [(source, query) for query in queries]
    return pairs


def _candidate(found: Found, health: SourceHealth) -> Candidate:
    return Candidate(
        candidate_id=candidate_id(found.url).hex(),
        url=found.url,
        page_url=found.page_url,
        source=health.source,
        query=health.query,
        partition=health.partition,
        rank=found.rank,
        title=found.title,
        claimed_width=found.width,
        claimed_height=found.height,
        licence=found.licence,
        creator=found.creator,
        page_read=found.page_read,
        page_signals=found.page_signals,
    )
