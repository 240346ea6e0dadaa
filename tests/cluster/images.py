"""The images that tests put on a cluster: artgrab's own, the demo world's sites, an object store.

`scripts/images` builds them, and the archives are kept in the cache by a digest of all that goes
in, which is their tag as well: a pod of a former build is never mistaken for one of this.

The images of trainer and serving hold gigabytes of Python packages. A small one with our code and
Java alone stands in for both, and pods have the packages of this host (see `packages`), unless
ARTGRAB_CLUSTER_IMAGES=full asks for the real ones.
"""

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from artgrab.common.errors import SurroundingsError
from tests.cluster.base_image import ensure_base_image
from tests.cluster.builds import HERE, cluster_cache, digest_of, ensure_only
from tests.cluster.commands import progress, run, succeeds
from tests.cluster.providers import Provider
from tests.world.cache import cache_root
from tests.world.world import prepare

ROOT = HERE.parents[1]
REGISTRY = "localhost"
SERVICES = ("operator", "scraper", "downloader")
STAND_IN = "bare"
LEARNING = ("trainer", "serving")
PYTHON = (3, 11)
"""Of the images: packages of another one would not do in them."""
BUILD_SECONDS = 3600
"""Two minutes where two cores are free."""
VERSION = "1"
"""Goes up when a build gives something else from the same inputs."""
_TEST_DOCKERFILE = "tests/cluster/Dockerfile"
_CODE = (
    *("Dockerfile", "LICENSE", "README.md", "pyproject.toml"),
    *("requirements", "operator", "protos", "services"),
)
_BUILDER = ("scripts/images", ".dockerignore", "tests/cluster/base_image.py")


@dataclass(frozen=True)
class Part:
    """Images that are built and kept together."""

    name: str
    images: tuple[str, ...]
    inputs: tuple[str, ...]
    """Files and folders below the root of the repository."""
    options: tuple[str | Path, ...] = ()
    """For scripts/images."""
    root: Path = ROOT

    @cached_property
    def tag(self) -> str:
        """A digest of the inputs as they were when it was first asked for."""
        files = sorted(_files(self.root, (*self.inputs, *_BUILDER)))
        names = [str(file.relative_to(self.root)) for file in files]
        contents = [file.read_bytes() for file in files]
        return digest_of(repr((VERSION, self.images, self.options, names)).encode(), *contents)

    @property
    def folder(self) -> str:
        """The name of its part of the cache."""
        return f"images-{self.name}-{self.tag}"


@dataclass(frozen=True)
class Learning:
    """The images of trainer and serving."""

    trainer: str
    """Without registry and tag, as in the chart's values."""
    serving: str
    tag: str

    @property
    def whole(self) -> bool:
        """Whether they have their packages themselves."""
        return self.trainer != _image(STAND_IN)


@dataclass(frozen=True)
class Images:
    """Archives by the full names of the images in them; `tag` is that of operator and services."""

    registry: str
    tag: str
    world: str
    object_store: str
    learning: Learning
    archives: Mapping[str, Path]

    def load_into(self, provider: Provider, *, known: Iterable[str] = ()) -> None:
        """Make all of them known to the nodes, except those that the caller knows to be there."""
        there = set(known)
        for name, archive in self.archives.items():
            if name not in there:
                provider.load_image(archive)


def wants_whole_images() -> bool:
    """Return whether tests are to use the real images of trainer and serving, or can only so.

    Raises SurroundingsError where ARTGRAB_CLUSTER_IMAGES says something else than bare or full.
    """
    asked = os.environ.get("ARTGRAB_CLUSTER_IMAGES", "bare")
    if asked not in ("bare", "full"):
        raise SurroundingsError(f"ARTGRAB_CLUSTER_IMAGES is bare or full, not {asked}")
    return asked == "full" or sys.version_info[:2] != PYTHON


