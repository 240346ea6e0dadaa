"""robots.txt over real sockets: who may do what, and what no answer means (RFC 9309)."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from artgrab.common.politeness.robots import MAX_BYTES, MAX_REDIRECTS
from artgrab.scraper.robots import MAX_DELAY_SECONDS, Robots
from artgrab.scraper.web import open_session
from tests.support.playing_hosts import PlayingHosts

_ROBOTS = "http://a.test/robots.txt"
_PAGE = "http://a.test/gallery"


@pytest.fixture
async def session(hosts: PlayingHosts) -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session(hosts.network) as session:
        yield session


@pytest.mark.parametrize(
    ("rules", "allowed"),
    [
        ("", True),
        ("User-agent: *\nDisallow: /", False),
        ("User-agent: *\nDisallow: /other", True),
        ("User-agent: artgrab\nDisallow: /gallery\n\nUser-agent: *\nAllow: /", False),
        ("User-agent: *\nDisallow: /\n\nUser-agent: ArtGrab\nAllow: /gallery", True),
        ("User-agent: otherbot\nDisallow: /", True),
        ("\ufeff\x00\xff Disallow / nonsense", True),
    ],
)
async def test_rules_are_kept_as_they_address_us(
    hosts: PlayingHosts, session: aiohttp.ClientSession, rules: str, allowed: bool
) -> None:
    hosts.put(_ROBOTS, rules.encode())
    assert await Robots(session).allows(_PAGE) is allowed


@pytest.mark.parametrize(
    ("status", "allowed"), [(404, True), (403, True), (429, False), (500, False), (503, False)]
)
async def test_no_rules_allow_all_and_a_broken_server_forbids_all(
    hosts: PlayingHosts, session: aiohttp.ClientSession, status: int, allowed: bool
) -> None:
    hosts.put(_ROBOTS, b"User-agent: *\nDisallow: /", status=status)
    assert await Robots(session).allows(_PAGE) is allowed


async def test_a_server_that_hangs_up_forbids_all(
    hosts: PlayingHosts, session: aiohttp.ClientSession
) -> None:
    async def hang_up(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    hosts.handle(_ROBOTS, hang_up)
    assert not await Robots(session).allows(_PAGE)


async def test_redirects_are_followed_but_not_for_ever(
    hosts: PlayingHosts, session: aiohttp.ClientSession
) -> None:
    hosts.put(_ROBOTS, status=301, headers={"Location": "http://b.test/rules"})
    hosts.put("http://b.test/rules", b"User-agent: *\nDisallow: /gallery")
    robots = Robots(session)
    assert not await robots.allows(_PAGE)
    assert await robots.allows("http://a.test/other")
    hosts.put("http://c.test/robots.txt", status=302, headers={"Location": "/robots.txt"})
    assert await Robots(session).allows("http://c.test/"), "as if there were none"
    assert hosts.asked("http://c.test/robots.txt") == 1 + MAX_REDIRECTS


async def test_as_many_redirects_are_followed_as_the_standard_asks_for(
    hosts: PlayingHosts, session: aiohttp.ClientSession
) -> None:
    for number in range(MAX_REDIRECTS):
        source = f"http://h{number}.test/robots.txt"
        target = f"http://h{number + 1}.test/robots.txt"
        hosts.put(source, status=301, headers={"Location": target})
    hosts.put(f"http://h{MAX_REDIRECTS}.test/robots.txt", b"User-agent: *\nDisallow: /")
    assert not await Robots(session).allows("http://h0.test/")


async def test_rules_are_believed_for_a_day(
    hosts: PlayingHosts, session: aiohttp.ClientSession
) -> None:
    now = [0.0]
    robots = Robots(session, clock=lambda: now[0])
    assert await robots.allows(_PAGE)
    hosts.put(_ROBOTS, b"User-agent: *\nDisallow: /")
    now[0] += 23 * 3600
    assert await robots.allows(_PAGE)
    now[0] += 2 * 3600
    assert not await robots.allows(_PAGE)


@pytest.mark.parametrize(
    ("rules", "asked"),
    [
        ("User-agent: *\nDisallow: /", True),
        ("User-agent: artgrab\nDisallow: /w/", False),
        ("User-agent: artgrab\nDisallow: /x/\n\nUser-agent: *\nDisallow: /", True),
    ],
)
async def test_an_api_is_forbidden_only_by_rules_that_name_us(
    hosts: PlayingHosts, session: aiohttp.ClientSession, rules: str, asked: bool
) -> None:
    hosts.put(_ROBOTS, rules.encode())
    refusal = await Robots(session).refusal_by_name("http://a.test/w/api.php")
    assert (refusal == "") is asked, refusal


async def test_what_the_rules_say_on_usage_is_known_of_a_page(
    hosts: PlayingHosts, session: aiohttp.ClientSession
) -> None:
    hosts.put(_ROBOTS, b"User-agent: *\nContent-Usage: /gallery train-ai=n")
    robots = Robots(session)
    assert await robots.opt_outs(_PAGE) == ("robots.txt: content-usage train-ai=n",)
    assert await robots.opt_outs("http://a.test/other") == ()


async def test_endless_rules_are_read_to_the_limit(
    hosts: PlayingHosts, session: aiohttp.ClientSession
) -> None:
    first = b"User-agent: *\nDisallow: /gallery\n#"
    hosts.put(_ROBOTS, first + b"x" * (2 * MAX_BYTES) + b"\nAllow: /gallery/more")
    robots = Robots(session)
    assert not await robots.allows(_PAGE)
    assert not await robots.allows("http://a.test/gallery/more")


async def test_the_rules_of_a_site_are_read_once(
    hosts: PlayingHosts, session: aiohttp.ClientSession
) -> None:
    robots = Robots(session)
    for number in range(3):
        assert await robots.allows(f"http://a.test/{number}")
    assert hosts.asked(_ROBOTS) == 1


@pytest.mark.parametrize(
    ("rules", "seconds"),
    [
        ("", 0.0),
        ("User-agent: *\nCrawl-delay: 2.5", 2.5),
        ("User-agent: *\nCrawl-delay: 86400", MAX_DELAY_SECONDS),
        ("User-agent: *\nCrawl-delay: -4", 0.0),
        ("User-agent: *\nCrawl-delay: soon", 0.0),
    ],
)
async def test_the_pause_a_site_asks_for_is_known_within_reason(
    hosts: PlayingHosts, session: aiohttp.ClientSession, rules: str, seconds: float
) -> None:
    hosts.put(_ROBOTS, rules.encode())
    assert await Robots(session).delay(_PAGE) == seconds
