"""The image that pods and our Dockerfiles stand on, made of Debian packages without an engine.

It stands in for `python:3.11-slim-bookworm` under the same name, so that a Dockerfile needs no
change: Debian's Python 3.11, pip, certificates, and little else.
"""

import os
import stat
from pathlib import Path

from tests.cluster.archives import ImageConfig, write_image
from tests.cluster.builds import HERE, cluster_cache, digest_of, uv_install
from tests.cluster.commands import progress, run
from tests.cluster.providers import BASE_IMAGE
from tests.world.cache import ensure_part

SUITE = "bookworm"
PACKAGES = ("ca-certificates", "python3")
UNUSED = ("/usr/share/doc/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/man/*")
SITE = "usr/local/lib/python3.11/dist-packages"
VERSION = "2"
PIP = """#!/bin/sh
exec python3 -m pip "$@"
"""
CONFIG = ImageConfig(
    command=["python3"],
    environment={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
)


def ensure_base_image() -> Path:
    """Return the archive of BASE_IMAGE, made where it is missing (a minute, once)."""
    requirement = HERE / "base-requirements.txt"
    inputs = repr((VERSION, SUITE, PACKAGES, UNUSED, PIP, CONFIG, BASE_IMAGE)).encode()
    name = f"base-{digest_of(inputs, requirement.read_bytes())}"
    return ensure_part(cluster_cache(), name, _fill) / "base.tar"


def _fill(folder: Path) -> None:
    progress(f"making {BASE_IMAGE} of Debian packages")
    extra, layer = folder / "extra", folder / "layer.tar"
    _write_extra(extra)
    hooks = (f'cp --recursive "{extra}"/. "$1"', 'rm "$1"/usr/lib/python3.11/EXTERNALLY-MANAGED')
    run("mmdebstrap", *_options(hooks), SUITE, layer, *_sources(), seconds=1800)
    write_image(folder / "base.tar", name=BASE_IMAGE, layer=layer, config=CONFIG)
    layer.unlink()
    run("rm", "--recursive", extra)


def _options(hooks: tuple[str, ...]) -> list[str]:
    return [
        "--quiet",
        "--mode=root",
        "--variant=minbase",
        f"--include={','.join(PACKAGES)}",
        '--aptopt=APT::Install-Recommends "false"',
        '--aptopt=Acquire::Check-Valid-Until "false"',  # of snapshots, which are old by intention
        "--dpkgopt=force-unsafe-io",
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in UNUSED),
        *(f"--customize-hook={hook}" for hook in hooks),
    ]


def _sources() -> list[Path]:
    """Return where this host has its Debian from; elsewhere mmdebstrap knows a mirror itself."""
    known = (Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list"))
    return [one for one in known if one.is_file() and SUITE in one.read_text()][:1]


def _write_extra(root: Path) -> None:
    """Write what the image has over Debian's packages: pip, and the names python and pip."""
    programs = root / "usr/local/bin"
    programs.mkdir(parents=True)
    uv_install(HERE / "base-requirements.txt", root / SITE)
    for name in ("pip", "pip3"):
        (programs / name).write_text(PIP)
        (programs / name).chmod(0o755)
    (programs / "python").symlink_to("/usr/bin/python3")
    for folder, _, files in os.walk(root):
        Path(folder).chmod(0o755)
        for file in files:
            _let_all_read(Path(folder, file))


def _let_all_read(path: Path) -> None:
    if not path.is_symlink():
        path.chmod(stat.S_IMODE(path.stat().st_mode) | 0o444)
