"""The first half of `artgrab run`: every category that has not ended its run is scraped."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from artgrab.cli.failures import raise_together
from artgrab.cli.result import Work
from artgrab.cli.supervision import running
from artgrab.common.errors import ArtgrabError
from artgrab.common.network import NetworkSettings
from artgrab.common.progress import Progress, ProgressSink
from artgrab.common.record_parts import compact
from artgrab.common.resources import ArtCategory
from artgrab.common.runs import RunSummary, count_records, due, run_id_of, write_run_summary
from artgrab.common.store import Store
from artgrab.downloader.sweep import sweep
from artgrab.scraper.scrape import AllSourcesFailedError, ScrapeOutcome, scrape
from artgrab.scraper.turns import Turns
from artgrab.scraper.wariness import Wariness


@dataclass(frozen=True, kw_only=True)
class Collector:
    """Scrapes categories into a store through a downloader of its own."""

    store: Store
    network: NetworkSettings
    progress: ProgressSink
    work: Work
    at_once: int = 2
    """Scrapes; more browsers than cores only slow each other down."""
    turns: Turns = field(default_factory=Turns)
    wariness: Wariness = field(default_factory=Wariness)

    async def collect(self, categories: Sequence[ArtCategory]) -> None:
        """Return when the run of every category has ended; suspended ones are passed over.

        Raises:
            PartlyDoneError: some could not be scraped; the same call goes on with them.
            ArtgrabError: none could; class and message are those of the first.
        """
        pending = due(self.store, categories)
        if not pending:
            return
        gate = asyncio.Semaphore(self.at_once)
        arguments = ("--store", self.store.uri)
        async with (
            running("artgrab.downloader", *arguments, progress=self.progress) as server,
            # Not gather(): it would return at a Ctrl-C while browsers are still being ended.
            asyncio.TaskGroup() as group,
        ):
            attempts = [self._attempt(c, server.endpoint, gate) for c in pending]
            tasks = [group.create_task(attempt) for attempt in attempts]
        errors = [task.result() for task in tasks]
        failed = {c.metadata.name: e for c, e in zip(pending, errors, strict=True) if e}
        raise_together(failed, all_failed=all(errors))

    async def _attempt(
        self, category: ArtCategory, endpoint: str, gate: asyncio.Semaphore
    ) -> ArtgrabError | None:
        async with gate:
            try:
                await self._run(category, endpoint)
            except ArtgrabError as error:
                name = category.metadata.name
                self.progress(Progress(stage="scrape", item=name, problem=str(error)))
                return error
        return None

    async def _run(self, category: ArtCategory, endpoint: str) -> None:
        before = count_records(self.store, category)
        outcome = await self._scrape(category, endpoint)
        name, namespace = category.metadata.name, category.metadata.namespace
        await _to_its_end(compact, self.store, namespace=namespace, category=name)
        await _to_its_end(sweep, self.store, namespace=namespace, category=name)
        counts = count_records(self.store, category)
        self.work.fetched += outcome.fetched
        self.work.stored += counts.stored - before.stored
        write_run_summary(
            self.store,
            category,
            RunSummary(
                run_id=run_id_of(category),
                reason=outcome.reason,
                counts=counts,
                problems=[
                    f"{s.source} {s.partition}: {s.problem}" for s in outcome.sources if s.problem
                ],
            ),
        )

    async def _scrape(self, category: ArtCategory, endpoint: str) -> ScrapeOutcome:
        try:
            return await scrape(
                category,
                run_id=run_id_of(category),
                endpoints=[endpoint],
                network=self.network,
                progress=self.progress,
                turns=self.turns,
                wariness=self.wariness,
            )
        except AllSourcesFailedError as error:
            return error.outcome  # what they gave is kept; the summary says what was wrong


async def _to_its_end(function: Callable[..., object], *arguments: object, **named: object) -> None:
    """Run a function in a thread; whoever is cancelled meanwhile goes on only when it has ended.

    It changes the store, which is ours only until we go on.
    """
    work = asyncio.ensure_future(asyncio.to_thread(function, *arguments, **named))
    try:
        await asyncio.shield(work)
    finally:
        await asyncio.wait([work])
