"""`python -m tests.fuzz.child PLACE SEED SECONDS FOLDER`: gives one target inputs until time is up.

A process of its own with limits, for inputs that end it. Whatever happens, the input under way lies
in FOLDER/now. Prints one line of JSON.
"""

import hashlib
import json
import mmap
import os
import random
import resource
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

from artgrab.common.processes import silence_libraries
from tests.fuzz.mutations import MAX_BYTES, mutated
from tests.fuzz.targets import CPU_SECONDS, Target, load

NOW = "now"
HEAD_BYTES = 16
"""Before the input: how many were begun, how long it is."""
_MAX_KEPT = 400
_MAX_FINDINGS = 20


class Now:
    """The input under way, in a file that outlives this process."""

    def __init__(self, folder: Path) -> None:
        self.count = 0
        with (folder / NOW).open("w+b") as file:
            file.truncate(HEAD_BYTES + MAX_BYTES)
            self._memory = mmap.mmap(file.fileno(), 0)

    def begin(self, data: bytes) -> None:
        """Take note of an input before it is used."""
        self.count += 1
        self._memory[HEAD_BYTES : HEAD_BYTES + len(data)] = data
        head = self.count.to_bytes(8, "little") + len(data).to_bytes(8, "little")
        self._memory[:HEAD_BYTES] = head


class Findings:
    """Inputs that led to what must not be: one for each place in the code."""

    def __init__(self, folder: Path) -> None:
        self.names: dict[str, str] = {}
        self._folder = folder

    def add(self, data: bytes, what: str, story: str) -> None:
        """Keep an input and tell people why."""
        if what in self.names or len(self.names) >= _MAX_FINDINGS:
            return
        self.names[what] = name = f"{hashlib.sha256(data).hexdigest()[:16]}.input"
        (self._folder / name).write_bytes(data)
        print(story, file=sys.stderr)


def main() -> None:
    """Fuzz one target."""
    place, seed, seconds, folder = sys.argv[1:]
    silence_libraries()
    target = load(place)
    seeds = [one[:MAX_BYTES] for one in target.seeds()]
    now, findings = Now(Path(folder)), Findings(Path(folder))
    _limit(target.memory_bytes)
    deadline = time.monotonic() + float(seconds)
    for data in _inputs(target, seeds, random.Random(seed), now, findings):
        if now.count >= len(seeds) and time.monotonic() > deadline:
            break
        now.begin(data)
    print(json.dumps({"inputs": now.count, "findings": findings.names}))


def _inputs(
    target: Target, seeds: list[bytes], chance: random.Random, now: Now, findings: Findings
) -> Iterator[bytes]:
    """Yield inputs and use each; those that led to something new are changed further."""
    kept, labels = list(seeds), set[str]()
    for data in seeds:
        yield data
        labels.add(_use(target, data, findings))
    while True:
        data = mutated(chance.choice(kept), chance, [*target.words, *kept[:50]])
        yield data
        label = _use(target, data, findings)
        if label not in labels and len(kept) < _MAX_KEPT:
            labels.add(label)
            kept.append(data)


def _use(target: Target, data: bytes, findings: Findings) -> str:
    started = time.process_time()
    try:
        label = str(target.run(data))
    except target.may_raise as error:
        label = f"{type(error).__name__}: {error}"[:60]
    except BaseException as error:
        label = f"{type(error).__name__} at {_place(error)}"
        findings.add(data, label, traceback.format_exc())
    seconds = time.process_time() - started
    if seconds > CPU_SECONDS:
        findings.add(data, "too slow", f"{seconds:.1f} CPU seconds for one input")
    return label


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}"


def _limit(memory_bytes: int) -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + memory_bytes
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**26, 2**26))
    os.environ["OMP_NUM_THREADS"] = "1"


if __name__ == "__main__":
    main()
