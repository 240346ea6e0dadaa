"""The first half of `artgrab run`: every category that has not ended its run is scraped."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from artgrab.cli.failures import raise_together
from artgrab.cli.result import Work
from artgrab.cli.supervision import running
from artgrab.common.errors import ArtgrabError
from artgrab.common.network import NetworkSettings
from artgrab.common.progress import Progress, ProgressSink
from artgrab.common.resources import ArtCategory
from artgrab.common.runs import count_records, due, run_id_of
from artgrab.common.store import Store
from artgrab.downloader.endings import Ending, end_run, to_its_end
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
        ending = Ending(
            namespace=category.metadata.namespace,
            category=category.metadata.name,
            run_id=run_id_of(category),
            reason=outcome.reason,
            problems=tuple(outcome.problems),
        )
        counts = await to_its_end(lambda: end_run(self.store, ending))
        self.work.fetched += outcome.fetched
        self.work.stored += counts.stored - before.stored

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
