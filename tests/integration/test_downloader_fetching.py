"""What the downloader takes from the web, and what it refuses: each limit on real sockets."""

import asyncio
import gzip
from itertools import count

import pytest
from aiohttp import web

from artgrab.common.network import NetworkSettings
from artgrab.common.store import Store
from artgrab.downloader.hosts import MAX_TROUBLES
from tests.support.downloads import only_record, pictures_kept, trickle
from tests.support.drawn import drawn, encoded, jpeg
from tests.support.ingest_client import downloader, ingest_one
from tests.support.playing_hosts import PlayingHosts, network_of
from tests.support.waiting import WAIT_SECONDS


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
async def test_every_format_is_stored_whatever_its_name_and_type_say(
    kind: str, hosts: PlayingHosts, store: Store
) -> None:
    url = hosts.put(
        "http://a.test/a.txt", encoded(drawn(), kind), headers={"Content-Type": "text/plain"}
    )
    async with downloader(store, hosts.network) as endpoint:
        assert await ingest_one(endpoint, url) == ("STORED", "")
    assert only_record(store).source_format == kind.lower()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<!doctype html><p>No such picture", "html"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "svg"),
        (b"", "empty"),
        (b"%PDF-1.7", "pdf"),
        (jpeg()[:4000], "truncated"),
    ],
)
async def test_what_is_no_picture_is_a_lasting_failure(
    body: bytes, reason: str, hosts: PlayingHosts, store: Store
) -> None:
    url = hosts.put("http://a.test/a.jpg", body, headers={"Content-Type": "image/jpeg"})
    async with downloader(store, hosts.network) as endpoint:
        assert await ingest_one(endpoint, url) == ("FAILED", reason)
    assert not only_record(store).passing
    assert not pictures_kept(store)


@pytest.mark.parametrize(
    ("status", "passing"),
    [
        (401, False),
        (403, False),
        (404, False),
        (408, True),
        (410, False),
        (501, True),
        (206, False),
    ],
)
async def test_a_status_is_a_failure_that_lasts_or_passes(
    status: int, passing: bool, hosts: PlayingHosts, store: Store
) -> None:
    url = hosts.put("http://a.test/a.jpg", jpeg(), status=status)
    async with downloader(store, hosts.network) as endpoint:
        assert await ingest_one(endpoint, url) == ("FAILED", f"http-{status}")
    record = only_record(store)
    assert (record.http_status, record.passing) == (status, passing)


async def test_a_server_error_gets_a_second_try_and_no_third(
    hosts: PlayingHosts, store: Store
) -> None:
    url = hosts.put("http://a.test/a.jpg", status=500)
    async with downloader(store, hosts.network) as endpoint:
        assert await ingest_one(endpoint, url) == ("RETRY_LATER", "http-500")
        assert await ingest_one(endpoint, url) == ("FAILED", "http-500")
    assert only_record(store).passing


async def test_a_server_error_that_is_gone_at_the_second_try_costs_nothing(
    hosts: PlayingHosts, store: Store
) -> None:
    url = hosts.put("http://a.test/a.jpg", status=503)
    async with downloader(store, hosts.network) as endpoint:
        async with asyncio.timeout(WAIT_SECONDS):
            assert (await ingest_one(endpoint, url))[0] == "RETRY_LATER"
            hosts.put(url, jpeg())
            assert await ingest_one(endpoint, url) == ("STORED", "")


@pytest.mark.parametrize(
    ("status", "headers"),
    [(302, {"Location": "http://b.test/a.jpg"}), (200, {"X-Robots-Tag": "noai"}), (404, {})],
)
async def test_whatever_a_site_answers_shows_that_it_is_not_down(
    hosts: PlayingHosts, store: Store, status: int, headers: dict[str, str]
) -> None:
    answered = hosts.put("http://a.test/answered.jpg", status=status, headers=headers)
    broken = [
        hosts.put(f"http://a.test/{number}.jpg", status=500) for number in range(MAX_TROUBLES)
    ]
    good = hosts.put("http://a.test/good.jpg", jpeg())
    async with downloader(store, hosts.network) as endpoint:
        for url in (*broken[1:], answered, broken[0]):
            await ingest_one(endpoint, url)
        assert await ingest_one(endpoint, good) == ("STORED", "")


