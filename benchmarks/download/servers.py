"""Processes of a downloader, real or stubbed, whose memory or processor time is looked at."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

_ROOT = Path(__file__).parents[2]


@contextmanager
def running(module: str, store: Path, **environment: str) -> Iterator[tuple[psutil.Process, str]]:
    """Run a module that serves a store; yields its process and endpoint."""
    command = [sys.executable, "-m", module, "--store", str(store)]
    started = subprocess.Popen(
        [*command, "--exit-with-parent", str(os.getpid())],
        cwd=_ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
    )
    try:
        assert started.stdout is not None
        yield psutil.Process(started.pid), json.loads(started.stdout.readline())["endpoint"]
    finally:
        started.terminate()
        started.communicate()
