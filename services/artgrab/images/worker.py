"""The worker process of DecodePool: reads pictures from stdin, writes answers to stdout."""

import math
import os
import resource
import signal
import sys
import time
import warnings
from pathlib import Path
from typing import BinaryIO

import cv2

from artgrab.common.processes import die_with_parent, keep_memory, silence_libraries
from artgrab.images.confinement import confine
from artgrab.images.frames import Answer, Refusal, Success, Task, frame, read_task
from artgrab.images.memory import mapped
from artgrab.images.process import reduce_picture
from artgrab.images.system_calls import refuse_system_calls
from artgrab.images.types import PictureRefusedError


def main() -> None:
    """Answer until stdin ends.

    Run as `python -m artgrab.images.worker MEMORY_BYTES CPU_SECONDS PARENT_PID [DESCRIPTOR]`, the
    last one of what is shared.
    """
    memory_bytes, cpu_seconds, parent_pid, *shared = map(int, sys.argv[1:])
    die_with_parent(parent_pid)  # also in the middle of a picture
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    keep_memory()
    answers = _claim_stdout()
    warnings.simplefilter("ignore")  # a hostile EXIF block causes 60,000 lines of them
    cv2.setNumThreads(1)  # the pool's processes are the parallelism
    pictures = mapped(shared[0]) if shared else b""
    limit = _address_space() + memory_bytes
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    refuse_system_calls()
    confine()
    while (task := read_task(sys.stdin.buffer, pictures)) is not None:
        _limit_cpu(cpu_seconds)
        answers.write(frame(_answer(task)))
        answers.flush()


def _answer(task: Task) -> Answer:
    try:
        return Success(reduce_picture(task.data, min_side=task.min_side))
    except PictureRefusedError as error:
        return Refusal(error.reason)
    except (MemoryError, cv2.error):
        return Refusal("too-much-memory")


def _limit_cpu(seconds: int) -> None:
    """End by SIGXCPU, in the middle of a decoder too, after so much more time of a processor."""
    limit = math.ceil(time.process_time()) + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))


def _address_space() -> int:
    """Return the bytes mapped already: libraries reserve more of them the more cores there are."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:
        return 0
    return pages * resource.getpagesize()


def _claim_stdout() -> BinaryIO:
    """Keep the real stdout for answers; what libraries print must not get between them."""
    answers = os.fdopen(os.dup(1), "wb")
    silence_libraries()
    os.dup2(2, 1)
    return answers


if __name__ == "__main__":
    main()