async def test_a_host_that_always_answers_429_is_given_up(
    hosts: PlayingHosts, store: Store
) -> None:
    url = hosts.put("http://a.test/a.jpg", status=429, headers={"Retry-After": "0"})
    async with downloader(store, hosts.network) as endpoint:
        tries = 1
        while (found := await ingest_one(endpoint, url)) == ("RETRY_LATER", "host-busy"):
            tries += 1
    assert found == ("FAILED", "http-429")
    assert only_record(store).passing
    assert tries < 10


async def test_a_body_longer_than_allowed_is_refused_announced_or_not(
    hosts: PlayingHosts, store: Store
) -> None:
    sent = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        while sent < 50_000_000:
            await response.write(b"\xff" * 65536)
            sent += 65536
        return response

    unannounced = hosts.handle("http://a.test/endless.jpg", endless)
    announced = hosts.put("http://b.test/a.jpg", b"\xff" * 200_000)
    async with downloader(store, hosts.network, max_source_bytes=100_000) as endpoint:
        for url in (announced, unannounced):
            assert await ingest_one(endpoint, url) == ("FAILED", "too-large")
    assert sent < 20_000_000


async def test_a_compressed_body_is_counted_after_decompression(
    hosts: PlayingHosts, store: Store
) -> None:
    bomb = gzip.compress(b"\xff\xd8\xff" + b"\0" * 30_000_000)
    assert len(bomb) < 100_000
    url = hosts.put("http://a.test/a.jpg", bomb, headers={"Content-Encoding": "gzip"})
    async with downloader(store, hosts.network, max_source_bytes=1_000_000) as endpoint:
        assert await ingest_one(endpoint, url) == ("FAILED", "too-large")


async def test_a_body_that_trickles_is_given_up(hosts: PlayingHosts, store: Store) -> None:
    url = hosts.handle("http://a.test/a.jpg", trickle(0.05))
    async with downloader(store, hosts.network, rate_seconds=1) as endpoint:
        assert await ingest_one(endpoint, url) == ("FAILED", "too-slow")
    assert only_record(store).passing


async def test_a_body_that_pauses_is_given_up(hosts: PlayingHosts, store: Store) -> None:
    url = hosts.handle("http://a.test/a.jpg", trickle(60))
    async with downloader(store, hosts.network, first_byte_seconds=1.5) as endpoint:
        assert await ingest_one(endpoint, url) == ("FAILED", "read-timeout")
    assert only_record(store).passing


async def test_an_answer_as_a_whole_has_its_time(hosts: PlayingHosts, store: Store) -> None:
    url = hosts.handle("http://a.test/a.jpg", trickle(0.05))
    async with downloader(store, hosts.network, total_seconds=2) as endpoint:
        assert await ingest_one(endpoint, url) == ("FAILED", "timeout")


