"""The `artgrab` command: options in, stage called, answer and exit code out."""

import signal
import sys

import typer

from artgrab.cli import jobs, looking, predicting, stages
from artgrab.cli.datasets import datasets
from artgrab.cli.interrupts import interrupts
from artgrab.cli.program import program
from artgrab.cli.takedowns import takedowns
from artgrab.common.errors import ArtgrabError
from artgrab.common.logs import configure_logs

app = typer.Typer(
    help="From a word to a working image classifier: collect, clean, train, serve.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
stages.register(app)
app.add_typer(datasets, name="dataset")
app.add_typer(takedowns, name="takedown")

_INTERRUPTED = 128 + signal.SIGINT
"""What typer turns a KeyboardInterrupt into."""


app.command(epilog=jobs.EXAMPLES)(jobs.run)
app.command(epilog=looking.EXAMPLES)(looking.status)
app.command(epilog=predicting.EXAMPLES)(predicting.predict)


def main() -> None:
    """Run the command line; every error is one line on stderr and an exit code of errors.py."""
    try:
        interrupts.install(program=program())
        configure_logs()
        app()
    except ArtgrabError as error:
        _end(str(error), error.exit_code)
    except SystemExit as end:
        if end.code == _INTERRUPTED:
            interrupts.leave()
        raise


def _end(message: str, code: int) -> None:
    sys.stderr.write(f"artgrab: {message}\n")
    raise SystemExit(code)
