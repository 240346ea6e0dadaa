"""The locks of the images: the versions of all.lock, and all that a service imports."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXTRAS = {
    "operator": ("operator",),
    "scraper": ("scraper",),
    "downloader": ("downloader",),
    "trainer": ("trainer", "dataset"),
    "serving": ("serving", "torchserve"),
}
"""What each image has, by the project's names; the first is its service."""
_DOCKERFILE = "tests/cluster/Dockerfile"
WORLD = "../tests/cluster/world"
OTHERS = ("bootstrap", "../tests/cluster/seaweedfs", WORLD)

_KNOW_ONLY_THE_LOCK = """
import importlib, json, pkgutil, sys
from importlib.metadata import packages_distributions

package, locked = sys.argv[1], set(json.loads(sys.argv[2]))
normal = lambda name: name.lower().replace("_", "-").replace(".", "-")
ours = {"artgrab"}
absent = {
    top for top, owners in packages_distributions().items()
    if not {normal(owner) for owner in owners} & (locked | ours)
}

class OnlyTheLocked:
    def __init__(self, finder):
        self._finder = finder

    def __getattr__(self, name):
        return getattr(self._finder, name)

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in absent:
            return self._finder.find_spec(name, path, target)

sys.meta_path[:] = [OnlyTheLocked(finder) for finder in sys.meta_path]
"""
_IMPORT_ALL = """
found = importlib.import_module(package)
for module in pkgutil.walk_packages(found.__path__, f"{package}."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""


def _locked(name: str) -> dict[str, str]:
    """Return the versions in a lock by package."""
    text = (ROOT / "requirements" / f"{name}.lock").read_text()
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+) \\$", text, flags=re.MULTILINE))


def _wanted(extras: Sequence[str]) -> set[str]:
    """Return the packages that the project names for extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return _named(project, [*project["dependencies"], f"artgrab[{','.join(extras)}]"])


def _named(project: dict[str, dict[str, list[str]]], requirements: list[str]) -> set[str]:
    found: set[str] = set()
    for requirement in requirements:
        extras = re.fullmatch(r"artgrab\[(.+)\]", requirement)
        if extras:
            for extra in extras[1].split(","):
                found |= _named(project, project["optional-dependencies"][extra])
        else:
            found.add(re.split(r"[\[>=]", requirement)[0])
    return found


@pytest.mark.parametrize("name", [*EXTRAS, *OTHERS])
def test_a_lock_has_the_versions_of_the_lock_of_everything(name: str) -> None:
    locked = _locked(name)
    assert locked
    assert locked.items() <= _locked("all").items(), "run scripts/lock"


@pytest.mark.parametrize("image", EXTRAS)
def test_the_lock_of_an_image_has_all_that_the_project_names_for_it(image: str) -> None:
    assert _wanted(EXTRAS[image]) <= _locked(image).keys(), "run scripts/lock"


@pytest.mark.parametrize(
    ("image", "service"),
    [
        *((image, extras[0]) for image, extras in EXTRAS.items()),
        ("trainer", "dataset"),
        ("operator", "release_test"),
    ],
)
def test_a_service_imports_only_what_the_lock_of_its_image_has(image: str, service: str) -> None:
    _run_knowing_only(image, _IMPORT_ALL, f"artgrab.{service}")


@pytest.mark.parametrize("image", ["trainer", "serving"])
def test_no_image_has_what_only_graphics_cards_use(image: str) -> None:
    names = _locked(image).keys()
    of_cards = {name for name in names if re.match("cuda|nvidia|triton", name)}
    assert of_cards == {"nvidia-cuda-runtime"}


def test_the_sites_of_the_demo_world_need_only_what_their_image_has() -> None:
    code = """
from tests.world.world import demo_world
print(*sorted(name for name in sys.modules if name.startswith("artgrab.common.")))
"""
    copied = set(re.findall(r"artgrab/common/(\w+)\.py", (ROOT / _DOCKERFILE).read_text()))
    used = _run_knowing_only(WORLD, code, "tests.world").split()
    assert {name.rpartition(".")[2] for name in used} == copied


def _run_knowing_only(lock: str, code: str, package: str) -> str:
    packages = json.dumps(sorted(_locked(lock)))
    done = subprocess.run(
        [sys.executable, "-c", _KNOW_ONLY_THE_LOCK + code, package, packages],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("image", ["operator", "scraper"])
def test_who_only_asks_others_to_store_needs_no_store(image: str) -> None:
    assert not {"boto3", "obstore", "pyarrow"} & _locked(image).keys()
