"""`python -m artgrab.trainer`: trains one model, as a training Job asks for it."""

import argparse
import sys

from artgrab.common.job_processes import JobProgress, add_options, run_work
from artgrab.common.terminations import TrainingTermination
from artgrab.trainer.nodes import end_with_launcher
from artgrab.trainer.tasks import train_asked


def main() -> int:
    """Train what the options say; return the exit code."""
    end_with_launcher()
    parser = argparse.ArgumentParser("python -m artgrab.trainer", description=__doc__)
    add_options(parser)
    return run_work(
        parser.parse_args(),
        train_asked,
        failed=lambda error: TrainingTermination(error=error),
        progress=JobProgress("training"),
    )


if __name__ == "__main__":
    sys.exit(main())
