"""A scrape as the process of a Job: what it needs, what it says last, and how it ends."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest
from aiohttp import web

from artgrab.common.runs import read_run_summaries
from artgrab.common.store import Store
from artgrab.common.terminations import Counts, Termination, decode
from artgrab.common.tokens import RunToken, sign
from tests.support.downloads import pictures_kept, recorded
from tests.support.drawn import jpeg
from tests.support.ingest_client import downloader
from tests.support.played_wiki import PlayedWiki
from tests.support.playing_hosts import PlayingHosts
from tests.support.waiting import WAIT_SECONDS, eventually

KEY = b"k" * 32
HEAVY = {
    "artgrab.cli", "artgrab.dataset", "artgrab.downloader", "artgrab.images", "artgrab.model",
    "boto3", "cv2", "faiss", "kopf", "lightkube", "numpy", "obstore", "PIL", "pyarrow",
    "timm", "torch", "typer",
}  # fmt: skip


def category(*hosts: str, target: int = 1000, extra: tuple[object, ...] = ()) -> dict[str, Any]:
    """Return a document as the operator writes it."""
    wikis = [{"mediawiki": {"url": f"http://{host}/w/api.php"}} for host in hosts]
    return {
        "apiVersion": "artgrab.dev/v1alpha1",
        "kind": "ArtCategory",
        "metadata": {"name": "cats", "namespace": "default"},
        "spec": {
            "queries": ["Brücke \N{CAT FACE}"],
            "sources": [*wikis, *extra],
            "targetImages": target,
            "filters": {"minSide": 1},
        },
    }


def token(run_id: str = "run-1", *, key: bytes = KEY) -> str:
    return sign(
        RunToken(
            namespace="default",
            category="cats",
            run_id=run_id,
            min_side=1,
            expires_at=datetime.now(UTC) + timedelta(hours=1),
        ),
        key,
    )


class Place(NamedTuple):
    """Files of a Job's pod, and whom it may reach."""

    folder: Path
    environment: dict[str, str]

    def write(self, document: object, shown: str = "") -> None:
        text = json.dumps(document, ensure_ascii=False)
        (self.folder / "category.json").write_text(text)
        if shown:
            (self.folder / "token").write_text(shown)

    def command(self, *options: str) -> list[str]:
        word = self.folder / "termination-log"
        return [
            *(sys.executable, "-m", "artgrab.scraper"),
            *("--category", str(self.folder / "category.json")),
            *("--termination-message", str(word), *options),
        ]

    @property
    def last_word(self) -> Termination:
        found = decode((self.folder / "termination-log").read_bytes())
        assert found is not None
        return found


@asynccontextmanager
async def process(place: Place, *options: str, **more: str) -> AsyncIterator[Any]:
    """Start a scrape; it is ended in the end."""
    environment = {**os.environ, **place.environment, "ARTGRAB_SCRAPE_RUN_ID": "run-1", **more}
    running = await asyncio.create_subprocess_exec(
        *place.command(*options), stderr=subprocess.PIPE, env=environment
    )
    try:
        yield running
    finally:
        if running.returncode is None:
            running.kill()
        await running.communicate()


async def ended(place: Place, *options: str, **more: str) -> tuple[int, str]:
    """Run a scrape to its end; return its exit code and what it said on stderr."""
    async with process(place, *options, **more) as running:
        _, said = await asyncio.wait_for(running.communicate(), WAIT_SECONDS)
        return running.returncode, said.decode()


@asynccontextmanager
async def pod(hosts: PlayingHosts, folder: Path, **wikis: PlayedWiki) -> AsyncIterator[Place]:
    """Let wikis answer; yield a place that reaches them."""
    async with asyncio.timeout(5 * WAIT_SECONDS):
        resolve = {}
        stack = [(f"{name}.test", wiki.running()) for name, wiki in wikis.items()]
        for host, running in stack:
            resolve[host] = await running.__aenter__()
        try:
            network = {"ARTGRAB_RESOLVE": json.dumps(resolve)}
            yield Place(folder, network)
        finally:
            for _, running in stack:
                await running.__aexit__(None, None, None)


def put_files(hosts: PlayingHosts, count: int) -> None:
    for number in range(count):
        hosts.put(f"http://files.wiki.test/{number}.jpg", jpeg(number))


