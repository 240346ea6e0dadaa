"""The demo world from outside: every host answers as the plan says, and nothing is left behind."""

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp
import psutil
import pytest
from PIL import Image

from tests.support.requirements import need
from tests.support.waiting import WAIT_SECONDS
from tests.world.catalogue import ART, CATEGORIES
from tests.world.hosts import WIKI_CATEGORIES, Style
from tests.world.wiki import SEARCH_WORDS
from tests.world.world import World, demo_world, missing_requirements

# The first use on a machine fetches the packages that the world is made of.
pytestmark = [pytest.mark.timeout(600), pytest.mark.xdist_group("world")]

ROOT = Path(__file__).parents[2]
API = "http://commons.test/w/api.php"


@dataclass
class Answer:
    status: int
    headers: Any
    body: bytes


class Client:
    """Asks for clean URLs of the world at the one port where all its hosts are."""

    def __init__(self, session: aiohttp.ClientSession, port: int) -> None:
        self._session = session
        self._port = port

    async def get(self, url: str) -> Answer:
        parts = urlsplit(url)
        query = f"?{parts.query}" if parts.query else ""
        async with self._session.get(
            f"http://127.0.0.1:{self._port}{parts.path}{query}",
            headers={"Host": parts.netloc, "User-Agent": "world-test"},
            allow_redirects=False,
        ) as response:
            return Answer(response.status, response.headers, await response.read())

    async def search(self, words: str, **more: str) -> dict[str, Any]:
        """Return all pages of a search, by title, following what the wiki says to continue with."""
        query = {
            "action": "query",
            "format": "json",
            "formatversion": "2",
            "generator": "search",
            "gsrnamespace": "6",
            "gsrlimit": "20",
            "gsrsearch": words,
            "prop": "imageinfo",
            "iiprop": "url|size|mime|sha1|extmetadata",
            **more,
        }
        pages: dict[str, Any] = {}
        following: dict[str, str] | None = {}
        while following is not None:
            answer = await self.get(f"{API}?{urlencode(query | following)}")
            found = as_json(answer)
            pages |= {page["title"]: page for page in found.get("query", {}).get("pages", [])}
            following = found.get("continue")
        return pages


def as_json(answer: Answer) -> dict[str, Any]:
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("application/json")
    found: dict[str, Any] = json.loads(answer.body)
    return found


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    missing = missing_requirements()
    need(not missing, packages=" ".join(missing))
    with demo_world() as running:
        yield running


@pytest.fixture
async def client(world: World) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as session:
        yield Client(session, world.port)


def test_every_category_has_enough_pictures_to_learn_from(world):
    numbers = {name: len(world.catalogue.published[name]) for name in CATEGORIES}
    assert min(numbers.values()) >= 25
    assert max(numbers.values()) <= 250
    assert sum(numbers.values()) >= 1500
    assert sum(numbers[name] for name in ART) >= 1000


def test_held_out_pictures_are_on_no_site(world):
    held_out = {one.sha256 for found in world.catalogue.held_out.values() for one in found}
    shown = {one.sha256 for found in world.catalogue.published.values() for one in found}
    assert len(held_out) == 2 * len(CATEGORIES)
    assert held_out.isdisjoint(shown)
    files = [path for path in world.held_out.rglob("*") if path.is_file()]
    assert {hashlib.sha256(path.read_bytes()).hexdigest() for path in files} == held_out


def test_no_other_piece_of_a_held_out_painting_is_published(world):
    hidden = {one.work for one in world.catalogue.held_out["painting-pieces"]}
    assert len(hidden) == 1
    assert hidden.isdisjoint(one.work for one in world.catalogue.published["painting-pieces"])


def test_every_picture_is_what_its_bytes_and_numbers_say(world):
    for found in world.catalogue.published.values():
        for one in found:
            with Image.open(world.catalogue.path(one)) as image:
                assert image.size == (one.width, one.height)
            assert min(one.width, one.height) >= 64
            assert one.width * one.height <= 40_000_000


