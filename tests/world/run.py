"""`make run`: the demo world and `artgrab run` on it, as a user would call it."""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from artgrab.common.errors import ArtgrabError, SurroundingsError
from tests.world.world import World, demo_world, missing_requirements

_ROOT = Path(__file__).resolve().parents[2]
_DOCUMENTS = "examples/demo.yaml"
_INSTEAD = "without it, and with the internet: artgrab run examples/commons.yaml"


def main() -> int:
    """Return the exit code of `artgrab run`, or 4 where the world cannot be built here."""
    options = _options()
    try:
        _check_requirements()
        with demo_world() as world:
            return _run(world, options)
    except ArtgrabError as error:
        sys.stderr.write(f"the demo world: {error}; {_INSTEAD}\n")
        return error.exit_code


def _check_requirements() -> None:
    missing = " ".join(missing_requirements())
    if missing:
        raise SurroundingsError(
            f"needs these Debian packages: apt-get install --no-install-recommends {missing}"
        )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", default="artgrab-store")
    parser.add_argument("--output", choices=("table", "json"), default="table")
    return parser.parse_args()


def _run(world: World, options: argparse.Namespace) -> int:
    command = [sys.executable, "-m", "artgrab.cli", "run", _DOCUMENTS]
    command += ["--store", options.store, "--output", options.output]
    command += ["--predict", str(world.held_out)]
    environment = os.environ | {
        "ARTGRAB_RESOLVE": json.dumps(world.resolve),
        "ARTGRAB_ALLOWED_TARGETS": json.dumps(world.allowed_targets),
    }
    # Ctrl-C reaches both processes: artgrab ends in order, and this one only waits for it.
    child = subprocess.Popen(command, env=environment, cwd=_ROOT)
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:
            continue


if __name__ == "__main__":
    sys.exit(main())
