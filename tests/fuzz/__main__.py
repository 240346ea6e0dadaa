"""`make fuzz`: hostile bytes to all that reads bytes of strangers, on all cores (SECONDS=60).

Prints what happens on stderr, and on stdout one line of JSON; exit code 1 where an input crashed
something, hung, took too much or raised what nobody expects. Such inputs are kept in a folder.
"""

import argparse
import asyncio
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.fuzz.parents import Outcome, fuzz
from tests.fuzz.targets import TARGETS


def main() -> int:
    """Return the exit code."""
    options = _options().parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="artgrab-fuzz-"))
    print(f"SEED={options.seed} repeats this; findings go to {folder}", file=sys.stderr)
    begun = time.monotonic()
    outcomes = asyncio.run(
        fuzz_all(options.target or list(TARGETS), options.seconds, options.seed, folder)
    )
    crashes = {name: one.findings for name, one in outcomes.items() if one.findings}
    if not crashes and not options.folder:
        shutil.rmtree(folder)
    print(
        json.dumps(
            {
                "targets": {name: one.inputs for name, one in outcomes.items()},
                "inputs": sum(one.inputs for one in outcomes.values()),
                "crashes": crashes,
                "seconds": round(time.monotonic() - begun),
            }
        )
    )
    return 1 if crashes else 0


async def fuzz_all(
    names: Sequence[str], seconds: float, seed: int, folder: Path
) -> dict[str, Outcome]:
    """Fuzz targets, as many at a time as there are cores, and all of them for these seconds."""
    lanes = min(os.cpu_count() or 1, len(names))
    share = seconds * lanes / len(names)
    waiting, outcomes = list(names), dict[str, Outcome]()

    async def work() -> None:
        while waiting:
            name = waiting.pop(0)
            outcomes[name] = await fuzz(
                TARGETS[name], seed=f"{seed}-{name}", seconds=share, folder=folder / name
            )
            print(f"{name}: {outcomes[name].inputs} inputs", file=sys.stderr)

    async with asyncio.TaskGroup() as group:
        for _ in range(lanes):
            group.create_task(work())
    return {name: outcomes[name] for name in names}


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--target", action="append", choices=TARGETS, help="this one only")
    parser.add_argument("--folder", type=Path, help="where inputs that found something are kept")
    return parser


if __name__ == "__main__":
    sys.exit(main())
