"""The scripts that real galleries use, out of their npm packages."""

import shutil
from pathlib import Path

from tests.world.cache import ensure_part, progress
from tests.world.packages import unpack_npm

_FILES = {
    "infinite-scroll@5.0.0": "dist/infinite-scroll.pkgd.min.js",
    "lazysizes@5.3.2": "lazysizes.min.js",
}


def scripts(root: Path) -> Path:
    """Return the folder with the scripts, fetched first where they are missing."""
    return ensure_part(root, "scripts", _fill)


def _fill(folder: Path) -> None:
    unpacked = folder / "packages"
    for package, file in _FILES.items():
        source = unpack_npm(package, unpacked) / file
        shutil.copyfile(source, folder / source.name)
        progress(f"fetched {package}")
    shutil.rmtree(unpacked)
