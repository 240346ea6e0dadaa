"""Every signal of the demo world, from the page to the record: real browser, driver, downloader.

The world's table (tests/world/signals.py) says what each host tells and what is to come of it.
"""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from artgrab.common.network import NetworkSettings
from artgrab.common.record_parts import read_records
from artgrab.common.records import Record
from artgrab.common.resources import ArtCategory
from artgrab.common.store import Store
from artgrab.scraper.scrape import ScrapeOutcome, scrape
from tests.support.ingest_client import downloader
from tests.support.requirements import need, need_browser
from tests.world.signals import (
    FIRST_PAGE,
    PICTURES_OF_A_HOST,
    SIGNALS,
    Signal,
    SignalSites,
)
from tests.world.world import World, demo_world, missing_requirements

pytestmark = [pytest.mark.timeout(600), pytest.mark.xdist_group("browser")]

_CATEGORY = ArtCategory.model_validate(
    {
        "apiVersion": "artgrab.dev/v1alpha1",
        "kind": "ArtCategory",
        "metadata": {"name": "signals"},
        "spec": {
            "sources": [
                {
                    "gallery": {
                        "url": FIRST_PAGE,
                        "selectors": {"item": "figure", "image": "a::attr(href)", "more": "a.next"},
                    }
                }
            ],
            "filters": {"minSide": 64},
        },
    }
)


async def _collect(world: World, store: Store) -> ScrapeOutcome:
    network = NetworkSettings(resolve=world.resolve, allowed_targets=world.allowed_targets)
    async with downloader(store, network) as endpoint:
        return await scrape(
            _CATEGORY,
            run_id="run-1",
            endpoints=[endpoint],
            network=network,
            progress=lambda _: None,
        )


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    need_browser()
    missing = missing_requirements()
    need(not missing, packages=" ".join(missing))
    with demo_world(wiki=False) as world:
        yield world


@pytest.fixture(scope="module")
def records(world: World, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Record]:
    """The record of each picture by its URL, once all that can be found is collected."""
    folder: Path = tmp_path_factory.mktemp("signals")
    store = Store.open(str(folder / "store"))
    outcome = asyncio.run(_collect(world, store))
    assert [one.problem for one in outcome.sources] == [""]
    found = read_records(store, namespace="default", category="signals")
    return {merged.candidate.url: merged.record for merged in found.values()}


def _told(record: Record) -> tuple[str, str, tuple[str, ...]]:
    return record.outcome.value, record.reason, record.opt_out_signals


def test_each_signal_comes_to_what_the_table_says(
    world: World, records: Mapping[str, Record]
) -> None:
    sites = SignalSites(world.catalogue)
    expected = {
        url: (signal.outcome, signal.reason, signal.signals)
        for signal in SIGNALS
        for url in sites.image_urls(signal)
    }
    assert {url: _told(record) for url, record in records.items()} == expected


def _decision(signal: Signal) -> str:
    if signal.signals:
        return f"refused: {signal.signals[0]}"
    if signal.outcome == "STORED":
        return "allowed: none seen in gallery page, robots.txt, tdmrep.json, headers"
    return "undecided: none seen in gallery page; not checked: robots.txt, tdmrep.json, headers"


def test_each_record_tells_the_decision_and_what_it_rests_on(
    world: World, records: Mapping[str, Record]
) -> None:
    sites = SignalSites(world.catalogue)
    for signal in SIGNALS:
        for url in sites.image_urls(signal):
            assert records[url].opt_out_decision == _decision(signal), signal.name


def test_what_is_refused_before_the_picture_is_never_asked_for(
    world: World, records: Mapping[str, Record]
) -> None:
    for signal in SIGNALS:
        asked = len(world.requests(host=signal.host, path="/pictures/*"))
        known_before = signal.outcome != "STORED" and not signal.headers
        assert asked == (0 if known_before else PICTURES_OF_A_HOST), signal.name


def test_the_files_of_a_site_are_asked_for_once_and_pages_are_opened_once(
    world: World, records: Mapping[str, Record]
) -> None:
    for signal in SIGNALS:
        for path in ("/robots.txt", "/.well-known/tdmrep.json"):
            assert len(world.requests(host=signal.host, path=path)) <= 1, f"{signal.name} {path}"
        assert len(world.requests(host=signal.page_host, path="/")) == 1, signal.page_host


def test_everybody_is_told_who_calls(world: World, records: Mapping[str, Record]) -> None:
    callers = {seen.user_agent for seen in world.requests()}
    assert callers
    assert all("artgrab/" in caller for caller in callers), callers
