"""The whole stage, from a category to what became of its pictures, on played wikis.

Targets, broken sources, runs that were done before, pictures found twice.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from artgrab.common.errors import BadInputError, SurroundingsError
from artgrab.common.network import NetworkSettings
from artgrab.common.progress import Progress
from artgrab.common.resources import ArtCategory
from artgrab.scraper.browser import Browser, BrowserError, BrowserFactory, chromium
from artgrab.scraper.scrape import AllSourcesFailedError, EndReason, ScrapeOutcome, scrape
from artgrab.scraper.sources.gallery_scripts import MORE
from artgrab.v1 import ingest_service_pb2 as pb
from tests.support.ingest_server import Answer, PlayedDownloader, played, stored
from tests.support.played_wiki import PlayedWiki


def _category(
    *hosts: str, target: int = 1000, queries: Sequence[str] = (), extra: Sequence[object] = ()
) -> ArtCategory:
    sources = [{"mediawiki": {"url": f"http://{host}/w/api.php"}} for host in hosts]
    return ArtCategory.model_validate(
        {
            "apiVersion": "artgrab.dev/v1alpha1",
            "kind": "ArtCategory",
            "metadata": {"name": "old-bridge", "namespace": "tests"},
            "spec": {
                "sources": [*sources, *extra],
                "queries": list(queries),
                "targetImages": target,
                "filters": {"minSide": 64},
            },
        }
    )


async def _scraped(
    category: ArtCategory,
    wikis: dict[str, PlayedWiki],
    downloader: PlayedDownloader,
    progress: Any = None,
    browsers: BrowserFactory = chromium,
) -> ScrapeOutcome:
    async with AsyncExitStack() as stack:
        resolve = {
            host: await stack.enter_async_context(wiki.running()) for host, wiki in wikis.items()
        }
        await stack.enter_async_context(played(downloader))
        return await scrape(
            category,
            run_id="run-1",
            endpoints=[downloader.endpoint],
            network=NetworkSettings(resolve=resolve),
            progress=progress or (lambda _: None),
            browsers=browsers,
        )


def _answering(outcome: pb.Outcome, reason: str = "") -> Answer:
    return lambda candidate: pb.Ack(
        candidate_id=candidate.candidate_id, outcome=outcome, reason=reason
    )


def _every_third_rejected(candidate: pb.Candidate) -> pb.Ack:
    if candidate.rank % 3 == 1:
        return _answering(pb.OUTCOME_REJECTED, "too-small")(candidate)
    return stored(candidate)


async def test_sources_are_gone_through_to_their_end() -> None:
    downloader = PlayedDownloader(answer=_every_third_rejected)
    outcome = await _scraped(_category("a.test"), {"a.test": PlayedWiki(70)}, downloader)
    assert outcome.reason is EndReason.SOURCES_EXHAUSTED
    assert (outcome.candidates, outcome.stored, outcome.rejected, outcome.failed) == (70, 47, 23, 0)
    assert outcome.rejected_reasons == {"too-small": 23}
    assert outcome.fetched == 70
    (health,) = outcome.sources
    assert (health.source, health.partition, health.query) == ("mediawiki", "a.test", "old bridge")
    assert (health.found, health.problem) == (70, "")


async def test_the_downloader_is_told_category_run_and_filters() -> None:
    downloader = PlayedDownloader()
    await _scraped(_category("a.test"), {"a.test": PlayedWiki(1)}, downloader)
    (hello,) = downloader.hellos
    assert (hello.namespace, hello.category, hello.run_id) == ("tests", "old-bridge", "run-1")
    assert hello.filters.min_side == 64
    (candidate,) = downloader.received
    assert (candidate.source, candidate.query) == ("mediawiki", "old bridge")


@pytest.mark.parametrize("granted", [1, 7, 1000])
async def test_the_target_is_met_exactly_by_the_first_pictures_that_are_kept(granted: int) -> None:
    downloader = PlayedDownloader(answer=_every_third_rejected, credits=granted)
    category = _category("a.test", "b.test", target=30)
    wikis = {"a.test": PlayedWiki(200), "b.test": PlayedWiki(5)}
    outcome = await _scraped(category, wikis, downloader)
    assert outcome.reason is EndReason.TARGET_REACHED
    assert outcome.stored == 30
    # Of every three the first and the last are kept: the thirtieth is number 44, from 0.
    assert sorted(candidate.rank for candidate in downloader.received) == list(range(45))
    assert wikis["b.test"].queries == []


async def test_one_broken_source_does_not_stop_the_others() -> None:
    broken = PlayedWiki(5)
    broken.troubles = [web.Response(status=404)]
    wikis = {"a.test": broken, "b.test": PlayedWiki(5)}
    outcome = await _scraped(_category("a.test", "b.test"), wikis, PlayedDownloader())
    assert outcome.stored == 5
    assert outcome.reason is EndReason.SOURCES_EXHAUSTED
    assert [bool(health.problem) for health in outcome.sources] == [True, False]
    assert "http://a.test/w/api.php answers with status 404" in outcome.sources[0].problem


async def test_a_category_whose_every_source_is_broken_names_them_all() -> None:
    wikis = {"a.test": PlayedWiki(5), "b.test": PlayedWiki(5)}
    for status, wiki in zip((404, 403), wikis.values(), strict=True):
        wiki.troubles = [web.Response(status=status)]
    with pytest.raises(SurroundingsError, match=r"every source failed: .*404.*; .*403"):
        await _scraped(_category(*wikis), wikis, PlayedDownloader())


async def test_sources_that_break_halfway_leave_what_they_gave() -> None:
    wiki = PlayedWiki(120)
    wiki.broken_from = 50
    with pytest.raises(AllSourcesFailedError, match="status 403") as caught:
        await _scraped(_category("a.test"), {"a.test": wiki}, PlayedDownloader())
    assert caught.value.outcome.stored == 50
    assert caught.value.exit_code == 3


async def test_a_run_that_was_done_before_fetches_nothing_and_reaches_its_target_again() -> None:
    recorded = _answering(pb.OUTCOME_ALREADY_RECORDED, "STORED")
    downloader = PlayedDownloader(answer=recorded)
    category = _category("a.test", target=20)
    outcome = await _scraped(category, {"a.test": PlayedWiki(50)}, downloader)
    assert outcome.reason is EndReason.TARGET_REACHED
    assert (outcome.stored, outcome.already_recorded, outcome.fetched) == (20, 20, 0)


async def test_a_picture_found_by_two_queries_is_one_picture_with_two_sightings() -> None:
    downloader = PlayedDownloader()
    category = _category("a.test", queries=["bridge", "Brücke"])
    outcome = await _scraped(category, {"a.test": PlayedWiki(10)}, downloader)
    assert (outcome.candidates, outcome.stored) == (10, 10)
    seen = sorted((one.query, one.rank) for one in downloader.received)
    assert seen == [(query, rank) for query in ("Brücke", "bridge") for rank in range(10)]


async def test_the_progress_of_a_scrape_is_told_to_its_end() -> None:
    told: list[Progress] = []
    category = _category("a.test", target=20)
    await _scraped(category, {"a.test": PlayedWiki(50)}, PlayedDownloader(), told.append)
    assert {(one.stage, one.item, one.total) for one in told} == {("scrape", "old-bridge", 20)}
    assert [one.done for one in told] == sorted(one.done for one in told)
    assert [one.finished for one in told].count(True) == 1
    assert told[-1].finished
    assert told[-1].counts == {"found": 20, "stored": 20, "rejected": 0, "failed": 0}


async def test_without_a_browser_galleries_fail_and_wikis_go_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    selectors = {"item": "figure", "image": "a::attr(href)"}
    gallery = {"gallery": {"url": "http://a.test/gallery?{query}", "selectors": selectors}}
    category = _category("a.test", extra=[gallery])
    wiki = PlayedWiki(5)
    outcome = await _scraped(category, {"a.test": wiki}, PlayedDownloader())
    assert outcome.stored == 5
    assert "apt-get install chromium" in outcome.sources[1].problem


class _ScriptlessBrowser:
    """Shows one page of a gallery; breaks down as often as it is told.

    One that gets further each time breaks down only when it has shown another picture.
    """

    def __init__(self, breakdowns: int, *, further: bool = False) -> None:
        self._breakdowns = breakdowns
        self._further = further
        self._shown = False
        self._url = ""
        self.started = 0

    @asynccontextmanager
    async def start(self, network: NetworkSettings) -> AsyncIterator[Browser]:
        self.started += 1
        self._shown = False
        yield self

    async def open(self, url: str) -> int:
        self._url = url
        return 200

    async def run(self, script: str, *arguments: object) -> Any:
        if self._breakdowns and (self._shown or not self._further):
            self._breakdowns -= 1
            raise BrowserError("the tab crashed")

    async def html(self) -> bytes:
        self._shown = True
        count = self.started if self._further else 2
        return b"".join(b"<figure><a href=%d.jpg></a></figure>" % n for n in range(count))

    async def address(self) -> str:
        return self._url


@pytest.mark.parametrize(
    ("browser", "started", "found", "problem"),
    [
        (_ScriptlessBrowser(2), 3, 2, ""),
        (_ScriptlessBrowser(3), 3, 0, "the tab crashed"),
        (_ScriptlessBrowser(6, further=True), 7, 7, ""),
        (_ScriptlessBrowser(99, further=True), 10, 10, "the tab crashed"),
    ],
)
async def test_a_browser_that_breaks_down_is_replaced_as_long_as_that_helps(
    browser: _ScriptlessBrowser, started: int, found: int, problem: str
) -> None:
    selectors = {"item": "figure", "image": "a::attr(href)"}
    gallery = {"gallery": {"url": "http://b.test/gallery", "selectors": selectors}}
    downloader = PlayedDownloader()
    outcome = await _scraped(
        _category("a.test", extra=[gallery]),
        {"a.test": PlayedWiki(1), "b.test": PlayedWiki(0)},
        downloader,
        browsers=browser.start,
    )
    assert outcome.sources[1].problem == problem
    assert outcome.sources[1].found == found
    assert browser.started == started


class _TwoPagesBrowser(_ScriptlessBrowser):
    """Shows a gallery whose second page is laid out otherwise."""

    async def run(self, script: str, *arguments: object) -> Any:
        return "http://b.test/2" if script == MORE and not self._url.endswith("2") else None

    async def html(self) -> bytes:
        return b"<p></p>" if self._url.endswith("2") else await super().html()


async def test_a_gallery_that_was_left_before_its_end_is_told_and_no_failure() -> None:
    selectors = {"item": "figure", "image": "a::attr(href)", "more": "a.next"}
    gallery = {"gallery": {"url": "http://b.test/gallery", "selectors": selectors}}
    outcome = await _scraped(
        _category(extra=[gallery]),
        {"b.test": PlayedWiki(0)},
        PlayedDownloader(),
        browsers=_TwoPagesBrowser(0).start,
    )
    (health,) = outcome.sources
    assert outcome.reason is EndReason.SOURCES_EXHAUSTED
    assert (outcome.stored, health.found, health.failed) == (2, 2, False)
    assert "http://b.test/2: nothing matches the item selector 'figure'" in health.problem


async def test_a_wrong_selector_is_a_mistake_of_the_user() -> None:
    selectors = {"item": "figure[", "image": "a::attr(href)"}
    gallery = {"gallery": {"url": "http://a.test/gallery", "selectors": selectors}}
    category = _category(extra=[gallery], queries=["one", "two"])
    with pytest.raises(BadInputError, match=r"figure\["):
        await _scraped(category, {"a.test": PlayedWiki(5)}, PlayedDownloader())


async def test_an_endpoint_without_a_port_is_a_mistake_of_the_user() -> None:
    with pytest.raises(BadInputError, match="is not HOST:PORT"):
        await scrape(
            _category("a.test"),
            run_id="run-1",
            endpoints=["downloader"],
            network=NetworkSettings(),
            progress=lambda _: None,
        )
