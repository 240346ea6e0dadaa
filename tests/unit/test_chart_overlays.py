"""k8s/overlays: each builds, and differs from the chart in what it says."""

import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.chart.rendering import ROOT, documents
from tests.cluster.commands import run

OVERLAYS = tuple(sorted(folder.name for folder in (ROOT / "k8s/overlays").iterdir()))


@cache
def _built(overlay: str) -> list[Any]:
    kubectl = Path(sys.executable).with_name("kubectl")
    return documents(run(kubectl, "kustomize", ROOT / "k8s/overlays" / overlay))


def _one(overlay: str, kind: str, name: str) -> Any:
    return next(
        one
        for one in _built(overlay)
        if (one["kind"], one["metadata"]["name"]) == (kind, f"artgrab-{name}")
    )


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_brings_definitions_a_restricted_namespace_and_all_of_artgrab(
    overlay: str,
) -> None:
    kinds = [one["kind"] for one in _built(overlay)]
    assert kinds.count("CustomResourceDefinition") == 2
    assert kinds.count("Deployment") == 2
    namespace = next(one for one in _built(overlay) if one["kind"] == "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_names_every_image_of_ours(overlay: str) -> None:
    operator = _one(overlay, "Deployment", "operator")["spec"]["template"]["spec"]["containers"][0]
    images = [one["value"] for one in operator["env"] if one["name"].endswith("_IMAGE")]
    for name in ("operator", "downloader"):
        pod = _one(overlay, "Deployment", name)["spec"]["template"]["spec"]
        images += [one["image"] for one in (*pod.get("initContainers", ()), *pod["containers"])]
    assert len(images) >= 4
    assert [image for image in images if image.startswith("artgrab/")] == []


def test_production_has_a_bucket_and_the_others_an_object_store() -> None:
    assert OVERLAYS == ("dev", "kind", "prod")
    stores = {name: _one(name, "ConfigMap", "store")["data"] for name in OVERLAYS}
    assert stores["prod"]["ARTGRAB_STORE"] == "s3://pictures.example/artgrab"
    assert "AWS_ENDPOINT_URL_S3" not in stores["prod"]
    for name in ("dev", "kind"):
        assert stores[name]["ARTGRAB_STORE"] == "s3://artgrab"
        assert _one(name, "StatefulSet", "object-store")
        assert _one(name, "Secret", "store")["metadata"]["namespace"] == "artgrab"
    kinds = {one["kind"] for one in _built("prod")}
    assert not kinds & {"StatefulSet", "Secret"}
