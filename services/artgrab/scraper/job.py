"""A scrape as a process of its own, as in a Job: one category, until its run has ended."""

import argparse
import asyncio
import os
import signal
import sys
import traceback
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, TypeVar

import structlog
from prometheus_client import CollectorRegistry, Gauge
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from artgrab.common.documents import load_documents, refuse
from artgrab.common.errors import ArtgrabError, BadInputError, SurroundingsError
from artgrab.common.logs import configure_logs
from artgrab.common.network import NetworkSettings
from artgrab.common.politeness.contact import contact_advice
from artgrab.common.progress import Progress, ProgressSink
from artgrab.common.resources import ArtCategory
from artgrab.common.servers import metrics_server, read_settings, signals_set
from artgrab.common.terminations import Counts, Termination, write_termination
from artgrab.common.tokens import read_token
from artgrab.scraper.browser_programs import check_programs
from artgrab.scraper.channels import PLAIN, Channels, TlsSettings
from artgrab.scraper.ending import RunEnd, end_run
from artgrab.scraper.reachable import check_downloaders
from artgrab.scraper.scrape import AllSourcesFailedError, ScrapeOutcome, no_token, scrape
from artgrab.scraper.selectors import selector_problems
from artgrab.scraper.wariness import Wariness

_PATIENCE_SECONDS = 60.0
"""For downloaders that are being rolled out."""
_STOPPED = "ended by a signal before it was done; the same run goes on from here"
_ANY_ADDRESS = "0.0.0.0"  # noqa: S104 - metrics are for other machines
_T = TypeVar("_T")

_log = structlog.get_logger()


class JobSettings(BaseSettings):
    """Read from the environment: ARTGRAB_SCRAPE_RUN_ID."""

    model_config = SettingsConfigDict(env_prefix="ARTGRAB_SCRAPE_", frozen=True)

    run_id: str = Field(
        pattern=r"^[A-Za-z0-9_-]{1,64}$", description="Of this run: the same after a restart."
    )


class StoppedError(SurroundingsError):
    """A signal ended the scrape."""


class EndedRun(NamedTuple):
    """What a run came to."""

    outcome: ScrapeOutcome
    """Of this scrape."""
    counts: Counts
    """Of the category, over all its runs."""
    trouble: AllSourcesFailedError | None
    """Where no source could be gone through to its end; what they gave is kept."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the process."""
    parser.add_argument(
        "--category", required=True, type=Path, metavar="FILE", help="one ArtCategory"
    )
    parser.add_argument(
        "--downloader",
        required=True,
        nargs="+",
        action="extend",
        metavar="HOST:PORT",
        help="where downloaders answer; names are resolved again and again",
    )
    parser.add_argument("--token-file", type=Path, metavar="FILE", help="read for each stream")
    parser.add_argument(
        "--termination-message", type=Path, metavar="FILE", help="where the last word is written"
    )
    parser.add_argument(
        "--metrics-port", type=int, metavar="PORT", help="serve Prometheus metrics to all machines"
    )


def main(options: argparse.Namespace) -> int:
    """Scrape as the options say; return the exit code. The last word is the termination message.

    0: the run has ended, also where sources were blocked or exhausted. 2: the input must change.
    4: the surroundings failed or a signal came; the same again goes on from here. 1: a bug.
    """
    run_id = os.environ.get("ARTGRAB_SCRAPE_RUN_ID", "")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # until signals_set() takes over
    try:
        configure_logs()
        ended = _until_stopped(run_job(options))
    except ArtgrabError as error:
        _fail(options, run_id, str(error))
        if isinstance(error, StoppedError):
            _leave(error.exit_code)
        return error.exit_code
    except KeyboardInterrupt:
        _fail(options, run_id, _STOPPED)
        return SurroundingsError.exit_code
    except Exception as error:
        traceback.print_exc()
        _fail(options, run_id, f"a bug in artgrab: {type(error).__name__}: {error}")
        return ArtgrabError.exit_code
    write_termination(options.termination_message, _termination(run_id, ended))
    return 0


async def run_job(options: argparse.Namespace) -> EndedRun:
    """Do what the options and the environment say.

    Raises:
        BadInputError: one of them is wrong, or the document.
        SurroundingsError: browser, downloaders or all sources failed; the same may work later.
    """
    run_id = read_settings(JobSettings).run_id
    network = read_settings(NetworkSettings)
    category = read_category(options.category)
    token = _token_of(options.token_file)
    token()
    channels = Channels(options.downloader, read_settings(TlsSettings))
    gauges = Gauges()
    async with AsyncExitStack() as stack:
        if options.metrics_port is not None:
            stack.enter_context(
                metrics_server(
                    gauges.registry,
                    _ANY_ADDRESS,
                    options.metrics_port,
                    advice="give another --metrics-port",
                )
            )
        await check_browser(category)
        if advice := contact_advice(network, [category]):
            _log.warning(advice)
        await check_downloaders(
            options.downloader, patience_seconds=_PATIENCE_SECONDS, channels=channels
        )
        return await scrape_to_the_end(
            category,
            run_id=run_id,
            endpoints=options.downloader,
            network=network,
            progress=gauges,
            token=token,
            channels=channels,
        )


