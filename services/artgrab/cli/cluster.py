"""`artgrab cluster`: what a Kubernetes cluster does for you; light, as every call loads it."""

from typing import Annotated

import typer

from artgrab.cli.options import Output, OutputOption

clusters = typer.Typer(
    help="Look at what a Kubernetes cluster collects, learns and serves.",
    epilog="Example: artgrab cluster status --all-namespaces",
    no_args_is_help=True,
)


@clusters.callback()
def _group() -> None:
    """Keep it a group while it has one command."""


@clusters.command(
    epilog="Example: artgrab cluster status\n\n"
    "Example: artgrab cluster status --namespace art --no-watch\n\n"
    "Example: artgrab cluster status --all-namespaces --output json\n\n"
    "The cluster is the one of kubectl: KUBECONFIG, or ~/.kube/config."
)
def status(
    namespace: Annotated[
        str,
        typer.Option(
            "--namespace", "-n", metavar="NAME", help="Instead of the one kubectl would take."
        ),
    ] = "",
    all_namespaces: Annotated[
        bool, typer.Option("--all-namespaces", "-A", help="Whatever namespace they are in.")
    ] = False,
    watch: Annotated[
        bool, typer.Option(help="On a terminal, go on showing it until Ctrl-C.")
    ] = True,
    output: OutputOption = Output.TABLE,
) -> None:
    """Show how far the categories and classifiers of a cluster are, and why they are not ready."""
    from artgrab.cli.cluster_answer import show_cluster

    show_cluster(namespace, all_namespaces=all_namespaces, watch=watch, output=output)
