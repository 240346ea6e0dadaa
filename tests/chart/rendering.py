"""The chart as helm renders it, for tests, checks and k8s/base."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.builds import ensure_helm
from tests.cluster.commands import run

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "helm/artgrab"
SCENARIOS = tuple(sorted((CHART / "ci").glob("*-values.yaml")))
"""A values file for each way to install it."""
RELEASE, NAMESPACE = "artgrab", "artgrab"

Document = dict[str, Any]


@cache
def render(values: Path, *, release: str = RELEASE, namespace: str = NAMESPACE) -> str:
    """Return what `helm template` writes for a values file.

    Raises:
        SurroundingsError: the values are refused; the message holds helm's own.
    """
    return _template(f"--values={values}", release=release, namespace=namespace)


def render_values(
    values: Mapping[str, Any], *, release: str = RELEASE, namespace: str = NAMESPACE
) -> list[Document]:
    """Return the documents for values that no file holds; raises as `render` does."""
    given = json.dumps(values)
    return documents(_template("--values=-", release=release, namespace=namespace, given=given))


def scenario(name: str) -> Path:
    """Return the values file of a scenario, such as `embedded`."""
    return CHART / f"ci/{name}-values.yaml"


def is_hook(document: Document) -> bool:
    """Tell whether it is there for `helm test` alone."""
    return "helm.sh/hook" in document["metadata"].get("annotations", {})


def documents(text: str) -> list[Document]:
    """Return the documents of a rendered chart; libyaml is eight times as fast as plain Python."""
    return [one for one in yaml.load_all(text, Loader=yaml.CSafeLoader) if one]


def _template(*options: str, release: str, namespace: str, given: str = "") -> str:
    chart = str(CHART)
    return run(
        ensure_helm(), "template", release, chart, f"--namespace={namespace}", *options, given=given
    )
