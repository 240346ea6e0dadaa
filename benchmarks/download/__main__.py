"""`python -m benchmarks.download`: the downloader beside img2dataset, and what else it costs.

Every part gets a folder to work in, which it may leave as it likes, and how many pictures (or URLs)
it takes at most, for a quick look. It returns figures for the last line of JSON, which is also in
benchmarks/results/download.json where all parts were measured in full.
"""

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from artgrab.common.errors import ArtgrabError
from benchmarks.download import memory, scaleout, speeds, storing, streams
from benchmarks.download.pictures import WORKLOADS

RESULT = Path(__file__).parents[1] / "results" / "download.json"
OTHERS: Mapping[str, Callable[..., dict[str, Any]]] = {
    "storing": storing.measure,
    "streams": streams.measure,
    "scaleout": scaleout.measure,
    "memory": memory.measure,
}
PARTS = (*WORKLOADS, *OTHERS)
LEAST = {
    "speedup_small": 3.0,
    "speedup_large": 3.5,
    "fraction_of_limit_small": 0.75,
    "fraction_of_limit_large": 0.75,
    "fraction_of_limit_mixed": 0.75,
    "ssim": 0.97,
    "candidates_per_cpu_s": 20_000,
    "scaleout_efficiency": 0.85,
}
MOST = {"s3_cpu_ms_per_picture": 0.7}
_MEMORY = Path("/dev/shm")
_ROOM_BYTES = 8 * 1024**3
"""Twice what all parts leave there."""


def main() -> int:
    """Measure, and tell whether the goals are met."""
    options = _options()
    try:
        result = _measured(options)
    except ArtgrabError as error:
        print(f"bench-download: {error}", file=sys.stderr)
        return error.exit_code
    if set(options.only) == set(PARTS) and options.pictures is None:
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(json.dumps(result) + "\n")
    missed = missed_goals(result)
    for goal in missed:
        print(f"bench-download: missed: {goal}", file=sys.stderr, flush=True)
    print(json.dumps(result))
    return int(bool(missed))


def _measured(options: argparse.Namespace) -> dict[str, Any]:
    result: dict[str, Any] = {}
    memory_folder = _in_memory()
    with tempfile.TemporaryDirectory(prefix="artgrab-bench-", dir=memory_folder) as name:
        if workloads := [part for part in options.only if part in WORKLOADS]:
            work = _folder(name, "speeds")
            result |= speeds.measure(
                work, workloads=workloads, pictures=options.pictures, rounds=options.rounds
            )
        for part in options.only:
            if part in OTHERS:
                result |= OTHERS[part](_folder(name, part), pictures=options.pictures)
    files = "in memory" if memory_folder else "on disk"
    return result | {"machine": {**machine(), "files": files}}


def _in_memory() -> Path | None:
    """Return where a file costs the same at all times; None where there is no room.

    An ext4 without a journal searches up to a millisecond for a place for each file where others
    were removed in the minutes before (fs/ext4/ialloc.c, recently_deleted).
    """
    try:
        free = shutil.disk_usage(_MEMORY).free
    except OSError:
        return None
    return _MEMORY if free > _ROOM_BYTES else None


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.download", description=__doc__)
    parser.add_argument("--only", type=_parts, default=list(PARTS), help="comma-separated parts")
    parser.add_argument("--pictures", type=int, help="at most, for a quick look; writes no result")
    parser.add_argument("--rounds", type=int, default=3, help="of runs by turns; the median counts")
    return parser.parse_args()


def _parts(text: str) -> list[str]:
    names = text.split(",")
    if unknown := set(names) - set(PARTS):
        raise argparse.ArgumentTypeError(
            f"{', '.join(sorted(unknown))}: known are {', '.join(PARTS)}"
        )
    return names


def _folder(*parts: str) -> Path:
    folder = Path(*parts)
    folder.mkdir()
    return folder


def machine() -> dict[str, str | int | None]:
    """Return on what the figures were taken."""
    models = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return {
        "processor": models[0] if models else platform.processor(),
        "cores": os.cpu_count(),
        "system": platform.system() + " " + platform.release(),
        "python": sys.version,
    }


def missed_goals(result: Mapping[str, Any]) -> list[str]:
    """Return what was measured and is not as it should be, in words."""
    few = [
        f"{name} {result[name]}, at least {goal} is wanted"
        for name, goal in LEAST.items()
        if name in result and result[name] < goal
    ]
    many = [
        f"{name} {result[name]}, at most {goal} is wanted"
        for name, goal in MOST.items()
        if name in result and result[name] > goal
    ]
    return few + many


if __name__ == "__main__":
    sys.exit(main())
