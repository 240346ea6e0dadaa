"""The demo world, scraped as users do: real gallery scripts in a real browser, a real MediaWiki."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from artgrab.common.documents import load_documents
from artgrab.common.network import NetworkSettings
from artgrab.common.resources import ArtCategory
from artgrab.scraper.scrape import EndReason, ScrapeOutcome, scrape
from tests.support.ingest_server import PlayedDownloader, played
from tests.support.requirements import need
from tests.world.hosts import Gallery
from tests.world.world import World, demo_world, missing_requirements

pytestmark = [pytest.mark.timeout(600), pytest.mark.xdist_group("browser")]

_EXAMPLE = Path(__file__).parents[2] / "examples" / "demo.yaml"
_LIMIT = 65
"""More than two pages of each gallery below."""


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    missing = missing_requirements()
    need(not missing, packages=" ".join(missing))
    with demo_world() as world:
        yield world


def _example(name: str) -> ArtCategory:
    categories = load_documents([_EXAMPLE]).categories
    return next(one for one in categories if one.metadata.name == name)


async def _scraped(
    category: ArtCategory, world: World, downloader: PlayedDownloader
) -> ScrapeOutcome:
    async with played(downloader):
        return await scrape(
            category,
            run_id="run-1",
            endpoints=[downloader.endpoint],
            network=NetworkSettings(resolve=world.resolve),
            progress=lambda _: None,
        )


def _limited(category: ArtCategory) -> ArtCategory:
    document = category.model_dump(by_alias=True, exclude_unset=True)
    document["spec"]["sources"][0]["gallery"]["url"] += f"&limit={_LIMIT}"
    return ArtCategory.model_validate(document)


def _gallery(world: World, category: str) -> Gallery:
    return next(one for one in world.hosts.galleries.values() if one.category == category)


@pytest.mark.parametrize("name", ["landscape", "costumes", "cartoon-stamps"])
async def test_every_style_of_gallery_gives_all_its_pictures_in_order(
    world: World, name: str
) -> None:
    downloader = PlayedDownloader()
    outcome = await _scraped(_limited(_example(name)), world, downloader)
    gallery = _gallery(world, name)
    listings = gallery.listings[:_LIMIT]
    assert outcome.reason is EndReason.SOURCES_EXHAUSTED
    assert [health.problem for health in outcome.sources] == [""]
    received = sorted(downloader.received, key=lambda candidate: candidate.rank)
    assert [one.url for one in received] == [listing.image_url for listing in listings]
    assert [one.page_url for one in received] == [listing.page_url for listing in listings]
    assert [one.title for one in received] == [listing.picture.title for listing in listings]
    if gallery.tells_creator:
        assert [one.creator for one in received] == [one.picture.creator or "" for one in listings]
    if gallery.tells_licence:
        told = [one.picture.licence_url or "" for one in listings]
        assert [one.licence.url for one in received] == told


async def test_a_real_mediawiki_gives_all_files_of_a_search_with_their_terms(world: World) -> None:
    downloader = PlayedDownloader()
    outcome = await _scraped(_example("monuments"), world, downloader)
    published = world.catalogue.published["monuments"]
    assert outcome.stored == len(published) > 50, "more than one answer of the wiki"
    assert sorted(one.rank for one in downloader.received) == list(range(len(published)))
    assert all(one.claimed_width and one.claimed_height for one in downloader.received)
    creators = {picture.creator for picture in published if picture.creator}
    assert {one.creator for one in downloader.received} >= creators
    licences = {picture.licence_url for picture in published if picture.licence_url}
    assert {one.licence.url for one in downloader.received} >= licences


async def test_the_scrape_itself_downloads_no_picture(world: World) -> None:
    before = len(world.requests(host="img.*"))
    await _scraped(_limited(_example("energy")), world, PlayedDownloader())
    assert len(world.requests(host="img.*")) == before
    assert world.requests(host="www.energy.test", path="/thumbnails/*") == []