async def test_with_a_token_it_fills_the_store_ends_the_run_and_says_so(
    hosts: PlayingHosts, store: Store, tmp_path: Path
) -> None:
    put_files(hosts, 6)
    (tmp_path / "key").write_bytes(KEY)
    async with (
        pod(hosts, tmp_path, wiki=PlayedWiki(8)) as place,
        downloader(store, hosts.network, token_key_file=tmp_path / "key") as endpoint,
    ):
        place.write(category("wiki.test"), token())
        shown = ("--token-file", str(tmp_path / "token"))
        code, said = await ended(place, "--downloader", endpoint, *shown)
    assert code == 0, said
    assert place.last_word == Termination(
        run_id="run-1",
        reason="SourcesExhausted",
        counts=Counts(candidates=8, stored=6, rejected=0, failed=2),
    )
    (summary,) = read_run_summaries(store, namespace="default", category="cats")
    assert (summary.run_id, summary.counts.stored) == ("run-1", 6)
    assert pictures_kept(store) == 6
    assert {one.candidate.query for one in recorded(store).values()} == {"Brücke \N{CAT FACE}"}


@pytest.mark.folder_only("about ends")
async def test_a_target_that_is_reached_and_sources_that_broke_down_are_ends_as_well(
    hosts: PlayingHosts, store: Store, tmp_path: Path
) -> None:
    put_files(hosts, 120)
    broken = PlayedWiki(120)
    broken.broken_from = 50
    async with (
        pod(hosts, tmp_path, wiki=broken) as place,
        downloader(store, hosts.network, host_concurrency=8) as endpoint,
    ):
        place.write(category("wiki.test", target=5))
        code, said = await ended(place, "--downloader", endpoint)
        assert (code, place.last_word.reason) == (0, "TargetReached"), said
        place.write(category("wiki.test"))
        code, said = await ended(place, "--downloader", endpoint, ARTGRAB_SCRAPE_RUN_ID="run-2")
        assert (code, place.last_word.reason) == (0, "SourcesFailed"), said
    assert place.last_word.run_id == "run-2"
    assert place.last_word.counts is not None
    assert place.last_word.counts.stored == 50
    assert "status 403" in place.last_word.problems[0]


@pytest.mark.folder_only("about ends")
async def test_where_every_source_fails_at_once_it_may_be_tried_again(
    hosts: PlayingHosts, store: Store, tmp_path: Path
) -> None:
    broken = PlayedWiki(5)
    broken.broken_from = 0
    async with (
        pod(hosts, tmp_path, wiki=broken) as place,
        downloader(store, hosts.network) as endpoint,
    ):
        place.write(category("wiki.test"))
        code, said = await ended(place, "--downloader", endpoint)
    assert code == 4
    assert "every source failed" in place.last_word.error
    assert place.last_word.run_id == "run-1"
    assert said.count("every source failed") == 1
    assert not read_run_summaries(store, namespace="default", category="cats")


@pytest.mark.folder_only("about refusals")
async def test_a_forged_token_writes_nothing_and_is_told(
    hosts: PlayingHosts, store: Store, tmp_path: Path
) -> None:
    put_files(hosts, 3)
    (tmp_path / "key").write_bytes(KEY)
    async with (
        pod(hosts, tmp_path, wiki=PlayedWiki(3)) as place,
        downloader(store, hosts.network, token_key_file=tmp_path / "key") as endpoint,
    ):
        place.write(category("wiki.test"), forged := token(key=b"x" * 32))
        shown = ("--token-file", str(tmp_path / "token"))
        code, said = await ended(place, "--downloader", endpoint, *shown)
    assert code == 4
    assert "refuses our token: the token is not signed" in place.last_word.error
    assert not list(store.list("default"))
    assert not any(part in said + place.last_word.error for part in forged.split("."))


