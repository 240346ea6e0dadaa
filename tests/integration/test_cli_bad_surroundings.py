"""`artgrab run` where browser, model or site are not as they should be: told before the work.

Exit code 4, one line, nothing half-written; the same command works once the trouble is gone.
"""

import os
import shutil
import sys
from pathlib import Path

import pytest

from artgrab.common.network import NetworkSettings
from artgrab.common.record_parts import read_records
from artgrab.common.store import Store
from tests.support.cli_calls import Said, artgrab_process, reaching
from tests.support.drawn import jpeg
from tests.support.playing_hosts import PlayingHosts
from tests.support.requirements import need_browser

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("browser")]

DOCUMENTS = """
apiVersion: artgrab.dev/v1alpha1
kind: ArtCategory
metadata: {name: walls, labels: {set: art}}
spec:
  sources:
    - gallery:
        url: "http://www.walls.test/"
        selectors: {item: figure, image: "a::attr(href)"}
"""
CLASSIFIER = """
---
apiVersion: artgrab.dev/v1alpha1
kind: ArtCategory
metadata: {name: bikes, labels: {set: everyday}}
spec:
  sources: [{gallery: {url: "http://www.walls.test/", selectors: {item: p, image: "::text"}}}]
---
apiVersion: artgrab.dev/v1alpha1
kind: ArtClassifier
metadata: {name: art-or-not}
spec:
  classes:
    - {label: art, categorySelector: {matchLabels: {set: art}}}
    - {label: not-art, categorySelector: {matchLabels: {set: everyday}}}
  model: {backbone: BACKBONE}
"""
DRIVER = """#!{python}
import http.server, json, sys

if "--version" in sys.argv:
    print("ChromeDriver 99.0.4844.51 (abc-refs/branch-heads/4844@)")
    sys.exit()


class Refusing(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        text = "session not created: This version of ChromeDriver only supports Chrome version 99"
        value = {{"error": "session not created", "message": text, "stacktrace": ""}}
        body = json.dumps({{"value": value}}).encode()
        self.send_response(500)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = http.server.HTTPServer(("127.0.0.1", 0), Refusing)
print(f"ChromeDriver was started successfully on port {{server.server_port}}.", flush=True)
server.serve_forever()
"""


@pytest.fixture
def walls(hosts: PlayingHosts) -> PlayingHosts:
    """A gallery of three pictures."""
    need_browser()
    page = "".join(f"<figure><a href='/{number}.jpg'>x</a></figure>" for number in range(3))
    hosts.put("http://www.walls.test/", page.encode(), headers={"Content-Type": "text/html"})
    for number in range(3):
        hosts.put(f"http://www.walls.test/{number}.jpg", jpeg(number))
    return hosts


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    path = tmp_path / "walls.yaml"
    path.write_text(DOCUMENTS)
    return path


def programs(folder: Path, *names: str) -> str:
    """Return a PATH on which these programs are and no others."""
    folder.mkdir()
    for name in names:
        (folder / name).symlink_to(str(shutil.which(name)))
    return str(folder)


def assert_untouched(said: Said, hosts: PlayingHosts, store: Path, *naming: str) -> None:
    """Check that one line named what to change, and that nobody was asked for anything."""
    assert said.code == 4, said.err
    assert said.last.startswith("artgrab: ")
    assert said.out == ""
    for text in naming:
        assert text in said.last
    assert hosts.seen == []
    assert [path for path in store.rglob("*") if path.is_file() and path.name != ".lock"] == []


def stored(store: Path) -> int:
    records = read_records(Store.open(str(store)), namespace="default", category="walls")
    return sum(one.record.outcome == "STORED" for one in records.values())


async def test_a_browser_that_is_missing_or_does_not_fit_is_told_before_anything_is_asked_for(
    walls: PlayingHosts, documents: Path, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    command, network = ("run", documents, "--store", store), reaching(walls.network)

    nothing = programs(tmp_path / "nothing")
    said = await artgrab_process(*command, **network, PATH=nothing)
    missing = "chromium and chromium-driver not found on the PATH; on Debian: apt-get install"
    assert_untouched(said, walls, store, missing)

    half = programs(tmp_path / "half", "chromium")
    said = await artgrab_process(*command, **network, PATH=half)
    assert_untouched(said, walls, store, "artgrab: chromium-driver not found on the PATH")

    old = programs(tmp_path / "old")
    driver = Path(old) / "chromedriver"
    driver.write_text(DRIVER.format(python=sys.executable))
    driver.chmod(0o755)
    said = await artgrab_process(*command, **network, PATH=f"{old}{os.pathsep}{os.environ['PATH']}")
    assert_untouched(said, walls, store, "chromium is ", "chromedriver is 99.0.4844.51", "apt-get")

    said = await artgrab_process(*command, **network)
    assert said.code == 0, said.err
    assert stored(store) == 3


async def test_a_site_that_is_down_is_told_and_asked_again_by_the_same_command(
    walls: PlayingHosts, documents: Path, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    down = reaching(NetworkSettings(resolve={"*": "127.0.0.1:1"}))
    said = await artgrab_process("run", documents, "--store", store, **down)
    assert said.code == 4
    assert "walls: every source failed: " in said.last
    assert "http://www.walls.test/robots.txt cannot be had (connection refused)" in said.last
    assert not list(store.rglob("*.json*"))

    again = await artgrab_process("run", documents, "--store", store, **reaching(walls.network))
    assert again.code == 0, again.err
    assert stored(store) == 3


async def test_a_backbone_that_timm_does_not_know_is_told_before_the_scrape(
    walls: PlayingHosts, documents: Path, tmp_path: Path
) -> None:
    documents.write_text(DOCUMENTS + CLASSIFIER.replace("BACKBONE", "resnet180"))
    command = ("run", documents, "--store", tmp_path / "store")
    said = await artgrab_process(*command, **reaching(walls.network))
    assert said.code == 2
    complaint = "spec.model.backbone: resnet180 is not a timm model; did you mean resnet18 or"
    assert f"walls.yaml:25: ArtClassifier art-or-not: {complaint}" in said.last
    assert walls.seen == []
