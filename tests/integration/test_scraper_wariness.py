"""Galleries and wikis that turn us away, in a real Chromium, over real sockets: we stop asking."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import web

from artgrab.common.resources import ArtCategory
from artgrab.scraper.browser import Browser, chromium
from artgrab.scraper.robots import Robots
from artgrab.scraper.sources import Found, SourceError, Tools, gallery, mediawiki
from artgrab.scraper.sources.gallery import Limits
from artgrab.scraper.turns import Turns
from artgrab.scraper.wariness import MAX_REFUSALS
from artgrab.scraper.web import open_session
from tests.support.playing_hosts import PlayingHosts, playing_hosts
from tests.support.requirements import need_browser

pytestmark = [
    pytest.mark.timeout(240),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.xdist_group("browser"),
]

_QUICK = Limits(first_items_seconds=0.3, patience_seconds=(0.1,))
_CHALLENGE = b"<!doctype html><title>Just a moment...</title><form id=challenge-form></form>"
_EMPTY = b"<!doctype html><title>No results</title><script>recaptcha</script>"
_PICTURES = b"<!doctype html><title>x</title><figure><a href=/1.jpg>1</a></figure>"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hosts() -> AsyncIterator[PlayingHosts]:
    need_browser()
    async with playing_hosts() as hosts:
        yield hosts


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(hosts: PlayingHosts) -> AsyncIterator[Browser]:
    async with chromium(hosts.network) as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def tools(hosts: PlayingHosts, browser: Browser) -> AsyncIterator[Tools]:
    async def get() -> Browser:
        return browser

    async def no_sleep(seconds: float) -> None:
        pass

    async with open_session(hosts.network) as session:
        yield Tools(
            network=hosts.network,
            session=session,
            robots=Robots(session),
            browser=get,
            turns=Turns(),
            sleep=no_sleep,
        )


def _category(source: dict[str, object]) -> ArtCategory:
    return ArtCategory.model_validate(
        {
            "apiVersion": "artgrab.dev/v1alpha1",
            "kind": "ArtCategory",
            "metadata": {"name": "cats"},
            "spec": {"sources": [source]},
        }
    )


def _gallery(host: str) -> ArtCategory:
    selectors = {"item": "figure", "image": "a::attr(href)"}
    return _category({"gallery": {"url": f"http://{host}/?q={{query}}", "selectors": selectors}})


async def _asked(category: ArtCategory, tools: Tools, *queries: str) -> list[str]:
    """Return what was the matter with each query, empty where it gave pictures."""
    (source,) = category.spec.sources
    problems = []
    for query in queries:
        found: list[Found] = []
        try:
            batches = mediawiki.pictures(source, query, tools=tools)
            if source.kind == "gallery":
                batches = gallery.pictures(source, query, tools=tools, limits=_QUICK)
            async for batch in batches:
                found += batch
        except SourceError as error:
            problems.append(str(error))
        else:
            assert found
            problems.append("")
    return problems


def _answers(hosts: PlayingHosts, host: str, *answers: web.Response | bytes) -> None:
    """Let the queries 0, 1, ... of a host be answered so."""
    for number, answer in enumerate(answers):
        url = f"http://{host}/?q={number}"
        headers = {"Content-Type": "text/html"}
        if isinstance(answer, bytes):
            hosts.put(url, answer, headers=headers)
        else:
            body = b"" if number % 2 else b"<p>No"
            hosts.put(url, body, status=answer.status, headers=headers)


def _requests(hosts: PlayingHosts, host: str) -> int:
    aside = ("/robots.txt", "/favicon.ico")
    return sum(one.host == host and one.path not in aside for one in hosts.seen)


@pytest.mark.parametrize("status", [401, 403, 451, 503])
async def test_a_gallery_that_refuses_is_asked_a_few_times_only(
    status: int, hosts: PlayingHosts, tools: Tools
) -> None:
    host = f"www.refuses-{status}.test"
    _answers(hosts, host, *[web.Response(status=status)] * 6)
    problems = await _asked(_gallery(host), tools, *"012345")
    assert all(f"status {status}" in one for one in problems), problems
    assert [one.endswith("not asked again in this run") for one in problems] == (
        [False] * MAX_REFUSALS + [True] * (6 - MAX_REFUSALS)
    )
    assert _requests(hosts, host) == MAX_REFUSALS


async def test_a_gallery_that_asks_for_rest_is_not_asked_a_second_time(
    hosts: PlayingHosts, tools: Tools
) -> None:
    _answers(hosts, "www.rests.test", *[web.Response(status=429)] * 3)
    problems = await _asked(_gallery("www.rests.test"), tools, *"012")
    assert problems[1] == problems[2]
    assert problems[1] == "rests.test turns us away (status 429): not asked again in this run"
    assert _requests(hosts, "www.rests.test") == 1


async def test_a_page_that_wants_a_person_is_told_from_a_page_without_results(
    hosts: PlayingHosts, tools: Tools
) -> None:
    answers = (_PICTURES, _CHALLENGE, _CHALLENGE, _EMPTY, _CHALLENGE, _CHALLENGE, _CHALLENGE, b"")
    _answers(hosts, "www.doubts.test", *answers)
    problems = await _asked(_gallery("www.doubts.test"), tools, *"01234567")
    wanted = "asks for proof that a person is there; artgrab gives none and stops"
    assert [one.endswith(wanted) for one in problems] == [
        False, True, True, False, True, True, True, False,
    ]  # fmt: skip
    assert problems[0] == ""
    assert "no results" in problems[3]
    assert problems[7].endswith("not asked again in this run")


async def test_a_missing_page_is_no_refusal(hosts: PlayingHosts, tools: Tools) -> None:
    _answers(hosts, "www.misses.test", *[web.Response(status=404)] * 4, _PICTURES)
    assert (await _asked(_gallery("www.misses.test"), tools, *"01234"))[-1] == ""


async def test_a_wiki_that_stays_silent_is_not_asked_for_every_query(
    hosts: PlayingHosts, tools: Tools
) -> None:
    wiki = _category({"mediawiki": {"url": "http://www.silent.test/w/api.php"}})
    for path in ("/w/api.php", "/robots.txt"):
        hosts.put(f"http://www.silent.test{path}", status=503)
    problems = await _asked(wiki, tools, "a", "b", "c")
    asked = _requests(hosts, "www.silent.test")
    assert "no answer in 6 tries" in problems[0]
    assert problems[1] == problems[2]
    assert problems[1].endswith("not asked again in this run")
    assert asked == 6


async def test_a_wiki_that_forbids_us_by_name_is_not_asked_at_all(
    hosts: PlayingHosts, tools: Tools
) -> None:
    wiki = _category({"mediawiki": {"url": "http://www.closed.test/w/api.php"}})
    hosts.put("http://www.closed.test/robots.txt", b"User-agent: artgrab\nDisallow: /w/")
    (problem,) = await _asked(wiki, tools, "a")
    assert problem.startswith("robots.txt of closed.test forbids artgrab by name")
    assert _requests(hosts, "www.closed.test") == 0