async def test_every_listed_picture_is_served_as_it_is(world, client):
    for listing in list(world.hosts.images.values())[::17]:
        answer = await client.get(listing.image_url)
        assert answer.status == 200
        assert hashlib.sha256(answer.body).hexdigest() == listing.picture.sha256
        with Image.open(io.BytesIO(answer.body)) as image:
            assert answer.headers["Content-Type"] == image.get_format_mimetype()
        assert answer.headers["Last-Modified"]


async def test_every_listed_picture_has_its_page(world, client):
    for listing in list(world.hosts.pages.values())[::41]:
        answer = await client.get(listing.page_url)
        assert answer.status == 200
        assert listing.image_url.encode() in answer.body


async def test_thumbnails_are_much_smaller_than_the_pictures(world, client):
    gallery = world.hosts.galleries["www.landscape.test"]
    url = f"http://{gallery.host}/thumbnails/{gallery.listings[0].picture.sha256}.jpg"
    answer = await client.get(url)
    assert answer.headers["Content-Type"] == "image/jpeg"
    with Image.open(io.BytesIO(answer.body)) as image:
        assert max(image.size) == 96


def test_there_are_hundreds_of_domains_and_three_behaviours(world):
    assert len({host for host, _ in world.hosts.images}) >= 250
    styles = Counter(gallery.style for gallery in world.hosts.galleries.values())
    assert set(styles) == set(Style)


async def test_robots_are_welcome_everywhere_but_on_one_host(world, client):
    for host in ("www.clipart.test", "img.site-001.test", "commons.test", "img.good.test"):
        assert b"Allow: /" in (await client.get(f"http://{host}/robots.txt")).body
    assert b"Disallow: /" in (await client.get("http://img.refusing.test/robots.txt")).body


@pytest.mark.parametrize(
    "path", ["/gallery?limit=-1", "/gallery?page=0", "/gallery?page=x", "/more?limit=9999999"]
)
async def test_numbers_that_are_none_are_refused(client, path):
    assert (await client.get(f"http://www.clipart.test{path}")).status == 400


@pytest.mark.parametrize(
    "url",
    [
        "http://www.unknown.test/",
        "http://img.site-001.test/pictures/none.png",
        "http://www.clipart.test/thumbnails/..%2f..%2fcatalogue.json",
        "http://upload.commons.test/a/ab/..%2f..%2f..%2fdata%2fwiki.sqlite",
        "http://commons.test/LocalSettings.php",
    ],
)
async def test_what_is_not_published_is_not_found(client, url):
    assert (await client.get(url)).status == 404


async def test_the_log_tells_who_asked_for_what(world, client):
    url = world.troubles["missing"]
    await client.get(f"{url}?first")
    (seen,) = world.requests(host="img.missing.test", path="*?first")
    assert (seen.status, seen.user_agent) == (404, "world-test")
    assert abs(seen.time - time.time()) < 60


@pytest.mark.parametrize(
    ("trouble", "statuses"),
    [
        ("good", [200, 200]),
        ("missing", [404, 404]),
        ("failing-once", [500, 200, 200]),
        ("busy-once", [429, 200, 200]),
        ("moved", [302, 302]),
        ("not-a-picture", [200]),
        ("slow", [200]),
    ],
)
async def test_a_troublesome_host_answers_as_its_name_says(world, client, trouble, statuses):
    answers = [await client.get(world.troubles[trouble]) for _ in statuses]
    assert [answer.status for answer in answers] == statuses


async def test_troubles_say_what_a_polite_visitor_needs(world, client):
    assert (await client.get(world.troubles["noai"])).headers["X-Robots-Tag"] == "noai, noimageai"
    page = await client.get(world.troubles["not-a-picture"])
    assert page.headers["Content-Type"].startswith("image/jpeg")
    assert page.body.startswith(b"<!doctype html>")
    target = (await client.get(world.troubles["moved"])).headers["Location"]
    assert target.startswith("http://img.good.test/")
    assert (await client.get(target)).headers["Content-Type"] == "image/webp"


