"""What is made from other files: the chart's copy of the CRDs, and k8s/base* from the chart."""

import shutil

from tests.chart.rendering import CHART, ROOT, render

CRDS = ROOT / "k8s/crds"
COPIES = CHART / "files/crds"
BASES = ("base", "base-embedded")
"""Folders of k8s/, each rendered from k8s/<name>-values.yaml."""
_HEAD = (
    "# Written by `make manifests` from helm/artgrab and k8s/{name}-values.yaml; change those.\n"
)


def write_manifests() -> None:
    """Write all of it."""
    shutil.rmtree(COPIES, ignore_errors=True)
    COPIES.mkdir()
    for definition in CRDS.glob("art*.yaml"):
        shutil.copyfile(definition, COPIES / definition.name)
    for name in BASES:
        (ROOT / "k8s" / name / "artgrab.yaml").write_text(base(name))


def base(name: str) -> str:
    """Return the text of a base."""
    return _HEAD.format(name=name) + render(ROOT / f"k8s/{name}-values.yaml")
