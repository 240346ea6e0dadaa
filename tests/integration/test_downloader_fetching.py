"""What the downloader takes from the web, and what it refuses: each limit on real sockets."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import pytest
from aiohttp import web

from artgrab.common.keys import images_prefix
from artgrab.common.network import NetworkSettings
from artgrab.common.record_parts import read_records
from artgrab.common.records import Record
from artgrab.common.store import Store
from tests.support.drawn import drawn, encoded, jpeg
from tests.support.ingest_client import candidate, downloader, ingest, ingest_one, outcomes
from tests.support.playing_hosts import Handler, PlayingHosts, playing_hosts


@pytest.fixture
async def hosts() -> AsyncIterator[PlayingHosts]:
    async with playing_hosts() as playing:
        yield playing


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(str(tmp_path / "store"))


def only_record(store: Store) -> Record:
    (merged,) = read_records(store, namespace="default", category="cats").values()
    return merged.record


def kept(store: Store) -> int:
    return len(list(store.list(images_prefix("default", "cats"))))


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
    assert not kept(store)


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
        async with asyncio.timeout(20):
            assert (await ingest_one(endpoint, url))[0] == "RETRY_LATER"
            hosts.put(url, jpeg())
            assert await ingest_one(endpoint, url) == ("STORED", "")


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


def trickle(pause: float, *, length: int = 1000) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(length)})
        await response.prepare(request)
        for _ in range(length):
            await response.write(b"\xff")
            await asyncio.sleep(pause)
        return response

    return handler


async def test_a_body_that_trickles_is_given_up(hosts: PlayingHosts, store: Store) -> None:
    url = hosts.handle("http://a.test/a.jpg", trickle(0.05))
    async with downloader(store, hosts.network, rate_seconds=0.5) as endpoint:
        assert await ingest_one(endpoint, url) == ("FAILED", "too-slow")
    assert only_record(store).passing


async def test_a_body_that_pauses_is_given_up(hosts: PlayingHosts, store: Store) -> None:
    url = hosts.handle("http://a.test/a.jpg", trickle(60))
    async with downloader(store, hosts.network, first_byte_seconds=0.5) as endpoint:
        assert await ingest_one(endpoint, url) == ("FAILED", "read-timeout")
    assert only_record(store).passing


async def test_an_answer_as_a_whole_has_its_time(hosts: PlayingHosts, store: Store) -> None:
    url = hosts.handle("http://a.test/a.jpg", trickle(0.05))
    async with downloader(store, hosts.network, total_seconds=1) as endpoint:
        assert await ingest_one(endpoint, url) == ("FAILED", "timeout")


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
    network = NetworkSettings(
        resolve={"*.test": f"127.0.0.1:{unused_tcp_port}"},
        allowed_targets=[f"127.0.0.1/32:{unused_tcp_port}"],
    )
    async with downloader(store, network) as endpoint:
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
        ("", "too-many-redirects"),
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


async def test_robots_txt_is_asked_once_and_obeyed(hosts: PlayingHosts, store: Store) -> None:
    rules = b"User-agent: artgrab\nDisallow: /private/\n\nUser-agent: *\nDisallow: /\n"
    robots = hosts.put("http://a.test/robots.txt", rules)
    public = hosts.put("http://a.test/a.jpg", jpeg())
    private = hosts.put("http://a.test/private/a.jpg", jpeg(2))
    async with downloader(store, hosts.network) as endpoint:
        found = outcomes(await ingest(endpoint, map(candidate, (public, private))))
    assert found[candidate(public).candidate_id] == ("STORED", "")
    assert found[candidate(private).candidate_id] == ("REJECTED", "robots")
    assert (hosts.asked(robots), hosts.asked(private)) == (1, 0)
    records = read_records(store, namespace="default", category="cats")
    record = records[candidate(private).candidate_id.hex()].record
    assert record.opt_out_signals == ("robots.txt: disallow",)
    assert record.opt_out_decision == "refused"


async def test_robots_txt_is_obeyed_by_each_host_of_a_redirect(
    hosts: PlayingHosts, store: Store
) -> None:
    hosts.put("http://b.test/robots.txt", b"User-agent: *\nDisallow: /\n")
    target = hosts.put("http://b.test/a.jpg", jpeg())
    url = hosts.put("http://a.test/a.jpg", status=302, headers={"Location": target})
    async with downloader(store, hosts.network) as endpoint:
        assert await ingest_one(endpoint, url) == ("REJECTED", "robots")
    assert not hosts.asked(target)


@pytest.mark.parametrize("status", [401, 403, 404, 410])
async def test_without_robots_txt_all_is_allowed(
    status: int, hosts: PlayingHosts, store: Store
) -> None:
    hosts.put("http://a.test/robots.txt", b"User-agent: *\nDisallow: /", status=status)
    url = hosts.put("http://a.test/a.jpg", jpeg())
    async with downloader(store, hosts.network) as endpoint:
        assert await ingest_one(endpoint, url) == ("STORED", "")


async def test_a_robots_txt_that_cannot_be_had_forbids_all_for_now(
    hosts: PlayingHosts, store: Store
) -> None:
    hosts.put("http://a.test/robots.txt", status=500)
    url = hosts.put("http://a.test/a.jpg", jpeg())
    async with downloader(store, hosts.network) as endpoint:
        assert await ingest_one(endpoint, url) == ("FAILED", "robots-unavailable")
    assert only_record(store).passing
    assert not hosts.asked(url)


async def test_a_robots_txt_that_moved_or_is_huge_is_read_as_far_as_it_matters(
    hosts: PlayingHosts, store: Store
) -> None:
    rules = b"User-agent: *\nDisallow: /private/\n" + b"# nothing\n" * 100_000
    hosts.put("http://b.test/rules", rules)
    hosts.put("http://a.test/robots.txt", status=301, headers={"Location": "http://b.test/rules"})
    url = hosts.put("http://a.test/private/a.jpg", jpeg())
    async with downloader(store, hosts.network) as endpoint:
        assert await ingest_one(endpoint, url) == ("REJECTED", "robots")


@pytest.mark.parametrize(
    ("header", "value", "signal"),
    [
        ("X-Robots-Tag", "noai, nofollow", "x-robots-tag: noai"),
        ("X-Robots-Tag", "artgrab: noimageai", "x-robots-tag: noimageai"),
        ("X-Robots-Tag", "noindex", "x-robots-tag: noindex"),
        ("tdm-reservation", "1", "tdm-reservation: 1"),
    ],
)
async def test_an_opt_out_in_the_answer_is_obeyed_and_recorded(
    header: str, value: str, signal: str, hosts: PlayingHosts, store: Store
) -> None:
    url = hosts.put("http://a.test/a.jpg", jpeg(), headers={header: value})
    async with downloader(store, hosts.network) as endpoint:
        assert await ingest_one(endpoint, url) == ("REJECTED", "opt-out")
    record = only_record(store)
    assert record.opt_out_signals == (signal,)
    assert record.opt_out_decision == "refused"
    assert record.headers[header.lower()] == value
    assert not kept(store)


async def test_we_say_who_calls_and_carry_nothing_from_one_answer_to_the_next(
    hosts: PlayingHosts, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    urls = [
        hosts.put(f"http://a.test/{name}", jpeg(), headers={"Set-Cookie": "id=1; Domain=a.test"})
        for name in ("a.jpg", "b.jpg")
    ]
    network = hosts.network.model_copy(update={"contact": "https://example.org/bot"})
    async with downloader(store, network) as endpoint:
        for url in urls:
            assert await ingest_one(endpoint, url) == ("STORED", "")
    for one in hosts.seen:
        assert one.headers["User-Agent"].startswith("artgrab/")
        assert one.headers["User-Agent"].endswith("(+https://example.org/bot)")
        assert one.headers["Accept-Encoding"] == "identity"
        assert not {"Cookie", "Referer", "Authorization"} & one.headers.keys()


async def test_a_site_is_never_asked_for_more_at_once_than_allowed(
    hosts: PlayingHosts, store: Store
) -> None:
    at_once = most = 0

    async def counted(request: web.Request) -> web.Response:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.02)
        at_once -= 1
        return web.Response(body=jpeg())

    urls = [hosts.handle(f"http://img{n % 3}.a.test/{n}.jpg", counted) for n in range(30)]
    async with downloader(store, hosts.network, host_concurrency=2) as endpoint:
        acks = await ingest(endpoint, map(candidate, urls))
    assert set(outcomes(acks).values()) == {("STORED", "")}
    assert most == 2


async def test_a_slow_site_does_not_starve_the_others(hosts: PlayingHosts, store: Store) -> None:
    go = asyncio.Event()

    async def stuck(request: web.Request) -> web.Response:
        await go.wait()
        return web.Response(body=jpeg())

    slow = [hosts.handle(f"http://slow.test/{n}.jpg", stuck) for n in range(40)]
    quick = [hosts.put(f"http://quick-{n}.test/a.jpg", jpeg(n)) for n in range(20)]
    async with downloader(store, hosts.network, host_queue=5) as endpoint:
        waiting = asyncio.create_task(ingest(endpoint, map(candidate, [*slow, *quick])))
        async with asyncio.timeout(20):
            while kept(store) < len(quick):
                await asyncio.sleep(0.02)
        go.set()
        found = outcomes(await waiting)
    assert {found[candidate(url).candidate_id] for url in quick} == {("STORED", "")}
    sent_away = [url for url in slow if found[candidate(url).candidate_id][0] == "RETRY_LATER"]
    assert len(sent_away) == 40 - 5 - 2


async def test_a_tarpit_holds_its_first_visitors_only(hosts: PlayingHosts, store: Store) -> None:
    urls = [hosts.handle(f"http://a.test/{n}.jpg", trickle(60)) for n in range(40)]
    async with downloader(store, hosts.network, first_byte_seconds=0.5) as endpoint:
        found = outcomes(await ingest(endpoint, map(candidate, urls)))
    reasons = [reason for _, reason in found.values()]
    assert set(reasons) == {"read-timeout", "host-down"}
    assert reasons.count("read-timeout") <= 6


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
        async with asyncio.timeout(20):
            while await ingest_one(endpoint, next(others)) != ("RETRY_LATER", "overloaded"):
                pass  # what was begun may not have arrived yet
        go.set()
        assert await waiting == ("STORED", "")
        assert await ingest_one(endpoint, next(others)) == ("STORED", "")