async def test_the_gallery_of_troubles_lists_them_all(world, client):
    body = (await client.get("http://www.troubles.test/gallery")).body.decode()
    assert all(url in body for url in world.troubles.values())


@pytest.mark.parametrize("category", WIKI_CATEGORIES)
async def test_the_wiki_finds_exactly_the_pictures_of_a_category(world, client, category):
    pages = await client.search(f"filetype:bitmap {SEARCH_WORDS[category]}")
    published = world.catalogue.published[category]
    found = {page["imageinfo"][0]["sha1"]: page["imageinfo"][0] for page in pages.values()}
    contents = [world.catalogue.path(one).read_bytes() for one in published]
    assert set(found) == {hashlib.sha1(content).hexdigest() for content in contents}


async def test_a_file_of_the_wiki_has_address_page_licence_and_artist(world, client):
    pages = await client.search(SEARCH_WORDS["fish"])
    infos = [page["imageinfo"][0] for page in pages.values()]
    for info in infos[::9]:
        answer = await client.get(info["url"])
        assert hashlib.sha1(answer.body).hexdigest() == info["sha1"]
        assert answer.headers["Content-Type"] == info["mime"]
        assert (await client.get(info["descriptionurl"])).status == 200
    assert all(info["extmetadata"]["LicenseUrl"]["value"].startswith("http") for info in infos)
    assert any("Artist" in info["extmetadata"] for info in infos)
    names = {info["extmetadata"]["LicenseShortName"]["value"] for info in infos}
    assert {"CC BY-SA 3.0", "Public domain"} <= names


async def test_the_files_of_the_wiki_have_many_uploaders(client):
    pages = await client.search(SEARCH_WORDS["monuments"], iiprop="user")
    users = Counter(page["imageinfo"][0]["user"] for page in pages.values())
    assert len(users) >= 10
    assert max(users.values()) <= 8


async def test_a_thumbnail_of_the_wiki_is_there_when_asked_for(client):
    pages = await client.search(SEARCH_WORDS["tools"], iiurlwidth="80")
    info = next(iter(pages.values()))["imageinfo"][0]
    assert "/thumb/" in info["thumburl"]
    assert (await client.get(info["thumburl"])).headers["Content-Type"] == "image/jpeg"


def test_a_second_world_has_the_same_addresses_and_its_own_port(world):
    with demo_world(wiki=False) as second:
        assert second.port != world.port
        assert second.hosts == world.hosts
        assert second.resolve == {"*.test": f"127.0.0.1:{second.port}"}
        assert second.allowed_targets == [f"127.0.0.1/32:{second.port}"]


def test_a_port_that_is_taken_is_told_in_one_sentence(world):
    told = subprocess.run(
        [sys.executable, "-m", "tests.world", "--no-wiki", "--port", str(world.port)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 4
    assert told.stderr == f"world: port {world.port} of 127.0.0.1 is taken: name another\n"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_stopped_world_leaves_no_process_behind(world, how, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.world"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert process.stdout is not None
    lines = [""]
    while not lines[-1].startswith("Ctrl-C") and process.poll() is None:
        lines.append(process.stdout.readline())
    children = psutil.Process(process.pid).children()
    process.send_signal(how)
    process.stdout.close()
    code = process.wait(WAIT_SECONDS)
    assert "listens on 127.0.0.1:" in lines[1]
    assert code == (-how if how == signal.SIGKILL else 0)
    assert len(children) == 1
    assert not psutil.wait_procs(children, timeout=WAIT_SECONDS)[1]
    if how != signal.SIGKILL:
        assert list(tmp_path.iterdir()) == []