async def test_the_whole_way_to_a_picture_has_its_time_however_many_answers_it_takes(
    hosts: PlayingHosts, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = hosts.handle("http://a.test/robots.txt", trickle(0.05)).replace("robots.txt", "a.jpg")
    async with downloader(store, hosts.network) as endpoint:
        with monkeypatch.context() as hurried:
            hurried.setattr("artgrab.downloader.pipeline._PATIENCE_SECONDS", 1.0)
            assert await ingest_one(endpoint, url) == ("FAILED", "timeout")
        assert await ingest_one(endpoint, hosts.put("http://b.test/b.jpg", jpeg())) == (
            "STORED",
            "",
        )
    assert [one.host for one in hosts.seen if one.path == "/a.jpg"] == []


async def test_a_body_cut_off_gets_a_second_try_and_then_fails(
    hosts: PlayingHosts, store: Store
) -> None:
    async def cut(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"\xff\xd8\xff")
        assert request.transport is not None
        request.transport.close()
        return response

    url = hosts.handle("http://a.test/a.jpg", cut)
    async with downloader(store, hosts.network) as endpoint:
        assert await ingest_one(endpoint, url) == ("RETRY_LATER", "cut-off")
        assert await ingest_one(endpoint, url) == ("FAILED", "cut-off")
    assert only_record(store).passing


async def test_a_host_that_refuses_connections_is_a_passing_failure(
    store: Store, unused_tcp_port: int
) -> None:
    async with downloader(store, network_of(unused_tcp_port)) as endpoint:
        assert await ingest_one(endpoint, "http://a.test/a.jpg") == ("FAILED", "connect")
    assert only_record(store).passing


async def test_redirects_are_followed_to_other_hosts_and_the_end_is_recorded(
    hosts: PlayingHosts, store: Store
) -> None:
    hosts.put("http://c.test/end.jpg", jpeg())
    hosts.put("http://b.test/x/a", status=308, headers={"Location": "../x/b?q=%2f"})
    hosts.put("http://b.test/x/b?q=%2f", status=301, headers={"Location": "//c.test/end.jpg#part"})
    url = hosts.put("http://a.test/a", status=302, headers={"Location": "http://b.test/x/a"})
    async with downloader(store, hosts.network) as endpoint:
        assert await ingest_one(endpoint, url) == ("STORED", "")
    assert only_record(store).final_url == "http://c.test/end.jpg"
    assert only_record(store).candidate.url == url


async def test_a_circle_of_redirects_is_left_after_five(hosts: PlayingHosts, store: Store) -> None:
    url = hosts.put("http://a.test/a", status=307, headers={"Location": "/a"})
    async with downloader(store, hosts.network) as endpoint:
        assert await ingest_one(endpoint, url) == ("FAILED", "too-many-redirects")
    assert hosts.asked(url) == 6


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("http://127.0.0.1/", "private-address"),
        ("http://[::ffff:127.0.0.1]/", "private-address"),
        ("http://169.254.169.254/latest/meta-data/", "private-address"),
        ("http://a.test:22/", "port"),
        ("http://user:pass@a.test/", "userinfo"),
        ("file:///etc/passwd", "bad-url"),
        ("ftp://a.test/", "bad-url"),
        ("http://[::/", "bad-redirect"),
        ("", "bad-redirect"),
    ],
)
async def test_a_redirect_to_a_forbidden_target_is_refused(
    location: str, reason: str, hosts: PlayingHosts, store: Store
) -> None:
    url = hosts.put("http://a.test/a", status=302, headers={"Location": location})
    async with downloader(store, hosts.network) as endpoint:
        assert await ingest_one(endpoint, url) == ("FAILED", reason)
    assert not only_record(store).passing
    assert {one.host for one in hosts.seen} == {"a.test"}


async def test_a_private_address_is_not_connected_to_unless_allowed(
    hosts: PlayingHosts, store: Store
) -> None:
    url = hosts.put("http://a.test/a.jpg", jpeg())
    network = NetworkSettings(resolve=hosts.network.resolve)
    async with downloader(store, network) as endpoint:
        assert await ingest_one(endpoint, url) == ("FAILED", "private-address")
        assert await ingest_one(endpoint, "http://localhost/a.jpg") == (
            "FAILED",
            "private-address",
        )
    assert not hosts.seen


async def test_bodies_beyond_what_may_be_held_come_again(hosts: PlayingHosts, store: Store) -> None:
    picture = jpeg(width=600, height=400)
    begun, go = asyncio.Event(), asyncio.Event()

    async def half(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(len(picture))})
        await response.prepare(request)
        await response.write(picture[:-100])
        begun.set()
        await go.wait()
        await response.write(picture[-100:])
        return response

    first = hosts.handle("http://a.test/a.jpg", half)
    others = (hosts.put(f"http://b{number}.test/b.jpg", picture) for number in count())
    budget = len(picture) + 1000
    async with downloader(store, hosts.network, max_bytes_in_flight=budget) as endpoint:
        waiting = asyncio.create_task(ingest_one(endpoint, first))
        await begun.wait()
        async with asyncio.timeout(WAIT_SECONDS):
            while await ingest_one(endpoint, next(others)) != ("RETRY_LATER", "overloaded"):
                pass  # what was begun may not have arrived yet
        go.set()
        assert await waiting == ("STORED", "")
        assert await ingest_one(endpoint, next(others)) == ("STORED", "")
