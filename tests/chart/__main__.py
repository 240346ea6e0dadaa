"""`python -m tests.chart` renders, checks and describes helm/artgrab."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence

from artgrab.common.errors import ArtgrabError
from tests.chart.checks import check_chart
from tests.chart.manifests import write_manifests
from tests.chart.readme import write_readme
from tests.cluster.builds import ensure_helm


def _print_helm() -> None:
    print(ensure_helm())


_COMMANDS: Mapping[str, tuple[Callable[[], None], str]] = {
    "helm": (_print_helm, "print the path of helm; builds it from Go modules the first time"),
    "manifests": (write_manifests, "write k8s/base* from the chart, and its copy of the CRDs"),
    "readme": (write_readme, "write helm/artgrab/README.md from the comments of values.yaml"),
    "check": (check_chart, "lint it, and validate what it renders for helm/artgrab/ci/*"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.chart", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, (_, described) in _COMMANDS.items():
        commands.add_parser(name, help=described)
    command, _ = _COMMANDS[parser.parse_args(arguments).command]
    try:
        command()
    except ArtgrabError as error:
        print(f"chart: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
