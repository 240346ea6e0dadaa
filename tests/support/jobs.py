"""`artgrab run` as a process of its own, on a small part of the demo world."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.world.world import World

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_SECONDS = 300.0
_POLL_SECONDS = 0.05
"""A look at all processes takes milliseconds of the cores that the job itself needs."""


def small_documents(folder: Path, *, categories: tuple[str, ...], limit: int) -> Path:
    """Write the demo's documents for some categories, galleries cut to their first pictures."""
    chosen = []
    for document in yaml.safe_load_all((ROOT / "examples/demo.yaml").read_text()):
        if document["kind"] == "ArtCategory":
            if document["metadata"]["name"] not in categories:
                continue
            for source in document["spec"]["sources"]:
                if "gallery" in source:
                    source["gallery"]["url"] += f"&limit={limit}"
        chosen.append(document)
    path = folder / "small.yaml"
    path.write_text(yaml.safe_dump_all(chosen))
    return path


@dataclass(frozen=True)
class Job:
    """One call of `artgrab run --output json`; its session holds all its processes."""

    process: subprocess.Popen[str]

    def result(self) -> dict[str, Any]:
        """Wait for the end and return the document on the last line of stdout."""
        out, err = self.process.communicate(timeout=DEADLINE_SECONDS)
        assert self.process.returncode == 0, f"exit {self.process.returncode}\n{err[-4000:]}"
        document: dict[str, Any] = json.loads(out.splitlines()[-1])
        return document

    def failure(self, *, code: int) -> str:
        """Wait for the end with this exit code and return the last line of stderr."""
        _, err = self.process.communicate(timeout=DEADLINE_SECONDS)
        assert self.process.returncode == code, err[-4000:]
        assert "Traceback" not in err
        return err.splitlines()[-1]


@contextmanager
def job(world: World, documents: Path, store: str, *options: str) -> Iterator[Job]:
    """Start `artgrab run` on the world; whatever happens, it is gone afterwards."""
    command = [sys.executable, "-m", "artgrab.cli", "run", str(documents)]
    command += ["--store", store, "--output", "json", *options]
    environment = os.environ | {
        "ARTGRAB_RESOLVE": json.dumps(world.resolve),
        "ARTGRAB_ALLOWED_TARGETS": json.dumps(world.allowed_targets),
    }
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield Job(process)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def wait_until(condition: Callable[[], bool], *, seconds: float = DEADLINE_SECONDS) -> None:
    """Return when the condition holds; fail at the deadline."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s"
        time.sleep(_POLL_SECONDS)  # polling another process's files: there is nothing to wait on