_GALLERY = {
    "gallery": {
        "url": "http://a.test/?q={query}",
        "selectors": {"item": "a", "image": "::attr(href)"},
    }
}
_GOOD = category("a.test")
_BAD: dict[str, tuple[object, tuple[str, ...], dict[str, str], int, str]] = {
    "no run": (_GOOD, (), {"ARTGRAB_SCRAPE_RUN_ID": ""}, 2, "ARTGRAB_SCRAPE_RUN_ID"),
    "a run that is none": (_GOOD, (), {"ARTGRAB_SCRAPE_RUN_ID": "../x"}, 2, "RUN_ID"),
    "a document that is none": (category(), (), {}, 2, "sources"),
    "a list": ([_GOOD], (), {}, 2, "must be a mapping"),
    "no token": (_GOOD, ("--token-file", "/none"), {}, 2, "token /none: cannot be read"),
    "a setting that is none": (_GOOD, (), {"ARTGRAB_RESOLVE": "x"}, 2, "ARTGRAB_RESOLVE"),
    "a downloader that is none": (_GOOD, ("--downloader", "x"), {}, 2, "HOST:PORT"),
    "no browser": (category(extra=(_GALLERY,)), (), {"PATH": "/none"}, 4, "install chromium"),
}


@pytest.mark.parametrize(("document", "options", "more", "code", "words"), _BAD.values(), ids=_BAD)
async def test_what_is_wrong_is_told_in_one_line_before_the_work(
    document: object,
    options: tuple[str, ...],
    more: dict[str, str],
    code: int,
    words: str,
    tmp_path: Path,
) -> None:
    place = Place(tmp_path, {"ARTGRAB_CONTACT": "me@example.org"})
    place.write(document)
    found, said = await ended(place, "--downloader", "127.0.0.1:1", *options, **more)
    assert found == code, said
    assert words in said
    assert len(said.splitlines()) == 1
    assert words in place.last_word.error


@pytest.mark.folder_only("about advice")
async def test_without_a_contact_the_log_asks_for_one(
    hosts: PlayingHosts, store: Store, tmp_path: Path
) -> None:
    place = Place(tmp_path, {})
    document = category("wiki.test")
    place.write(document)
    async with downloader(store, hosts.network) as endpoint:
        _, said = await ended(place, "--downloader", endpoint)
    assert "ARTGRAB_CONTACT" in said.splitlines()[0]


async def test_a_signal_ends_it_in_order_and_the_next_goes_on_from_there(
    hosts: PlayingHosts, store: Store, tmp_path: Path, unused_tcp_port: int
) -> None:
    asked, go = asyncio.Event(), asyncio.Event()

    async def slow(request: web.Request) -> web.Response:
        asked.set()
        await go.wait()
        return web.Response(body=jpeg(99))

    put_files(hosts, 8)
    hosts.handle("http://files.wiki.test/7.jpg", slow)
    async with (
        pod(hosts, tmp_path, wiki=PlayedWiki(8)) as place,
        downloader(store, hosts.network) as endpoint,
    ):
        place.write(category("wiki.test"))
        options = ("--downloader", endpoint, "--metrics-port", str(unused_tcp_port))
        async with process(place, *options) as running:
            await asked.wait()
            gauges: dict[str, float] = {}
            while gauges.get("artgrab_scrape_stored") != 7:
                gauges = await _gauges(unused_tcp_port)
            running.send_signal(signal.SIGTERM)
            _, said = await asyncio.wait_for(running.communicate(), WAIT_SECONDS)
        assert running.returncode == 4
        assert "signal" in place.last_word.error
        assert len(said.splitlines()) == 1
        await eventually(lambda: len(recorded(store)) == 7)
        assert not read_run_summaries(store, namespace="default", category="cats")
        go.set()
        code, said = await ended(place, "--downloader", endpoint)
        assert code == 0, said
    assert gauges == {
        "artgrab_scrape_found": 8,
        "artgrab_scrape_stored": 7,
        "artgrab_scrape_rejected": 0,
        "artgrab_scrape_failed": 0,
        "artgrab_scrape_unacked": 1,
    }
    assert place.last_word.counts == Counts(candidates=8, stored=8)
    assert all(hosts.asked(f"http://files.wiki.test/{number}.jpg") == 1 for number in range(7))


async def _gauges(port: int) -> dict[str, float]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/metrics") as response,
    ):
        lines = (await response.text()).splitlines()
    return {
        name: float(value)
        for name, _, value in (line.partition(" ") for line in lines)
        if name.startswith("artgrab_")
    }


def test_its_image_needs_nothing_of_the_other_services() -> None:
    code = "import json, sys, artgrab.scraper.job; print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert HEAVY & set(json.loads(done.stdout)) == set()
