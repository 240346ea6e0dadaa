"""What the work costs at least: a bare loop over the same bytes in memory, in one process.

It hashes what came and what is kept, decodes, reduces, hashes the look and encodes by the fastest
way that the libraries we use have. No network, no checks of what is hostile, no second process, no
file, no record.
"""

import multiprocessing
import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

import cv2
import numpy as np
import simplejpeg

from artgrab.common.digests import sha256_hex
from artgrab.images.encoding import MAX_SHORTER_SIDE, Pixels, encode, reduce, reduced_size
from artgrab.images.hashing import perceptual_hash
from benchmarks.download.pictures import Drawn


class Bare(NamedTuple):
    """What the loop makes of a picture."""

    source_sha256: str
    object_sha256: str
    perceptual_hash: str
    object_bytes: bytes


def bare(data: bytes, kind: str) -> Bare:
    """Return what is kept of a picture without looking whether it is one."""
    pixels, (width, height) = _decoded(data, kind)
    pixels = reduce(pixels, width=width, height=height)
    object_bytes = encode(pixels)
    return Bare(sha256_hex(data), sha256_hex(object_bytes), perceptual_hash(pixels), object_bytes)


def _decoded(data: bytes, kind: str) -> tuple[Pixels, tuple[int, int]]:
    """Return pixels, and the size at which the picture is kept."""
    if kind == "jpeg":
        height, width, *_ = simplejpeg.decode_jpeg_header(data)
        pixels = simplejpeg.decode_jpeg(
            data, colorspace="RGB", min_height=MAX_SHORTER_SIDE, min_width=MAX_SHORTER_SIDE
        )
        return pixels, reduced_size(width, height)
    pixels = np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB), np.uint8)
    return pixels, reduced_size(pixels.shape[1], pixels.shape[0])


def cpu_seconds(pictures: Sequence[Drawn]) -> float:
    """Return what the loop takes for pictures; one thread."""
    read = [(one.path.read_bytes(), one.format) for one in pictures]
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        began = time.process_time()
        for data, kind in read:
            bare(data, kind)
        return time.process_time() - began
    finally:
        cv2.setNumThreads(threads)


def busy_cpu_seconds(pictures: Sequence[Drawn]) -> float:
    """Return what as many loops as there are processors take together, each for its share.

    Two processors that are one core slow each other down: a downloader keeps both at work, and one
    loop alone does not.
    """
    count = os.cpu_count() or 1
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(count, mp_context=context) as processes:
        return sum(processes.map(cpu_seconds, [pictures[at::count] for at in range(count)]))
