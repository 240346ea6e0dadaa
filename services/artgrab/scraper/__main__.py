"""`python -m artgrab.scraper`: scrapes one category until its run has ended."""

import argparse
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

from artgrab.common.errors import SurroundingsError


def main() -> int:
    """Scrape as the options say; return the exit code."""
    # The kernel ends the first process of a container by no signal that it has not asked for, and
    # the import takes a second or two.
    signal.signal(signal.SIGTERM, _leave)
    from artgrab.scraper import job

    parser = argparse.ArgumentParser("python -m artgrab.scraper", description=__doc__)
    job.add_options(parser)
    return job.main(parser.parse_args())


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    os._exit(SurroundingsError.exit_code)


if __name__ == "__main__":
    sys.exit(main())
