"""What the downloader owes to sites: robots.txt, opt-outs, a name, few visits at once."""

import asyncio

import pytest
from aiohttp import web

from artgrab.common.store import Store
from tests.support.downloads import only_record, pictures_kept, recorded, trickle
from tests.support.drawn import jpeg
from tests.support.ingest_client import candidate, downloader, ingest, ingest_one, outcomes
from tests.support.playing_hosts import PlayingHosts
from tests.support.waiting import WAIT_SECONDS


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
    records = recorded(store)
    record = records[candidate(private).candidate_id.hex()].record
    assert record.opt_out_signals == ("robots.txt: disallow",)
    assert record.opt_out_decision == "refused: robots.txt: disallow"


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
        ("Content-Usage", "search=y, train-ai=n", "content-usage: train-ai=n"),
        ("Content-Signal", "ai-train=no", "content-signal: ai-train=no"),
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
    assert record.opt_out_decision == f"refused: {signal}"
    assert record.headers[header.lower()] == value
    assert not pictures_kept(store)


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
        async with asyncio.timeout(WAIT_SECONDS):
            while pictures_kept(store) < len(quick):
                await asyncio.sleep(0.02)
        go.set()
        found = outcomes(await waiting)
    assert {found[candidate(url).candidate_id] for url in quick} == {("STORED", "")}
    sent_away = [url for url in slow if found[candidate(url).candidate_id][0] == "RETRY_LATER"]
    assert len(sent_away) == 40 - 5 - 2


async def test_a_tarpit_holds_its_first_visitors_only(hosts: PlayingHosts, store: Store) -> None:
    urls = [hosts.handle(f"http://a.test/{n}.jpg", trickle(60)) for n in range(40)]
    async with downloader(store, hosts.network, first_byte_seconds=1.5) as endpoint:
        found = outcomes(await ingest(endpoint, map(candidate, urls)))
    reasons = [reason for _, reason in found.values()]
    assert set(reasons) == {"read-timeout", "host-down"}
    assert reasons.count("read-timeout") <= 6
