"""`python -m artgrab.serving`: one line of JSON on stdout when it is ready."""

import argparse
import sys
from pathlib import Path

from artgrab.common.errors import BadInputError
from artgrab.common.servers import announce, run_process
from artgrab.serving.runtimes import RUNTIMES
from artgrab.serving.sources import Source, in_folder, in_store


def main() -> int:
    """Serve until a signal; return the exit code."""
    parser = argparse.ArgumentParser("python -m artgrab.serving", description=__doc__)
    parser.add_argument("--model", metavar="PREFIX", help="in the store, as default/models/KEY")
    parser.add_argument(
        "--folder", type=Path, help="with a model, as artgrab.serving.fetch writes it; no store"
    )
    parser.add_argument("--runtime", choices=RUNTIMES, default="native", help="who computes")
    parser.add_argument(
        "--archive",
        type=Path,
        metavar="FILE",
        help="of this model, as artgrab.serving.fetch writes it; made anew without",
    )
    return run_process(parser, _run, needs_store=False)


def _run(options: argparse.Namespace) -> None:
    RUNTIMES[options.runtime](
        _source(options), listen=options.listen, on_ready=announce, archive=options.archive
    )


def _source(options: argparse.Namespace) -> Source:
    given = (options.store is not None, options.model is not None, options.folder is not None)
    if given == (True, True, False):
        return in_store(options.store, options.model)
    if given == (False, False, True):
        return in_folder(options.folder)
    raise BadInputError("give --store URI and --model PREFIX, or --folder FOLDER alone")


if __name__ == "__main__":
    sys.exit(main())