def ensure_images() -> Images:
    """Return all images, built where they are missing (some two minutes the first time)."""
    whole = wants_whole_images()
    prepare(wiki=False)
    parts = _parts(whole=whole)
    services, world, seaweedfs, *_ = parts
    archives = {name: file for one in parts for name, file in _ensure(one)}
    return Images(
        registry=REGISTRY,
        tag=services.tag,
        world=_name("world", world.tag),
        object_store=_name("seaweedfs", seaweedfs.tag),
        learning=_chosen(services, whole=whole),
        archives=archives,
    )


def built_archives() -> Sequence[Path]:
    """Return the archives of all images; nothing where some are still to be built, or are real.

    A stock of the real ones of trainer and serving would take nine gigabytes more of the cache.
    """
    if wants_whole_images():
        return ()
    parts = _parts(whole=False)
    archives = [file for one in parts for _, file in _archives(one, cluster_cache() / one.folder)]
    return archives if all(file.exists() for file in archives) else ()


def _parts(*, whole: bool) -> Sequence[Part]:
    return (_services(), _world(), _seaweedfs(), *([_learning()] if whole else ()))


def _chosen(services: Part, *, whole: bool) -> Learning:
    if whole:
        trainer, serving = map(_image, LEARNING)
        return Learning(trainer, serving, tag=_learning().tag)
    return Learning(_image(STAND_IN), _image(STAND_IN), tag=services.tag)


def _services() -> Part:
    return Part("services", (*SERVICES, STAND_IN), _CODE)


def _learning() -> Part:
    return Part("learning", LEARNING, (*_CODE, "scripts/without-cuda"))


def _world() -> Part:
    cache = cache_root()
    code = tuple(f"services/artgrab/common/{name}.py" for name in ("errors", "processes"))
    inputs = (_TEST_DOCKERFILE, "tests/cluster/world.lock", "tests/world", *code)
    # The wiki's parts of that cache are not copied; the name of the folder tells what is in it.
    options = ("--context", f"cache={cache}", "--build-arg", f"CACHE={cache.name}")
    return Part("world", ("world",), inputs, ("--file", _TEST_DOCKERFILE, *options))


def _seaweedfs() -> Part:
    inputs = (_TEST_DOCKERFILE, "tests/cluster/seaweedfs.lock")
    return Part("seaweedfs", ("seaweedfs",), inputs, ("--file", _TEST_DOCKERFILE))


def _ensure(part: Part) -> Iterable[tuple[str, Path]]:
    """Return names and archives of a part, which is built where it is missing."""
    return _archives(part, ensure_only(part.folder, lambda new: _build(part, new)))


def _archives(part: Part, folder: Path) -> Iterable[tuple[str, Path]]:
    for image in part.images:
        yield _name(image, part.tag), folder / f"{image}.tar"


def _build(part: Part, folder: Path) -> None:
    progress(f"building images: {', '.join(part.images)}")
    options = (*part.options, "--registry", REGISTRY, "--tag", part.tag, "--archive", folder)
    command = (ROOT / "scripts/images", *options, *_of_buildah(), *part.images)
    run(*command, folder=ROOT, seconds=BUILD_SECONDS)


def _of_buildah() -> tuple[str | Path, ...]:
    """Without Docker the base image is ours as well, and layers lie apart from the user's own."""
    if succeeds("docker", "info", seconds=20):
        return ()
    return ("--base-archive", ensure_base_image(), "--root", cluster_cache() / "buildah")


def _image(name: str) -> str:
    return f"artgrab-{name}"


def _name(image: str, tag: str) -> str:
    return f"{REGISTRY}/{_image(image)}:{tag}"


def _files(root: Path, names: Iterable[str]) -> Iterable[Path]:
    for name in names:
        path = root / name
        if path.is_file():
            yield path
        else:
            found = (one for one in path.rglob("*") if one.is_file())
            yield from (one for one in found if "__pycache__" not in one.parts)


if __name__ == "__main__":
    for image_name, image_archive in ensure_images().archives.items():
        print(image_name, image_archive)
