"""`artgrab run` on galleries that change, never end, are slow, fall silent or turn us away.

With a real Chromium, on hosts of the demo world (tests/world/unruly.py). What such a gallery gave
is kept, one line says what was the matter, and the run has ended: the same again does nothing.
"""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from aiohttp import web

from artgrab.common.keys import images_prefix
from artgrab.common.network import NetworkSettings
from artgrab.common.progress import no_progress
from artgrab.common.record_parts import read_records
from artgrab.common.records import RecordOutcome
from artgrab.common.store import Store
from artgrab.dataset.verify import verify_store
from artgrab.downloader.hosts import MAX_REFUSALS
from artgrab.downloader.settings import DownloaderSettings
from tests.support.cli_calls import Said, artgrab_process, reaching
from tests.support.documents import category_text, gallery, together
from tests.support.drawn import jpeg
from tests.support.playing_hosts import PlayingHosts
from tests.support.requirements import need, need_browser
from tests.support.s3 import BUCKET, S3Server
from tests.world.unruly import PICTURES_OF_A_PAGE, UNRULY
from tests.world.world import World, demo_world, missing_requirements

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("browser")]

MOST_PAGES = 5
STORED = {
    "moves-house": 2 * PICTURES_OF_A_PAGE,
    "never-ends": MOST_PAGES * PICTURES_OF_A_PAGE,
    "takes-its-time": 4 * PICTURES_OF_A_PAGE,
    "falls-silent": 2 * PICTURES_OF_A_PAGE,
    "shuts-its-pages": 2 * PICTURES_OF_A_PAGE,
    "shuts-its-pictures": 6,
}
COMPLAINTS = {
    "moves-house": (
        "on 1 of 3 pages: http://www.moves-house.test/?page=3: nothing matches the item selector "
        "'figure'; the layout has changed, or that is the end"
    ),
    "never-ends": (
        f"http://www.never-ends.test/?page={MOST_PAGES} goes on after {MOST_PAGES} pages; "
        "it was left there"
    ),
    "falls-silent": "http://www.falls-silent.test/?page=3 cannot be opened: no answer in time",
    "shuts-its-pages": (
        "http://www.shuts-its-pages.test/?page=3 answers with status 403: missing, or we are "
        "blocked"
    ),
}


@pytest.fixture
def world() -> Iterator[World]:
    """A world that has given nothing away yet."""
    need(not missing_requirements(), packages=" ".join(missing_requirements()))
    with demo_world(wiki=False) as running:
        yield running


def documents(folder: Path, **urls: str) -> Path:
    """Write a category for each name and address of a gallery."""
    path = folder / "documents.yaml"
    texts = (category_text(name, gallery(url, more="a.next")) for name, url in urls.items())
    path.write_text(together(*texts))
    return path


async def ran(world: World, folder: Path, store: str, *names: str, **options: str) -> Said:
    """Run the command on some of these galleries."""
    urls = {one.name: one.url for one in UNRULY if one.name in names}
    network = NetworkSettings(
        resolve=world.resolve, allowed_targets=world.allowed_targets, contact="mailto:me@a.example"
    )
    limits = {"ARTGRAB_GALLERY_PAGES": str(MOST_PAGES), "ARTGRAB_PAGE_SECONDS": "4"}
    command = ("run", documents(folder, **urls), "--store", store)
    asked = [text for name, value in options.items() for text in (f"--{name}", value)]
    return await artgrab_process(*command, *asked, **reaching(network), **limits)


def stored(uri: str, name: str) -> int:
    """Return how many pictures of a category are stored; nothing of it is half-written."""
    store = Store.open(uri)
    records = [one.record for one in read_records(store, **named(name)).values()]
    kept = [one.object_key for one in records if one.outcome is RecordOutcome.STORED]
    assert {one.key for one in store.list(images_prefix("default", name))} == set(kept)
    return len(kept)


def named(category: str) -> dict[str, str]:
    return {"namespace": "default", "category": category}


def complaints(said: Said) -> list[str]:
    return [line for line in said.out.splitlines() if line.startswith("Not whole ")]


