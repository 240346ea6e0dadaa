"""What the work costs at least: a bare loop over the same bytes in memory, in one process.

It hashes what came and what is kept, decodes, reduces, hashes the look and encodes by the fastest
way that the libraries we use have. No network, no checks of what is hostile, no second process, no
file, no record.
"""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import simplejpeg

from artgrab.common.digests import sha256_hex
from artgrab.common.errors import SurroundingsError
from artgrab.common.processes import keep_memory
from artgrab.images.encoding import encode, fit, reduced_size
from artgrab.images.hashing import perceptual_hash
from artgrab.images.jpeg import decode_jpeg
from artgrab.images.rasters import Decoded, whole
from benchmarks.download.pictures import Drawn

_ROOT = Path(__file__).parents[2]
_FEW_WORDS = 2000


class Bare(NamedTuple):
    """What the loop makes of a picture."""

    source_sha256: str
    object_sha256: str
    perceptual_hash: str
    object_bytes: bytes


def bare(data: bytes, kind: str) -> Bare:
    """Return what is kept of a picture without looking whether it is one."""
    picture = fit(*_decoded(data, kind))
    object_bytes = encode(picture)
    return Bare(sha256_hex(data), sha256_hex(object_bytes), perceptual_hash(picture), object_bytes)


def _decoded(data: bytes, kind: str) -> tuple[Decoded, tuple[int, int]]:
    """Return a picture, and the size at which it is kept."""
    if kind == "jpeg":
        height, width, *_ = simplejpeg.decode_jpeg_header(data)
        return decode_jpeg(data, width=width, height=height), reduced_size(width, height)
    pixels = np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB), np.uint8)
    return whole(pixels), reduced_size(pixels.shape[1], pixels.shape[0])


def cpu_seconds(pictures: Sequence[Drawn]) -> float:
    """Return what the loop takes for pictures, in a process of its own that keeps its memory.

    One that gives it back after each picture, as the C library does by default, takes 5 ms instead
    of 3 for a small one, or not, as its memory happens to lie.

    Raises:
        SurroundingsError: it failed.
    """
    told = subprocess.run(
        [sys.executable, "-m", "benchmarks.download.limit"],
        input="".join(f"{one.format} {one.path}\n" for one in pictures),
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if told.returncode:
        raise SurroundingsError(f"the bare work failed: {told.stderr[-_FEW_WORDS:]}")
    return float(told.stdout)


def main() -> None:
    """Read formats and paths from stdin and print the seconds that the loop took."""
    cv2.setNumThreads(1)
    keep_memory()
    lines = [line.rstrip("\n").split(" ", maxsplit=1) for line in sys.stdin]
    read = [(Path(path).read_bytes(), kind) for kind, path in lines]
    began = time.process_time()
    for data, kind in read:
        bare(data, kind)
    print(time.process_time() - began)


if __name__ == "__main__":
    main()
