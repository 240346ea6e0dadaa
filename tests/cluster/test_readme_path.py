"""README's path on a cluster, command by command as it stands there, from nothing to predictions.

Only what needs the internet is another: the registry, and the sites that the two categories name.
Images are built and loaded by the tests instead of being pushed. It watches its own namespace, as
operators are tested meanwhile; that of all other tests watches the whole cluster.
"""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from artgrab.common.documents import load_documents
from tests.cluster.categories import gallery_source
from tests.cluster.images import ROOT, Images
from tests.cluster.installed import README_RELEASE, begin_world, make_namespace, values
from tests.cluster.kubectl import Kubectl
from tests.cluster.packages import learning_values, offer_packages
from tests.cluster.providers import Provider
from tests.cluster.sharing import Shared
from tests.cluster.worlds import WorldPods, world_pods
from tests.support.command_lines import block_below
from tests.world.cache import cache_root
from tests.world.pictures import catalogue

SITES = {"art": "www.painting-pieces.test", "everyday": "www.landscape.test"}
"""Instead of Wikimedia Commons, by the set that a category is of."""
HELD_OUT = {"painting-pieces": "art", "landscape": "not-art"}
"""Folders of pictures that no site shows, and the right answer."""
SECONDS = 3000.0
"""For all of it on a busy machine; five minutes are usual."""

pytestmark = [
    pytest.mark.timeout(SECONDS + 100, func_only=True),
    pytest.mark.xdist_group("readme"),
]


@dataclass(frozen=True)
class Place:
    """A cluster without artgrab, and what the README takes for granted there."""

    provider: Provider
    images: Images
    admin: Kubectl
    world: WorldPods


@pytest.fixture(scope="module")
def place(provider: Provider, images: Future[Images], shared: Shared) -> Iterator[Place]:
    loaded, admin = images.result(), _admin(provider)
    make_namespace(admin, README_RELEASE)
    if not loaded.learning.whole:
        offer_packages(admin, README_RELEASE)
    with world_pods(begin_world(admin, loaded, shared)) as world:
        yield Place(provider, loaded, admin, world)
    admin("delete", f"namespace/{README_RELEASE}", "--wait=false")


def _admin(provider: Provider) -> Kubectl:
    return Kubectl(provider.tool("kubectl"), provider.kubeconfig(), "default")


def test_each_command_works_as_it_stands_there(place: Place, tmp_path: Path) -> None:
    said = _run_commands(_commands(place, tmp_path), place, tmp_path)
    assert f"namespace {README_RELEASE}:" in said
    assert "artclassifier.artgrab.dev/art-or-not condition met" in said
    answers = _answers(said)
    assert set(answers) == {name for _, name, _ in _pictures()}
    right = [answers[name] == label for _, name, label in _pictures()]
    assert sum(right) >= len(right) - 1, said


def _run_commands(commands: Sequence[str], place: Place, folder: Path) -> str:
    """Run them in one shell, as somebody would who has these tools and this kubeconfig."""
    script = "\n".join(["set -euo pipefail", "trap 'kill $(jobs -p)' EXIT", *commands])
    with (folder / "said").open("w+") as said:
        done = subprocess.run(
            ["bash", "-x", "-c", script],
            cwd=ROOT,
            env=_environment(place, folder),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            timeout=SECONDS,
            check=False,
        )
        said.seek(0)
        text = said.read()
    assert done.returncode == 0, f"{text}\n{_story(place)}"
    return text


def _story(place: Place) -> str:
    inside = Kubectl(place.admin.program, place.admin.kubeconfig, README_RELEASE)
    return inside.story("artclassifier/art-or-not")


def _environment(place: Place, folder: Path) -> dict[str, str]:
    """Tools by their usual names, and a kubeconfig of this test's own: the README changes it."""
    tools = folder / "bin"
    tools.mkdir()
    for name in ("kubectl", "helm"):
        (tools / name).symlink_to(Path(place.provider.tool(name)).resolve())
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_bytes(Path(place.admin.kubeconfig).read_bytes())
    path = os.pathsep.join([str(tools), str(ROOT / ".venv/bin"), os.environ["PATH"]])
    return os.environ | {"PATH": path, "KUBECONFIG": str(kubeconfig), "COLUMNS": "120"}


def _commands(place: Place, folder: Path) -> list[str]:
    """Return the README's commands with what needs the internet replaced."""
    build, *commands = block_below("## On Kubernetes", (ROOT / "README.md").read_text())
    registry = build.split()[build.split().index("--registry") + 1]
    replaced = {
        registry: place.images.registry,
        "my-pictures/": f"{_my_pictures(folder)}/",
        **{str(file): str(_of_the_world(file, place, folder)) for file in _examples()},
    }
    for old, new in replaced.items():
        assert any(old in line for line in commands), old
        commands = [line.replace(old, new) for line in commands]
    more = f" --take-ownership --timeout=10m --values={_values(place, folder)}"
    return [line + more if line.startswith("helm install") else line for line in commands]


def _examples() -> list[Path]:
    return [file.relative_to(ROOT) for file in sorted((ROOT / "k8s/examples").glob("*.yaml"))]


def _of_the_world(file: Path, place: Place, folder: Path) -> Path:
    """Write an example whose categories look at the demo world; everything else is as it is."""
    documents = list(yaml.safe_load_all((ROOT / file).read_text()))
    for one in documents:
        if one["kind"] == "ArtCategory":
            site = SITES[one["metadata"]["labels"]["artgrab.dev/set"]]
            gallery = place.world.galleries[site]
            one["spec"]["sources"] = [gallery_source(gallery, words="all")]
            one["spec"]["filters"] = {"minSide": 64}
    written = folder / file.name
    written.write_text(yaml.safe_dump_all(documents))
    assert load_documents([written])
    return written


def _values(place: Place, folder: Path) -> Path:
    """Write the values by which the tests install, less what the README says itself."""
    chosen: dict[str, Any] = values(place.images, place.world)
    chosen["networkPolicies"] = {}
    chosen["watchNamespaces"] = [README_RELEASE]
    for name, more in learning_values(place.images.learning).items():
        chosen[name] = {**chosen.get(name, {}), **more}
    written = folder / "values.json"
    written.write_text(json.dumps(chosen))
    return written


def _pictures() -> list[tuple[Path, str, str]]:
    """Return file, name and right answer of pictures that no site shows."""
    folder = catalogue(cache_root()).folder / "held_out"
    return [
        (file, f"{category}-{file.name}", label)
        for category, label in HELD_OUT.items()
        for file in sorted((folder / category).iterdir())
    ]


def _my_pictures(folder: Path) -> Path:
    mine = folder / "my-pictures"
    mine.mkdir()
    for file, name, _ in _pictures():
        (mine / name).write_bytes(file.read_bytes())
    return mine


def _answers(said: str) -> Mapping[str, str]:
    """Return the labels of the table of predictions by the names of the pictures."""
    rows = [line.split() for line in said.splitlines()]
    names = {name for _, name, _ in _pictures()}
    return {row[0]: row[1] for row in rows if len(row) == 3 and row[0] in names}