@pytest.mark.parametrize("name", STORED)
async def test_what_it_gave_is_kept_and_one_line_says_what_was_the_matter(
    world: World, tmp_path: Path, name: str
) -> None:
    store = str(tmp_path / "store")  # in a bucket: below, all of them at once
    said = await ran(world, tmp_path, store, name)
    assert said.code == 0, said.err
    assert stored(store, name) == STORED[name]
    told = f"Not whole {name}: gallery www.{name}.test: {COMPLAINTS.get(name)}"
    assert complaints(said) == ([told] if name in COMPLAINTS else [])
    if name == "shuts-its-pictures":
        asked = len(world.requests(host=f"img.{name}.test", path="/[0-9]*"))
        refused = asked - STORED[name]
        under_way = DownloaderSettings().host_concurrency - 1
        assert refused - MAX_REFUSALS in range(under_way + 1), "then it is left alone"
        told = f"14 failed (http-403 {refused}, site-blocks-us {14 - refused})"
        assert told in said.err


async def test_a_site_that_gives_nothing_from_the_first_page_on_is_the_fault_of_the_surroundings(
    world: World, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    said = await ran(world, tmp_path, str(store), "shuts-at-once")
    assert (said.code, said.out) == (4, "")
    assert said.last == (
        "artgrab: shuts-at-once: every source failed: http://www.shuts-at-once.test/?page=1 "
        "answers with status 403: missing, or we are blocked"
    )
    assert [path for path in store.rglob("*") if path.is_file() and path.name != ".lock"] == []


async def test_all_of_them_at_once_in_a_bucket_end_as_each_alone_and_are_not_gone_through_again(
    world: World, tmp_path: Path, s3: S3Server
) -> None:
    store_uri = f"s3://{BUCKET}/unruly-{uuid.uuid4().hex}"
    said = await ran(world, tmp_path, store_uri, *STORED, "shuts-at-once", output="json")
    assert said.code == 3
    assert said.last.startswith("artgrab: shuts-at-once: every source failed: ")
    assert said.last.endswith("the other categories are done, run the same again")
    assert {name: stored(store_uri, name) for name in STORED} == STORED
    assert verify_store(Store.open(store_uri), progress=no_progress).problems == []

    again = await ran(world, tmp_path, store_uri, *STORED, output="json")
    result = json.loads(again.out.splitlines()[-1])
    assert again.code == 0, again.err
    assert result["work"] == {"fetched": 0, "stored": 0, "trained": 0}
    told = (f"{name}: gallery www.{name}.test: {what}" for name, what in COMPLAINTS.items())
    assert sorted(result["problems"]) == sorted(told)


_SHORT = (
    "from artgrab.scraper import browser; browser.SCRIPT_SECONDS = browser.PATIENCE_SECONDS = 4"
)
"""For a driver that hangs; the page itself may take longer."""


async def test_a_browser_that_hangs_is_replaced_and_the_run_goes_on(
    hosts: PlayingHosts, tmp_path: Path
) -> None:
    need_browser()
    store = str(tmp_path / "store")  # no kind of store has a part in this
    hung: list[int] = []

    async def hang_once(request: web.Request) -> web.StreamResponse:
        if not hung:
            for process in psutil.Process().children(recursive=True):
                if process.name() == "chromedriver":
                    process.suspend()
                    hung.append(process.pid)
        return web.Response(text=page(2), content_type="text/html")

    hosts.put("http://www.walls.test/", page(0, 1).encode(), headers={"Content-Type": "text/html"})
    hosts.handle("http://www.walls.test/2", hang_once)
    for number in range(3):
        hosts.put(f"http://www.walls.test/{number}.jpg", jpeg(number))
    said = await artgrab_process(
        *("run", documents(tmp_path, walls="http://www.walls.test/"), "--store", store),
        first=_SHORT,
        **reaching(hosts.network),
        ARTGRAB_PAGE_SECONDS="4",
    )
    assert said.code == 0, said.err
    assert len(hung) == 1
    assert not psutil.pid_exists(hung[0])
    assert complaints(said) == []
    assert stored(store, "walls") == 3
    assert hosts.asked("http://www.walls.test/2") == 2


def page(*numbers: int) -> str:
    """Return a page of these pictures; the first one leads to the second."""
    items = "".join(f"<figure><a href='/{number}.jpg'>x</a></figure>" for number in numbers)
    return items + ("<a class=next href='/2'>more</a>" if 0 in numbers else "")
