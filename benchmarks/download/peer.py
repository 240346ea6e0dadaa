"""img2dataset in a virtual environment of its own, far from our dependencies."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from artgrab.common.digests import short_digest
from artgrab.common.errors import SurroundingsError
from artgrab.images.encoding import MAX_SHORTER_SIDE
from benchmarks.download.costs import Cost, Running
from tests.world.cache import cache_root, ensure_part, progress

VERSION = "1.47.0"
TOLD = ("img2dataset", "opencv-python-headless", "albumentations", "numpy", "pyarrow")
"""Whose versions are in the results."""
QUALITY = 90
"""Of JPEG, as ours."""
THREADS = 32
"""In each process."""


class Peer:
    """img2dataset, ready to run."""

    def __init__(self, environment: Path) -> None:
        self._bin = environment / "bin"

    @classmethod
    def installed(cls) -> "Peer":
        """Return it out of the cache, installed where it is not in it, for the same interpreter.

        Raises:
            SurroundingsError: it cannot be installed.
        """
        root = cache_root().parent / "bench-peers"
        interpreter = short_digest([sys.version, sys.base_prefix])
        return cls(ensure_part(root, f"img2dataset-{VERSION}-{interpreter}", _install))

    def versions(self) -> Mapping[str, str]:
        """Return the versions of what does its work."""
        code = "import importlib.metadata as m, json, sys;"
        code += "print(json.dumps({name: m.version(name) for name in sys.argv[1:]}))"
        said = subprocess.check_output([self._bin / "python", "-c", code, *TOLD], text=True)
        found: dict[str, str] = json.loads(said)
        return found

    def fetch(self, urls: Sequence[str], work: Path) -> Cost:
        """Fetch pictures into work / "kept" and return what that took, start-up included.

        Raises:
            SurroundingsError: not all of them were kept.
        """
        work.mkdir()
        wanted = work / "urls.txt"
        wanted.write_text("\n".join(urls) + "\n")
        command = [str(self._bin / "python"), "-m", "img2dataset.main", *options(wanted, work)]
        running = Running(command, log=work / "log", env={**os.environ, "PYTHONWARNINGS": "ignore"})
        cost = running.cost()
        if (count := len(list((work / "kept").glob("*/*.jpg")))) != len(urls):
            raise SurroundingsError(f"img2dataset kept {count} of {len(urls)} pictures")
        return cost


def options(wanted: Path, work: Path) -> list[str]:
    """Return how it does what we do: shorter side 384, smaller ones as they are, JPEG, files."""
    processes = os.cpu_count() or 1
    lines = len(wanted.read_text().splitlines())
    values = {
        "url_list": wanted,
        "output_folder": work / "kept",
        "output_format": "files",
        "image_size": MAX_SHORTER_SIDE,
        "resize_mode": "keep_ratio",
        "resize_only_if_bigger": True,
        "encode_quality": QUALITY,
        "processes_count": processes,
        "thread_count": THREADS,
        "number_sample_per_shard": -(-lines // processes),
        "enable_wandb": False,
    }
    return [f"--{name}={value}" for name, value in values.items()]


def kept_files(work: Path) -> dict[str, Path]:
    """Return the file of each URL that was fetched."""
    found = {}
    for told in (work / "kept").glob("*/*.json"):
        said = json.loads(told.read_text())
        found[said["url"]] = told.with_suffix(".jpg")
    return found


def _install(folder: Path) -> None:
    progress(f"installing img2dataset {VERSION}")
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}")
    wanted = f"img2dataset=={VERSION}"
    try:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True, stdout=sys.stderr)
        python = folder / "bin" / "python"
        by_uv = [uv, "pip", "install", "--quiet", "--python", python]
        by_pip = [python, "-m", "pip", "install", "--quiet"]
        subprocess.run([*(by_uv if uv else by_pip), wanted], check=True, stdout=sys.stderr)
    except subprocess.CalledProcessError as error:
        raise SurroundingsError(f"{wanted} cannot be installed; is PyPI reachable?") from error
