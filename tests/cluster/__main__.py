"""`python -m tests.cluster` starts and ends a real Kubernetes for tests on this host."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from artgrab.common.errors import ArtgrabError
from tests.cluster.providers import Provider, choose, known_providers


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says and return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "down":
            _end(options.provider)
        else:
            _obey(choose(options.provider), options)
    except ArtgrabError as error:
        print(f"cluster: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _end(name: str) -> None:
    """End what is there; also on a host that could not carry another."""
    for provider in known_providers().values():
        if name == provider.name or (name == "auto" and provider.exists()):
            provider.down()


def _obey(provider: Provider, options: argparse.Namespace) -> None:
    match options.command:
        case "up":
            provider.up()
            provider.measure()
            print(f"export KUBECONFIG={provider.kubeconfig()}")
        case "load":
            provider.load_image(options.archive)
        case "kubeconfig":
            print(provider.kubeconfig())
        case "status":
            told = provider.status()
            print("\n".join(f"{part:25} {state}" for part, state in told.items()))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", description=__doc__)
    parser.add_argument(
        "--provider",
        choices=("auto", "local", "kind"),
        default="auto",
        help="auto: the one that is up, else kind where Docker runs, else local",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start it, or heal it, and print how to use it")
    commands.add_parser("down", help="end it and leave nothing of it")
    commands.add_parser("status", help="say which parts run and answer")
    commands.add_parser("kubeconfig", help="print the path of the administrator's kubeconfig")
    load = commands.add_parser("load", help="make the images of an archive known to the nodes")
    load.add_argument("archive", type=Path)
    return parser


if __name__ == "__main__":
    sys.exit(main())
