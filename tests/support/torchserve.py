"""A predict server with TorchServe behind it, as a process of its own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from artgrab.common.store import Store
from tests.support.model_folders import write_model
from tests.support.waiting import WAIT_SECONDS

PREFIX = "default/models/" + "5" * 64


def serving_command(store_uri: str, *options: str) -> list[str]:
    """Return what serves the model at PREFIX by TorchServe."""
    module = [sys.executable, "-m", "artgrab.serving", "--runtime", "torchserve"]
    return [*module, "--store", store_uri, "--model", PREFIX, *options]


@dataclass
class ServingProcess:
    """One that is ready."""

    process: subprocess.Popen[str]
    endpoint: str
    content_sha256: str

    def descendants(self) -> list[psutil.Process]:
        """Return every process below it."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def only(self, program: str) -> psutil.Process:
        """Return the one process below it whose command line holds a word."""
        (found,) = self.all_of(program)
        return found

    def all_of(self, program: str) -> list[psutil.Process]:
        """Return the processes below it whose command lines hold a word."""
        return [one for one in self.descendants() if program in _line_of(one)]

    def end(self, how: signal.Signals) -> tuple[str, str]:
        """Signal it; return what it wrote after it was ready."""
        self.process.send_signal(how)
        return self.process.communicate(timeout=WAIT_SECONDS)


def folder_command(folder: Path) -> list[str]:
    """Return what serves a fetched folder by TorchServe, as in a pod."""
    module = [sys.executable, "-m", "artgrab.serving", "--runtime", "torchserve"]
    return [*module, "--folder", str(folder), "--archive", str(folder / "artgrab.mar")]


@contextmanager
def torchserve_process(store_uri: str) -> Iterator[ServingProcess]:
    """Write a model into an empty store and serve it; yield when it is ready."""
    digest = write_model(Store.open(store_uri), PREFIX)
    with started(serving_command(store_uri), content_sha256=digest) as process:
        yield process


@contextmanager
def started(
    command: Sequence[str], *, content_sha256: str, **environment: str
) -> Iterator[ServingProcess]:
    """Start a predict server on a free port; yield when it is ready."""
    with subprocess.Popen(
        [*command, "--listen", "127.0.0.1:0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, process.communicate()[1]
            yield ServingProcess(process, json.loads(line)["endpoint"], content_sha256)
        finally:
            process.terminate()
            process.communicate(timeout=WAIT_SECONDS)


def alive(processes: Sequence[psutil.Process]) -> list[str]:
    """Return the command lines of those that have not ended, after a while in which they may."""
    _, left = psutil.wait_procs(processes, timeout=WAIT_SECONDS)
    return [_line_of(one) for one in left]


def _line_of(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:  # it is gone, or a zombie
        return ""
