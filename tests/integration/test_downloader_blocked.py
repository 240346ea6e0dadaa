"""Sites that do not want us: noticed after a bounded number of requests, and left alone."""

from itertools import count

import pytest
from aiohttp import web

from artgrab.common.store import Store
from artgrab.downloader.hosts import MAX_REFUSALS, MAX_TROUBLES
from tests.support.downloads import recorded
from tests.support.drawn import jpeg
from tests.support.ingest_client import candidate, downloader, ingest, ingest_one, outcomes
from tests.support.playing_hosts import Handler, PlayingHosts

pytestmark = pytest.mark.folder_only(reason="what sites answer is no matter of the store")

_AT_ONCE = 2
_CANDIDATES = 30
_CHALLENGE = b"<!doctype html><title>Just a moment...</title><p>Are you a robot?" + b" " * 500


def _after(good: int, refusal: web.Response | None, *, body: bytes = b"") -> Handler:
    """Return a handler that answers well so often and then refuses."""
    asked = count()

    async def handler(request: web.Request) -> web.StreamResponse:
        number = next(asked)
        if number < good:
            return web.Response(body=jpeg(number))
        if refusal is None:
            return web.Response(body=body)
        return web.Response(status=refusal.status, headers=refusal.headers)

    return handler


async def _fetched(hosts: PlayingHosts, store: Store, handler: Handler) -> list[tuple[str, str]]:
    urls = [
        hosts.handle(f"http://img.a.test/{number}.jpg", handler) for number in range(_CANDIDATES)
    ]
    async with downloader(store, hosts.network, host_concurrency=_AT_ONCE) as endpoint:
        acks = await ingest(endpoint, map(candidate, urls))
        other = hosts.put("http://b.test/a.jpg", jpeg(99))
        assert await ingest_one(endpoint, other) == ("STORED", ""), "other sites are none the wiser"
    return list(outcomes(acks).values())


def _requests(hosts: PlayingHosts) -> int:
    return sum(one.host == "img.a.test" and one.path.endswith(".jpg") for one in hosts.seen)


@pytest.mark.parametrize("good", [0, 5])
@pytest.mark.parametrize("status", [401, 403, 451])
async def test_a_flood_of_refusals_ends_the_asking(
    status: int, good: int, hosts: PlayingHosts, store: Store
) -> None:
    found = await _fetched(hosts, store, _after(good, web.Response(status=status)))
    assert found.count(("STORED", "")) == good
    assert found.count(("FAILED", f"http-{status}")) <= MAX_REFUSALS + _AT_ONCE
    assert found.count(("FAILED", "site-blocks-us")) >= _CANDIDATES - good - MAX_REFUSALS - _AT_ONCE
    assert _requests(hosts) <= good + MAX_REFUSALS + _AT_ONCE
    blocked = [
        merged.record
        for merged in recorded(store).values()
        if merged.record.reason == "site-blocks-us"
    ]
    assert blocked
    assert all(record.passing for record in blocked), "the next run may have more luck"


async def test_a_page_that_asks_for_a_person_is_a_refusal_and_no_picture(
    hosts: PlayingHosts, store: Store
) -> None:
    found = await _fetched(hosts, store, _after(3, None, body=_CHALLENGE))
    assert set(found) == {
        ("STORED", ""),
        ("FAILED", "challenge-page"),
        ("FAILED", "site-blocks-us"),
    }
    assert _requests(hosts) <= 3 + MAX_REFUSALS + _AT_ONCE


async def test_pages_instead_of_pictures_count_where_there_were_pictures_before(
    hosts: PlayingHosts, store: Store
) -> None:
    page = b"<!doctype html><title>Welcome</title>" + b" " * 500
    found = await _fetched(hosts, store, _after(3, None, body=page))
    assert set(found) == {("STORED", ""), ("FAILED", "html"), ("FAILED", "site-blocks-us")}


async def test_links_that_were_never_pictures_are_no_sign_of_being_blocked(
    hosts: PlayingHosts, store: Store
) -> None:
    page = b"<!doctype html><title>Welcome</title>" + b" " * 500
    found = await _fetched(hosts, store, _after(0, None, body=page))
    assert set(found) == {("FAILED", "html")}
    assert not any(m.record.passing for m in recorded(store).values() if m.record.reason == "html")


async def test_single_refusals_between_good_answers_end_nothing(
    hosts: PlayingHosts, store: Store
) -> None:
    asked = count()

    async def every_second(request: web.Request) -> web.StreamResponse:
        number = next(asked)
        return web.Response(status=403) if number % 2 else web.Response(body=jpeg(number))

    urls = [hosts.handle(f"http://a.test/{number}.jpg", every_second) for number in range(40)]
    async with downloader(store, hosts.network, host_concurrency=1) as endpoint:
        found = outcomes(await ingest(endpoint, map(candidate, urls)))
    assert sorted(found.values()) == [("FAILED", "http-403")] * 20 + [("STORED", "")] * 20
    assert not any(m.record.passing for m in recorded(store).values()), "such a picture stays out"


async def test_a_site_that_never_stops_asking_for_rest_is_left_alone(
    hosts: PlayingHosts, store: Store
) -> None:
    refusal = web.Response(status=429, headers={"Retry-After": "0"})
    handler = _after(0, refusal)
    urls = [hosts.handle(f"http://a.test/{number}.jpg", handler) for number in range(12)]
    async with downloader(store, hosts.network, host_concurrency=1) as endpoint:
        found = dict.fromkeys(urls, ("RETRY_LATER", ""))
        while left := [url for url, (outcome, _) in found.items() if outcome == "RETRY_LATER"]:
            found |= {url: await ingest_one(endpoint, url) for url in left}
    reasons = [reason for _, reason in found.values()]
    assert set(reasons) == {"http-429", "site-blocks-us"}
    assert sum(one.path.endswith(".jpg") for one in hosts.seen) < 10


async def test_a_server_that_fails_again_and_again_gets_a_rest(
    hosts: PlayingHosts, store: Store
) -> None:
    handler = _after(3, web.Response(status=500))
    found = await _fetched(hosts, store, handler)
    assert found.count(("FAILED", "host-down")) >= _CANDIDATES - 3 - MAX_TROUBLES - _AT_ONCE
    assert _requests(hosts) <= 3 + MAX_TROUBLES + _AT_ONCE
