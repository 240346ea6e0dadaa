"""The MediaWiki driver on a played wiki that is busy, lagging, broken or full of giants.

A real MediaWiki is asked in test_scraper_world.
"""

import asyncio
import socket

import pytest
from aiohttp import web

from artgrab.common.network import NetworkSettings
from artgrab.common.resources import MediaWikiSource, Source
from artgrab.scraper.browser import Browser
from artgrab.scraper.robots import Robots
from artgrab.scraper.sources import Found, SourceError, Tools
from artgrab.scraper.sources.mediawiki import pictures
from artgrab.scraper.turns import Turns
from artgrab.scraper.wariness import Wariness
from artgrab.scraper.web import open_session
from tests.support.played_wiki import PlayedWiki


async def _search(wiki: PlayedWiki, turns: Turns | None = None) -> list[list[Found]]:
    """Search the wiki to the end."""
    source = Source(mediawiki=MediaWikiSource(url="http://wiki.test/w/api.php"))

    async def browser() -> Browser:
        raise AssertionError("an API needs no browser")

    async def sleep(seconds: float) -> None:
        wiki.slept.append(seconds)

    async with wiki.running() as endpoint:
        network = NetworkSettings(resolve={"wiki.test": endpoint}, contact="mailto:me@example.org")
        async with open_session(network) as session:
            tools = Tools(
                network=network,
                session=session,
                robots=Robots(session),
                browser=browser,
                turns=turns or Turns(),
                sleep=sleep,
            )
            return [list(batch) async for batch in pictures(source, "old bridge", tools=tools)]


def _numbers(batches: list[list[Found]]) -> list[int]:
    return [
        int(one.url.rpartition("/")[2].removesuffix(".jpg")) for batch in batches for one in batch
    ]


async def test_a_search_goes_on_to_its_end() -> None:
    wiki = PlayedWiki(120)
    batches = await _search(wiki)
    assert _numbers(batches) == list(range(120))
    assert [one.rank for batch in batches for one in batch] == list(range(120))
    assert [len(batch) for batch in batches] == [50, 50, 20]


async def test_the_wiki_sees_who_calls_and_that_we_yield_to_its_load() -> None:
    wiki = PlayedWiki(1)
    await _search(wiki)
    (query,) = wiki.queries
    assert query["gsrsearch"] == "old bridge"
    assert query["maxlag"] == "5"
    assert wiki.agents == {NetworkSettings(contact="mailto:me@example.org").user_agent}


def _lag() -> web.Response:
    body = {"error": {"code": "maxlag", "info": "Waiting for db1: 9 seconds lagged"}}
    return web.json_response(body, headers={"Retry-After": "5"})


async def test_a_busy_wiki_is_asked_again_after_the_time_it_names() -> None:
    wiki = PlayedWiki(3)
    wiki.troubles = [web.Response(status=429, headers={"Retry-After": "30"}), _lag()]
    assert _numbers(await _search(wiki)) == [0, 1, 2]
    assert wiki.slept == [30.0, 5.0]


async def test_a_wiki_that_names_no_time_is_asked_ever_less_often() -> None:
    wiki = PlayedWiki(1)
    date = {"Retry-After": "Wed, 21 Oct 2035 07:28:00 GMT"}
    wiki.troubles = [web.Response(status=503), web.Response(status=502, headers=date)]
    await _search(wiki)
    assert wiki.slept == [1.0, 2.0]


async def test_an_absurd_time_to_wait_is_bounded() -> None:
    wiki = PlayedWiki(1)
    wiki.troubles = [web.Response(status=429, headers={"Retry-After": "99999"})]
    await _search(wiki)
    assert wiki.slept == [120.0]


async def test_a_wiki_that_nobody_reaches_is_tried_a_few_times_for_all_queries_together() -> None:
    source = Source(mediawiki=MediaWikiSource(url="http://wiki.test/w/api.php"))
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def browser() -> Browser:
        raise AssertionError("an API needs no browser")

    with socket.socket() as closed:  # bound and never listening: nobody else gets its number
        closed.bind(("127.0.0.1", 0))
        network = NetworkSettings(resolve={"wiki.test": f"127.0.0.1:{closed.getsockname()[1]}"})
        async with open_session(network) as session:
            wariness = Wariness()
            for _ in range(3):  # scrapes of one run
                tools = Tools(
                    network=network,
                    session=session,
                    robots=Robots(session),
                    browser=browser,
                    turns=Turns(),
                    wariness=wariness,
                    sleep=sleep,
                )
                with pytest.raises(SourceError, match=r"in 4 tries \(connection refused\): not"):
                    await anext(pictures(source, "old bridge", tools=tools))
    assert slept == [1.0, 2.0, 4.0]


async def test_a_wiki_that_stays_busy_is_a_trouble_of_the_source() -> None:
    wiki = PlayedWiki(1)
    wiki.troubles = [_lag() for _ in range(10)]
    with pytest.raises(SourceError, match=r"wiki\.test gives no answer in 6 tries \(maxlag"):
        await _search(wiki)
    assert len(wiki.queries) == 6


@pytest.mark.parametrize(
    ("trouble", "complaint"),
    [
        (web.Response(status=403), "status 403"),
        (web.Response(text="<html>hello</html>"), "not an answer"),
        (web.json_response({"error": {"code": "nosearch", "info": "off"}}), "nosearch: off"),
    ],
    ids=["forbidden", "html", "refused"],
)
async def test_a_refusal_is_not_tried_again(trouble: web.Response, complaint: str) -> None:
    wiki = PlayedWiki(1)
    wiki.troubles = [trouble]
    with pytest.raises(SourceError, match=complaint):
        await _search(wiki)
    assert wiki.slept == []


async def test_giants_are_taken_at_the_width_that_the_wiki_keeps_ready() -> None:
    wiki = PlayedWiki(3)
    wiki.sizes[1] = 30_000_000
    (batch,) = await _search(wiki)
    assert [one.url for one in batch] == [
        "http://files.wiki.test/0.jpg",
        "http://files.wiki.test/thumb/1.jpg",
        "http://files.wiki.test/2.jpg",
    ]
    assert batch[1].width == 1280
    assert wiki.queries[1]["pageids"] == "1"


async def test_a_wiki_that_always_names_the_same_position_is_left() -> None:
    wiki = PlayedWiki(0)
    stuck = {"query": {"pages": []}, "continue": {"gsroffset": 50}}
    wiki.troubles = [web.json_response(stuck) for _ in range(20)]
    assert await _search(wiki) == []
    assert len(wiki.queries) == 2


async def test_searches_that_run_at_once_take_turns_at_one_wiki() -> None:
    wiki = PlayedWiki(120)
    turns = Turns()
    await asyncio.gather(*(_search(wiki, turns) for _ in range(3)))
    assert len(wiki.queries) == 9
    assert wiki.most_at_once == 1


async def test_a_wiki_that_sends_us_in_circles_is_left_in_the_end() -> None:
    wiki = PlayedWiki(0)
    wiki.troubles = [
        web.json_response({"query": {"pages": []}, "continue": {"gsroffset": number % 2}})
        for number in range(1010)
    ]
    assert await _search(wiki) == []
    assert len(wiki.queries) == 1000


async def test_a_position_of_endless_digits_is_the_end() -> None:
    wiki = PlayedWiki(0)
    far = {"query": {"pages": []}, "continue": {"gsroffset": "9" * 5000}}
    wiki.troubles = [web.json_response(far)]
    assert await _search(wiki) == []
    assert len(wiki.queries) == 1
