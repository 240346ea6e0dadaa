"""`artgrab cluster status`: a look at the cluster, once or again and again; answer out."""

import sys
import time
from collections.abc import Callable
from datetime import datetime

import msgspec
import typer
from rich.console import Console
from rich.live import Live

from artgrab.cli.cluster_access import CATEGORIES, CLASSIFIERS, ClusterAccess
from artgrab.cli.cluster_config import read_config
from artgrab.cli.cluster_rows import ClusterStatus, cluster_status
from artgrab.cli.cluster_text import status_lines, utc_now
from artgrab.cli.options import Output
from artgrab.common.errors import ArtgrabError, BadInputError

_SECONDS = 2.0
"""Between two looks."""
_MOST_SECONDS = 30.0
"""Between two looks at a server that does not answer."""
_SHARE = 20
"""Of the time, a look may take one part: a server that takes long is asked less often."""

Look = Callable[[], ClusterStatus]


def show_cluster(namespace: str, *, all_namespaces: bool, watch: bool, output: Output) -> None:
    """Show the categories and classifiers of the cluster that the kubeconfig names.

    Raises:
        BadInputError: options contradict; artgrab is not installed there; no such namespace.
        SurroundingsError: there is no cluster, or not for us.
    """
    if namespace and all_namespaces:
        raise BadInputError("--namespace and --all-namespaces exclude each other; give one of them")
    config = read_config()
    where = "" if all_namespaces else namespace or config.namespace
    with ClusterAccess(config, namespace=where) as access:

        def look() -> ClusterStatus:
            return _look(access, config.context_name)

        first = look()
        console = Console()
        if output is Output.JSON:
            typer.echo(msgspec.json.encode(first).decode())
        elif watch and sys.stdout.isatty() and not console.is_dumb_terminal:
            go_on_showing(first, look, console=console)
        else:
            console.print(status_lines(first, console=console, now=utc_now()))


def _look(access: ClusterAccess, context: str) -> ClusterStatus:
    categories, classifiers = access.list(CATEGORIES), access.list(CLASSIFIERS)
    if access.namespace and not categories and not classifiers:
        access.check_namespace()
    return cluster_status(
        context=context,
        namespace=access.namespace,
        categories=categories,
        classifiers=classifiers,
    )


def go_on_showing(
    first: ClusterStatus,
    look: Look,
    *,
    console: Console,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], datetime] = utc_now,
) -> None:
    """Show a cluster until interrupted; while it does not answer, what it said last."""
    shown, note, pause = first, "", _SECONDS
    with Live(console=console, auto_refresh=False, redirect_stdout=False) as live:
        try:
            while True:
                height = max(1, console.height - 1)
                lines = status_lines(shown, console=console, now=now(), note=note, height=height)
                live.update(lines, refresh=True)
                sleep(pause)
                begun = clock()
                try:
                    shown, note = look(), ""
                    pause = max(_SECONDS, _SHARE * (clock() - begun))
                except ArtgrabError as error:
                    note = note or f"Trying again since {now():%H:%M:%S} UTC: {error}"
                    pause = min(_MOST_SECONDS, 2 * pause)
        except KeyboardInterrupt:
            return  # the way to end it
