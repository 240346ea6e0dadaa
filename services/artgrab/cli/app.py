"""The `artgrab` command: options in, stage called, answer and exit code out."""

import signal
import sys
from typing import Annotated, NoReturn

import typer

from artgrab.cli import jobs, looking, predicting, stages
from artgrab.cli.cluster import clusters
from artgrab.cli.datasets import datasets
from artgrab.cli.failures import exhausted
from artgrab.cli.interrupts import interrupts
from artgrab.cli.program import program
from artgrab.cli.takedowns import takedowns
from artgrab.cli.texts import clean
from artgrab.cli.usage import usage_problem
from artgrab.common.errors import ArtgrabError, BadInputError, SurroundingsError
from artgrab.common.version import VERSION

_WHOLE, _CARE = "The whole job", "Looking after what is stored"
_CLUSTER = "On Kubernetes"
_HELP_BELOW = (
    "Example: artgrab run examples/commons.yaml --dry-run\n\n"
    "Exit codes: 0 done; 2 bad input, the message names what to change; 3 partly done, it says "
    "what is missing and why; 4 the surroundings failed (store, disk, network, browser, "
    "interrupted), the same command goes on later; 1 a bug of artgrab.\n\n"
    "Environment: ARTGRAB_STORE and ARTGRAB_ENDPOINT stand for --store and --endpoint; "
    "ARTGRAB_CONTACT is the address that sites can write to; ARTGRAB_LOG_LEVEL is one of DEBUG, "
    "INFO, WARNING, ERROR, CRITICAL; ARTGRAB_RESOLVE and ARTGRAB_ALLOWED_TARGETS reach hosts of "
    "your own; ARTGRAB_PAGE_SECONDS, ARTGRAB_GALLERY_PAGES, "
    "ARTGRAB_GALLERY_PICTURES and ARTGRAB_GALLERY_MINUTES limit how long galleries are gone "
    "through; ARTGRAB_DOWNLOADER_* and ARTGRAB_SERVING_* set the servers; AWS_* are those of "
    "boto3; KUBECONFIG names the cluster; NO_COLOR takes the colours away."
)

_INTERRUPTED = 128 + signal.SIGINT
"""What typer turns a KeyboardInterrupt into."""

app = typer.Typer(
    help="From a word to a working image classifier: collect, clean, train, serve.",
    epilog=_HELP_BELOW,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command(epilog=jobs.EXAMPLES, rich_help_panel=_WHOLE)(jobs.run)
app.command(epilog=looking.EXAMPLES, rich_help_panel=_WHOLE)(looking.status)
app.command(epilog=predicting.EXAMPLES, rich_help_panel=_WHOLE)(predicting.predict)
stages.register(app)
app.add_typer(datasets, name="dataset", rich_help_panel=_CARE)
app.add_typer(takedowns, name="takedown", rich_help_panel=_CARE)
app.add_typer(clusters, name="cluster", rich_help_panel=_CLUSTER)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"artgrab {VERSION}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Take the options of artgrab itself, and set up what every command needs."""
    from artgrab.common.logs import configure_logs  # not for the help alone

    configure_logs()


def run_command() -> None:
    """Run the command line; every error is one line on stderr and an exit code of errors.py."""
    with interrupts.installed(program=program()):
        _main()


def _main() -> None:
    try:
        code = app(prog_name="artgrab", standalone_mode=False)
    except ArtgrabError as error:
        _end(str(error), error.exit_code)
    except typer.TyperException as error:
        _end(usage_problem(error), BadInputError.exit_code)
    except KeyboardInterrupt:
        interrupts.leave()
    except OSError as error:
        if advice := exhausted(error):
            _end(advice, SurroundingsError.exit_code)
        raise
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # as with `| head -1`: typer says 1
            raise SystemExit(SurroundingsError.exit_code) from None
        raise
    if code == _INTERRUPTED:
        interrupts.leave()
    raise SystemExit(code)


def _end(message: str, code: int) -> NoReturn:
    """Say what was the matter; names of files and hosts may hold escape sequences."""
    if message:
        lines = "\n".join(map(clean, message.split("\n")))
        sys.stderr.write(f"artgrab: {lines}\n")
    raise SystemExit(code)