async def scrape_to_the_end(
    category: ArtCategory,
    *,
    run_id: str,
    endpoints: Sequence[str],
    network: NetworkSettings,
    progress: ProgressSink,
    wariness: Wariness | None = None,
    token: Callable[[], str] = no_token,
    channels: Channels = PLAIN,
) -> EndedRun:
    """Scrape a category and have its run ended; the arguments are those of scrape.

    Raises:
        BadInputError: a selector or endpoint of the user's is wrong.
        SurroundingsError: every source broke down at once, or no downloader answers.
    """
    trouble = None
    try:
        outcome = await scrape(
            category,
            run_id=run_id,
            endpoints=endpoints,
            network=network,
            progress=progress,
            wariness=wariness,
            token=token,
            channels=channels,
        )
    except AllSourcesFailedError as error:
        trouble, outcome = error, error.outcome
    end = RunEnd(
        namespace=category.metadata.namespace,
        category=category.metadata.name,
        run_id=run_id,
        reason=outcome.reason,
        problems=outcome.problems,
    )
    counts = await end_run(end, endpoints=endpoints, token=token, channels=channels)
    return EndedRun(outcome, counts, trouble)


def read_category(path: Path) -> ArtCategory:
    """Return the one category that a document holds.

    Raises:
        BadInputError: it holds something else, or something of it is wrong.
    """
    documents = load_documents([path])
    if len(documents.categories) != 1 or documents.classifiers:
        raise BadInputError(f"{path}: must hold one ArtCategory and nothing else")
    (category,) = documents.categories
    refuse([documents.told(category, problem) for problem in selector_problems(category)])
    return category


async def check_browser(category: ArtCategory) -> None:
    """Make sure that there is a browser where the category needs one.

    Raises:
        SurroundingsError: it is missing, or does not fit its driver.
    """
    if any(source.gallery for source in category.spec.sources):
        await asyncio.to_thread(check_programs)


class Gauges:
    """Shows progress as Prometheus metrics."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._found = self._gauge("found", "Pictures found, each counted once.")
        self._stored = self._gauge("stored", "Pictures in the store.")
        self._rejected = self._gauge("rejected", "Pictures that are not wanted.")
        self._failed = self._gauge("failed", "Pictures that could not be had.")
        self._unacked = self._gauge("unacked", "Pictures found that no downloader has settled.")

    def __call__(self, progress: Progress) -> None:
        """Take note of progress."""
        found, stored, rejected, failed = (
            progress.counts.get(name, 0) for name in ("found", "stored", "rejected", "failed")
        )
        self._found.set(found)
        self._stored.set(stored)
        self._rejected.set(rejected)
        self._failed.set(failed)
        self._unacked.set(found - stored - rejected - failed)

    def warn(self, text: str) -> None:
        """Tell people something."""
        _log.warning(text)

    def _gauge(self, name: str, meaning: str) -> Gauge:
        return Gauge(f"artgrab_scrape_{name}", meaning, registry=self.registry)


def _token_of(path: Path | None) -> Callable[[], str]:
    return no_token if path is None else lambda: read_token(path)


def _until_stopped(work: Coroutine[Any, Any, _T]) -> _T:
    """Run on an event loop; SIGTERM and SIGINT end the work in order.

    Raises:
        StoppedError: a signal came. Threads may still be waiting for a browser that has ended.
    """
    runner = asyncio.Runner()
    try:
        return runner.run(_stoppable(work))
    except StoppedError:
        runner.get_loop().close()  # without a wait for threads
        raise
    finally:
        if not runner.get_loop().is_closed():
            runner.close()


async def _stoppable(work: Coroutine[Any, Any, _T]) -> _T:
    stop = asyncio.Event()
    with signals_set(stop):
        working = asyncio.ensure_future(work)
        stopping = asyncio.ensure_future(stop.wait())
        await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not working.done():
            working.cancel()
            await asyncio.wait([working])
            raise StoppedError(_STOPPED)
        return await working


def _termination(run_id: str, ended: EndedRun) -> Termination:
    return Termination(
        run_id=run_id,
        reason=ended.outcome.reason,
        counts=ended.counts,
        problems=tuple(ended.outcome.problems),
    )


def _fail(options: argparse.Namespace, run_id: str, error: str) -> None:
    sys.stderr.write(f"artgrab: {error}\n")
    write_termination(options.termination_message, Termination(run_id=run_id, error=error))


def _leave(code: int) -> NoReturn:
    """End this process without waiting for its threads."""
    sys.stderr.flush()
    os._exit(code)
