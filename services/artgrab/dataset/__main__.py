"""`python -m artgrab.dataset`: builds one snapshot, as a dataset Job asks for it."""

import argparse
import sys

from artgrab.common.job_processes import JobProgress, add_options, run_work
from artgrab.common.terminations import DatasetTermination
from artgrab.dataset.tasks import build_asked


def main() -> int:
    """Build what the options say; return the exit code."""
    parser = argparse.ArgumentParser("python -m artgrab.dataset", description=__doc__)
    add_options(parser)
    return run_work(
        parser.parse_args(),
        build_asked,
        failed=lambda error: DatasetTermination(error=error),
        progress=JobProgress("dataset"),
    )


if __name__ == "__main__":
    sys.exit(main())
