"""Galleries in a real Chromium: scrolling, pressing, following, lazy pictures, and trouble.

The pages are our own, on hosts played on loopback; the demo world has those with real scripts.
"""

import asyncio
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from artgrab.common.network import NetworkSettings
from artgrab.common.resources import GallerySelectors, GallerySource, Source
from artgrab.scraper.browser import Browser, PageError, chromium
from artgrab.scraper.robots import Robots
from artgrab.scraper.sources import Found, SourceError, SourceLeftError, Tools
from artgrab.scraper.sources.gallery import Limits, pictures
from artgrab.scraper.turns import Turns
from artgrab.scraper.web import open_session
from tests.support.playing_hosts import PlayingHosts, playing_hosts
from tests.support.requirements import need_browser
from tests.support.waiting import eventually

pytestmark = [
    pytest.mark.timeout(240),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.xdist_group("browser"),
]

_PAGE = "http://www.gallery.test/list?q=night%20street"
_QUICK = Limits(first_items_seconds=1.0, patience_seconds=(0.2, 0.4), pressed_seconds=3.0)
_PATIENT = Limits(first_items_seconds=1.0, patience_seconds=(0.5, 1.0), pressed_seconds=20.0)
"""For pages that go on growing, on a machine that may be slow to let them."""
_SCRIPT = """
const gallery = document.querySelector('#gallery')
let shown = 0
const add = () => {
  for (let end = Math.min(shown + 10, TOTAL); shown < end; shown++)
    gallery.insertAdjacentHTML('beforeend',
      `<figure style="height: 200px"><a href="/full/${shown}.jpg">${shown}</a></figure>`)
}
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hosts() -> AsyncIterator[PlayingHosts]:
    need_browser()
    async with playing_hosts() as hosts:
        yield hosts


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(hosts: PlayingHosts) -> AsyncIterator[Browser]:
    network = hosts.network.model_copy(update={"contact": "mailto:me@example.org"})
    async with chromium(network) as browser:
        yield browser


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def session(hosts: PlayingHosts) -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session(hosts.network) as session:
        yield session


def _html(hosts: PlayingHosts, url: str, body: str) -> None:
    headers = {"Content-Type": "text/html; charset=utf-8"}
    hosts.put(url, f"<!doctype html><title>x</title>{body}".encode(), headers=headers)


def _items(first: int, end: int) -> str:
    return "".join(
        f"<figure><a href='/full/{number}.jpg'>picture</a></figure>" for number in range(first, end)
    )


async def _scraped(
    browser: Browser,
    session: aiohttp.ClientSession,
    *,
    url: str = "http://www.gallery.test/list?q={query}",
    more: str | None = None,
    image: str = "a::attr(href)",
    limits: Limits = _QUICK,
    slept: list[float] | None = None,
    batches: list[list[Found]] | None = None,
) -> list[list[Found]]:
    selectors = GallerySelectors(item="figure", image=image, more=more)
    source = Source(gallery=GallerySource(url=url, selectors=selectors))

    async def get() -> Browser:
        return browser

    async def sleep(seconds: float) -> None:
        if slept is not None:
            slept.append(seconds)

    tools = Tools(
        network=NetworkSettings(),
        session=session,
        robots=Robots(session),
        browser=get,
        turns=Turns(clock=lambda: 0.0),
        sleep=sleep,
    )
    batches = [] if batches is None else batches
    async for batch in pictures(source, "night street", tools=tools, limits=limits):
        batches.append(list(batch))
    return batches


def _numbers(batches: list[list[Found]]) -> list[int]:
    return [
        int(found.url.rpartition("/")[2].removesuffix(".jpg"))
        for batch in batches
        for found in batch
    ]


async def test_a_gallery_that_grows_when_scrolled_is_seen_to_its_end_batch_by_batch(
    hosts: PlayingHosts, browser: Browser, session: aiohttp.ClientSession
) -> None:
    batches: list[list[Found]] = []

    async def when_the_last_are_handed_out(request: web.Request) -> web.StreamResponse:
        shown = int(request.query["shown"])
        await eventually(lambda: sum(map(len, batches)) == shown)
        return web.Response(text=_items(shown, min(shown + 10, 55)))

    hosts.handle("http://www.gallery.test/more", when_the_last_are_handed_out)
    script = (
        "let loads = false; addEventListener('scroll', async () => {"
        " if (loads) return; loads = true;"
        " const shown = document.querySelectorAll('figure').length;"
        " const more = await (await fetch(`/more?shown=${shown}`)).text(); loads = false;"
        " document.querySelector('#gallery').insertAdjacentHTML('beforeend', more) })"
    )
    _html(
        hosts,
        _PAGE,
        f"<div id=gallery>{_items(0, 10)}</div><p style='height:3000px'></p>"
        f"<script>{script}</script>",
    )
    await _scraped(browser, session, limits=_PATIENT, batches=batches)
    assert _numbers(batches) == list(range(55))
    assert [len(batch) for batch in batches] == [10, 10, 10, 10, 10, 5]
    assert [found.rank for batch in batches for found in batch] == list(range(55))


@pytest.mark.parametrize(
    "load",
    [
        "const load = async () => show(await (await fetch('/more')).text())",
        "const load = () => { const request = new XMLHttpRequest(); request.open('GET', '/more');"
        " request.onload = () => show(request.responseText); request.send() }",
    ],
    ids=["fetch", "XMLHttpRequest"],
)
async def test_what_a_page_is_loading_is_waited_for_however_slow(
    hosts: PlayingHosts, browser: Browser, session: aiohttp.ClientSession, load: str
) -> None:
    async def slow(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(2 * sum(_PATIENT.patience_seconds))
        return web.Response(text=_items(3, 5))

    hosts.handle("http://www.gallery.test/more", slow)
    script = (
        f"{load}; const show = html => document.body.insertAdjacentHTML('beforeend', html);"
        "addEventListener('scroll', load, {once: true})"
    )
    _html(hosts, _PAGE, f"{_items(0, 3)}<p style='height: 9000px'></p><script>{script}</script>")
    assert _numbers(await _scraped(browser, session, limits=_PATIENT)) == list(range(5))


async def test_a_button_is_pressed_until_it_is_gone(
    hosts: PlayingHosts, browser: Browser, session: aiohttp.ClientSession
) -> None:
    script = _SCRIPT.replace("TOTAL", "34") + (
        "add(); const b = document.querySelector('button'); b.addEventListener('click', () => {"
        " b.disabled = true; setTimeout(() => { add(); b.disabled = false;"
        " if (shown >= 34) b.remove() }, 120) })"
    )
    _html(hosts, _PAGE, f"<div id=gallery></div><button>More</button><script>{script}</script>")
    batches = await _scraped(browser, session, more="button", limits=_PATIENT)
    assert _numbers(batches) == list(range(34))


async def test_a_button_that_puts_others_in_place_of_the_pictures_is_pressed_too(
    hosts: PlayingHosts, browser: Browser, session: aiohttp.ClientSession
) -> None:
    script = _SCRIPT.replace("TOTAL", "30") + (
        "add(); const b = document.querySelector('button'); b.addEventListener('click', () =>"
        " setTimeout(() => { if (shown < 30) { gallery.innerHTML = ''; add() } }, 50))"
    )
    _html(hosts, _PAGE, f"<div id=gallery></div><button>Next</button><script>{script}</script>")
    assert _numbers(await _scraped(browser, session, more="button")) == list(range(30))


async def test_links_to_further_pages_are_followed_on_this_site_only_and_once_each(
    hosts: PlayingHosts, browser: Browser, session: aiohttp.ClientSession
) -> None:
    next_page = "http://www.gallery.test/list?page=2"
    _html(hosts, _PAGE, f"{_items(0, 5)}<a class=next href='/list?page=2'>next</a>")
    _html(hosts, next_page, f"{_items(5, 9)}<a class=next href='list?q=night%20street#top'>on</a>")
    batches = await _scraped(browser, session, more="a.next")
    assert _numbers(batches) == list(range(9))
    assert [found.rank for batch in batches for found in batch] == list(range(9))
    _html(hosts, _PAGE, f"{_items(0, 5)}<a class=next href='http://elsewhere.test/'>next</a>")
    before = hosts.asked("http://elsewhere.test/")
    assert _numbers(await _scraped(browser, session, more="a.next")) == list(range(5))
    assert hosts.asked("http://elsewhere.test/") == before == 0


async def test_pictures_that_load_just_before_the_next_page_is_opened_are_not_lost(
    hosts: PlayingHosts, browser: Browser, session: aiohttp.ClientSession
) -> None:
    lazy = (
        "<figure style='margin-top: 9000px'><a href='data:,'>x</a></figure><script>"
        "addEventListener('scroll', () => { if (scrollY > 5000)"
        " document.querySelectorAll('figure a')[3].href = '/full/3.jpg' })</script>"
    )
    _html(hosts, _PAGE, f"{_items(0, 3)}{lazy}<a class=next href='/list?page=2'>next</a>")
    _html(hosts, "http://www.gallery.test/list?page=2", _items(4, 6))
    batches = await _scraped(browser, session, more="a.next", limits=_PATIENT)
    assert _numbers(batches) == list(range(6))
    assert [found.rank for batch in batches for found in batch] == list(range(6))


async def test_a_button_that_fails_once_is_pressed_again(
    hosts: PlayingHosts, browser: Browser, session: aiohttp.ClientSession
) -> None:
    script = _SCRIPT.replace("TOTAL", "20") + (
        "add(); let presses = 0; const b = document.querySelector('button');"
        " b.addEventListener('click', () => { if (presses++) { add(); b.remove() } })"
    )
    _html(hosts, _PAGE, f"<div id=gallery></div><button>More</button><script>{script}</script>")
    limits = Limits(patience_seconds=(0.2, 0.2), pressed_seconds=0.3)
    assert _numbers(await _scraped(browser, session, more="button", limits=limits)) == [*range(20)]


async def test_the_pause_that_robots_txt_asks_for_is_made_between_pages(
    hosts: PlayingHosts, browser: Browser, session: aiohttp.ClientSession
) -> None:
    hosts.put("http://www.calm.test/robots.txt", b"User-agent: *\nCrawl-delay: 7\n")
    _html(hosts, "http://www.calm.test/list", f"{_items(0, 2)}<a class=next href='/2'>next</a>")
    _html(hosts, "http://www.calm.test/2", _items(2, 3))
    slept: list[float] = []
    url = "http://www.calm.test/list"
    batches = await _scraped(browser, session, url=url, more="a.next", slept=slept)
    assert _numbers(batches) == [0, 1, 2]
    assert slept == [7.0]


async def test_lazily_loaded_pictures_are_found_with_their_real_addresses(
    hosts: PlayingHosts, browser: Browser, session: aiohttp.ClientSession
) -> None:
    items = "".join(
        "<figure style='height: 900px'><img src='data:image/gif;base64,R0lGODlhAQABAAAAACw='"
        f" data-real='/full/{number}.jpg' style='width:9px;height:9px'></figure>"
        for number in range(20)
    )
    script = (
        "const o = new IntersectionObserver(all => all.forEach(one => { if (one.isIntersecting)"
        " one.target.src = one.target.dataset.real }));"
        "document.querySelectorAll('img').forEach(image => o.observe(image))"
    )
    _html(hosts, _PAGE, f"{items}<script>{script}</script>")
    batches = await _scraped(browser, session, image="img::attr(src)", limits=_PATIENT)
    found = sorted((one.rank, one.url) for batch in batches for one in batch)
    assert found == [(n, f"http://www.gallery.test/full/{n}.jpg") for n in range(20)]


async def test_the_site_sees_who_calls_and_its_pictures_are_left_to_the_downloader(
    hosts: PlayingHosts, browser: Browser, session: aiohttp.ClientSession
) -> None:
    _html(hosts, _PAGE, f"{_items(0, 2)}<img src='/picture.jpg'>")
    await _scraped(browser, session)
    agent = next(
        s.headers["User-Agent"] for s in reversed(hosts.seen) if s.path.startswith("/list")
    )
    assert "artgrab/" in agent
    assert "+mailto:me@example.org" in agent
    assert "Headless" not in agent
    assert hosts.asked("http://www.gallery.test/picture.jpg") == 0


async def test_a_page_that_robots_txt_forbids_is_not_opened(
    hosts: PlayingHosts, browser: Browser, session: aiohttp.ClientSession
) -> None:
    hosts.put("http://www.shy.test/robots.txt", b"User-agent: artgrab\nDisallow: /list\n")
    _html(hosts, "http://www.shy.test/list", _items(0, 2))
    with pytest.raises(SourceError, match=r"robots\.txt of shy\.test forbids"):
        await _scraped(browser, session, url="http://www.shy.test/list")
    assert hosts.asked("http://www.shy.test/list") == 0


async def test_rules_that_cannot_be_read_forbid_all(
    hosts: PlayingHosts, browser: Browser, session: aiohttp.ClientSession
) -> None:
    hosts.put("http://www.broken.test/robots.txt", status=503)
    with pytest.raises(SourceError, match=r"status 503, so .* may not be opened"):
        await _scraped(browser, session, url="http://www.broken.test/list")


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("<p>Please prove that you are human</p>", "nothing matches the item selector 'figure'"),
        ("<figure></figure><figure></figure>", "2 items, but the image selector"),
    ],
)
async def test_a_layout_without_pictures_is_reported_with_the_selector_at_fault(
    hosts: PlayingHosts,
    browser: Browser,
    session: aiohttp.ClientSession,
    body: str,
    complaint: str,
) -> None:
    _html(hosts, _PAGE, body)
    with pytest.raises(SourceError, match=complaint):
        await _scraped(browser, session)


async def test_a_page_that_blocks_us_is_reported_with_its_status(
    hosts: PlayingHosts, browser: Browser, session: aiohttp.ClientSession
) -> None:
    hosts.put(_PAGE, b"<p>no</p>", status=403, headers={"Content-Type": "text/html"})
    with pytest.raises(SourceError, match="status 403"):
        await _scraped(browser, session)


async def test_a_site_that_hangs_up_is_reported(
    hosts: PlayingHosts, browser: Browser, session: aiohttp.ClientSession
) -> None:
    async def hang_up(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    hosts.handle(_PAGE, hang_up)
    with pytest.raises(SourceError, match=r"cannot be opened: .*ERR_EMPTY_RESPONSE"):
        await _scraped(browser, session)


async def test_a_page_that_never_stops_growing_is_left_at_the_limit(
    hosts: PlayingHosts, browser: Browser, session: aiohttp.ClientSession
) -> None:
    script = _SCRIPT.replace("TOTAL", "1e9") + "add(); setInterval(add, 20)"
    _html(hosts, _PAGE, f"<div id=gallery></div><script>{script}</script>")
    limits = Limits(pictures=100, patience_seconds=(0.2,))
    with pytest.raises(SourceLeftError, match=r"goes on after \d+ pictures"):
        await _scraped(browser, session, limits=limits)


async def test_a_page_that_grows_by_nothing_new_is_left(
    hosts: PlayingHosts, browser: Browser, session: aiohttp.ClientSession
) -> None:
    again = json.dumps(_items(0, 3))
    script = f"setInterval(() => document.body.insertAdjacentHTML('beforeend', {again}), 50)"
    _html(hosts, _PAGE, f"{_items(0, 3)}{_items(0, 3)}<script>{script}</script>")
    (batch,) = await _scraped(browser, session)
    assert [(found.rank, found.url[-5]) for found in batch] == [(0, "0"), (1, "1"), (2, "2")]


async def test_dialogs_and_broken_scripts_of_a_page_do_not_stop_us(
    hosts: PlayingHosts, browser: Browser, session: aiohttp.ClientSession
) -> None:
    script = "setTimeout(() => alert('hello'), 0); setInterval(() => { throw 1 }, 10)"
    _html(hosts, _PAGE, f"{_items(0, 4)}<script>{script}</script>")
    assert _numbers(await _scraped(browser, session)) == [0, 1, 2, 3]


async def test_a_page_cannot_lead_the_browser_to_our_files(
    hosts: PlayingHosts, browser: Browser, session: aiohttp.ClientSession
) -> None:
    script = "location = 'file:///etc/passwd'"
    _html(hosts, _PAGE, f"{_items(0, 2)}<script>{script}</script>")
    assert _numbers(await _scraped(browser, session)) == [0, 1]
    assert b"root:" not in await browser.html()


async def test_a_script_of_ours_that_fails_is_told_from_a_broken_browser(browser: Browser) -> None:
    with pytest.raises(PageError, match="wrong"):
        await browser.run("throw new Error('wrong')")
    assert await browser.run("return arguments[0] + 1", 41) == 42


@pytest.mark.parametrize(
    "status", ["'x\\u001b[2J'", "{}", "[1]", "1.5", "(() => { throw '\\u001b[2J' })()"]
)
async def test_a_page_that_forges_its_status_ends_the_source_in_words(
    hosts: PlayingHosts, browser: Browser, session: aiohttp.ClientSession, status: str
) -> None:
    forged = f"performance.getEntriesByType = () => [{{responseStatus: {status}}}]"
    _html(hosts, _PAGE, f"<script>{forged}</script>{_items(0, 3)}")
    with pytest.raises(SourceError, match="cannot be opened") as told:
        await _scraped(browser, session)
    assert "\x1b" not in str(told.value)
