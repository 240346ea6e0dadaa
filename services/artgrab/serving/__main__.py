"""`python -m artgrab.serving`: one line of JSON on stdout when it is ready."""

import argparse
import sys
from pathlib import Path

from artgrab.common.servers import announce, run_process
from artgrab.serving.runtimes import RUNTIMES


def main() -> int:
    """Serve until a signal; return the exit code."""
    parser = argparse.ArgumentParser("python -m artgrab.serving", description=__doc__)
    parser.add_argument("--model", required=True, metavar="PREFIX", help="default/models/KEY")
    parser.add_argument("--runtime", choices=RUNTIMES, default="native", help="who computes")
    parser.add_argument(
        "--archive",
        type=Path,
        metavar="FILE",
        help="of this model, as artgrab.serving.torchserve.pack writes it; made anew without",
    )
    return run_process(parser, _run)


def _run(options: argparse.Namespace) -> None:
    RUNTIMES[options.runtime](
        options.store,
        options.model,
        listen=options.listen,
        on_ready=announce,
        archive=options.archive,
    )


if __name__ == "__main__":
    sys.exit(main())
