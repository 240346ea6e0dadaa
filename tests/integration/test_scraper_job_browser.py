"""A Job's scrape that drives a browser: a signal in the middle of a page leaves no process."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest
from aiohttp import web

from artgrab.common.store import Store
from artgrab.common.terminations import decode
from tests.support.ingest_client import downloader
from tests.support.playing_hosts import PlayingHosts
from tests.support.requirements import need_browser
from tests.support.waiting import WAIT_SECONDS

pytestmark = [pytest.mark.timeout(180), pytest.mark.xdist_group("browser")]

_IN_TIME_SECONDS = 30.0
"""A pod's default patience, before it is killed."""


@pytest.mark.folder_only("about processes")
async def test_a_signal_while_a_page_loads_ends_browser_and_all(
    hosts: PlayingHosts, store: Store
) -> None:
    need_browser()
    asked = asyncio.Event()

    async def never(request: web.Request) -> web.Response:
        asked.set()
        await asyncio.sleep(3600)
        return web.Response()

    hosts.handle("http://gallery.test/", never)
    selectors = {"item": "a", "image": "::attr(href)"}
    document = {
        "apiVersion": "artgrab.dev/v1alpha1",
        "kind": "ArtCategory",
        "metadata": {"name": "cats"},
        "spec": {"sources": [{"gallery": {"url": "http://gallery.test/", "selectors": selectors}}]},
    }
    with tempfile.TemporaryDirectory(prefix="art-", dir="/tmp") as folder:
        place = Path(folder)
        (place / "category.json").write_text(json.dumps(document))
        async with downloader(store, hosts.network) as endpoint:
            running = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "artgrab.scraper", "--downloader", endpoint),
                *("--category", str(place / "category.json")),
                *("--termination-message", str(place / "word")),
                stderr=subprocess.PIPE,
                env={
                    **os.environ,
                    "TMPDIR": folder,
                    "ARTGRAB_SCRAPE_RUN_ID": "run-1",
                    "ARTGRAB_RESOLVE": json.dumps(hosts.network.resolve),
                    "ARTGRAB_ALLOWED_TARGETS": json.dumps(hosts.network.allowed_targets),
                },
            )
            await asyncio.wait_for(asked.wait(), WAIT_SECONDS)
            below = psutil.Process(running.pid).children(recursive=True)
            began = time.monotonic()
            running.send_signal(signal.SIGTERM)
            _, said = await asyncio.wait_for(running.communicate(), WAIT_SECONDS)
            took = time.monotonic() - began
        word = decode((place / "word").read_bytes())
        left = {one.name for one in place.iterdir()} - {"category.json", "word"}
    assert running.returncode == 4, said
    assert word is not None
    assert "signal" in word.error
    assert below
    assert not psutil.wait_procs(below, timeout=WAIT_SECONDS)[1]
    assert took < _IN_TIME_SECONDS
    assert not left
