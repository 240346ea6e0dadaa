"""Values of the chart: each is described and known to the schema; what cannot be is refused."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml

from artgrab.common.errors import SurroundingsError
from artgrab.downloader.settings import DownloaderSettings
from tests.chart.manifests import BASES, COPIES, CRDS, base
from tests.chart.readme import README, readme, values
from tests.chart.rendering import CHART, ROOT, documents, render, render_values, scenario

pytestmark = pytest.mark.timeout(1800)  # helm is built the first time

TRYING: Mapping[str, Any] = {
    "image": {"registry": "localhost"},
    "objectStore": {"embedded": {"enabled": True, "accessKey": "a", "secretKey": "b"}},
}
OF_THE_CHART = {
    "addresses",
    "health_listen",
    "listen",
    "metrics_address",
    "metrics_port",
    "own_address",
    "stop_grace_seconds",
    "tls_certificate_file",
    "tls_client_ca_file",
    "tls_key_file",
    "token_key_file",
}
"""Settings of the downloader that the chart itself sets."""


def _schema() -> Any:
    return json.loads((CHART / "values.schema.json").read_text())


def _defaults() -> Any:
    return yaml.safe_load((CHART / "values.yaml").read_text())


def _resolved(schema: Any, root: Any) -> Any:
    reference = schema.get("$ref")
    return root["$defs"][reference.rpartition("/")[2]] if reference else schema


def _unknown(defaults: Any, schema: Any, root: Any, path: str = "") -> Iterator[str]:
    """Yield the paths of values that the schema does not name."""
    schema = _resolved(schema, root)
    for key, value in defaults.items():
        if key not in schema.get("properties", {}):
            yield f"{path}{key}"
        elif isinstance(value, dict) and value:
            below = _resolved(schema["properties"][key], root)
            if "properties" in below and below.get("additionalProperties") is False:
                yield from _unknown(value, below, root, f"{path}{key}.")


def _open(schema: Any, path: str = "") -> Iterator[str]:
    """Yield the objects with known properties that would take others too."""
    if isinstance(schema, dict):
        closed = schema.get("additionalProperties") is False
        if schema.get("properties") and schema.get("type") == "object" and not closed:
            yield path
        for key, value in schema.items():
            yield from _open(value, f"{path}/{key}")


def _set(path: str, value: object) -> dict[str, Any]:
    """Return TRYING with one value more."""
    result: dict[str, Any] = json.loads(json.dumps(TRYING))
    *parents, last = path.split(".")
    place = result
    for key in parents:
        place = place.setdefault(key, {})
    place[last] = value
    return result


def test_every_value_is_in_the_schema_which_takes_no_other() -> None:
    schema = _schema()
    assert list(_unknown(_defaults(), schema, schema)) == []
    assert list(_open(schema)) == []


def test_every_value_has_a_comment() -> None:
    described = {one.path for one in values()}

    def bare(found: Any, path: str) -> Iterator[str]:
        if path in described:
            return
        if isinstance(found, dict) and found:
            for key, value in found.items():
                yield from bare(value, f"{path}.{key}".lstrip("."))
        else:
            yield path

    assert list(bare(_defaults(), "")) == []
    assert len(described) > 80


def test_the_readme_is_made_from_the_values() -> None:
    assert README.read_text() == readme(), "run `make docs`"


def test_the_chart_has_the_version_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["appVersion"] == project["version"]


def test_the_chart_carries_the_generated_definitions_and_keeps_them() -> None:
    assert {one.name: one.read_text() for one in COPIES.iterdir()} == {
        one.name: one.read_text() for one in CRDS.glob("art*.yaml")
    }, "run `make manifests`"
    rendered = documents(render(scenario("s3-secret")))
    found = [one for one in rendered if one["kind"] == "CustomResourceDefinition"]
    assert len(found) == 2
    for one in found:
        assert one["metadata"].pop("annotations") == {"helm.sh/resource-policy": "keep"}
        plural = one["spec"]["names"]["plural"]
        assert one == yaml.safe_load((CRDS / f"{plural}.yaml").read_text())


def test_definitions_are_left_out_on_demand() -> None:
    kinds = {one["kind"] for one in documents(render(scenario("one-namespace")))}
    assert "CustomResourceDefinition" not in kinds


@pytest.mark.parametrize("name", BASES)
def test_plain_manifests_are_what_the_chart_renders(name: str) -> None:
    assert (ROOT / "k8s" / name / "artgrab.yaml").read_text() == base(name), "run `make manifests`"


def test_the_settings_in_the_schema_are_those_of_the_downloader() -> None:
    known = _schema()["properties"]["downloader"]["properties"]["settings"]["properties"]
    fields = set(DownloaderSettings.model_fields) - OF_THE_CHART
    words = (field.split("_") for field in fields)
    assert set(known) == {first + "".join(map(str.title, rest)) for first, *rest in words}


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("replicas", 3, "replicas"),
        ("downloader.replica", 3, "replica"),
        ("downloader.settings.hostSpacing", 1, "hostSpacing"),
        ("downloader.settings.credits", 0, "credits"),
        ("image.pullPolicy", "Sometimes", "pullPolicy"),
        ("operator.image.digest", "sha256:12", "digest"),
        ("objectStore.embedded.image", "seaweedfs", "image"),
        ("network.allowedTargets", ["10.0.0.0/8"], "allowedTargets"),
        ("network.allowedTargets", ["fd00::/8:80"], "allowedTargets"),
        ("watchNamespaces", ["Art"], "watchNamespaces"),
        ("store.env", {"AWS_X": 'a "word"'}, "store/env"),  # the operator has it within JSON
        ("store.region", "a\\b", "store/region"),
    ],
)
def test_a_wrong_value_is_refused_by_name(path: str, value: object, told: str) -> None:
    with pytest.raises(SurroundingsError, match=told):
        render_values(_set(path, value))


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"image": {"registry": "x"}}, "there is no store"),
        ({"image": {"registry": "x"}, "store": {"uri": "s3://bucket"}}, "no credentials"),
        (_set("image.registry", ""), "image.registry"),
        (_set("store.uri", "s3://bucket"), "store.uri is set and objectStore.embedded"),
        (_set("store.existingSecret", "mine"), "store.existingSecret is set and"),
        (_set("objectStore.embedded.secretKey", ""), "belong together"),
        (_set("objectStore.embedded.existingSecret", "mine"), "leave one of them out"),
        (_set("downloader.autoscaling.minReplicas", 9), "minReplicas is more than maxReplicas"),
        (
            _set("downloader.tls.existingSecret", "tls"),
            "scraper.tls.existingSecret belong together",
        ),
        (_set("scraper.tls.existingSecret", "tls"), "scraper.tls.existingSecret belong together"),
        (_set("downloader.tls.clientCA.existingSecret", "ca"), "clientCA is for TLS"),
        (
            _set("watchNamespaces", ["art"]) | {"networkPolicies": {"namespaces": ["art"]}},
            "for cluster-wide installs",
        ),
    ],
)
def test_values_that_contradict_each_other_are_refused(
    values: Mapping[str, Any], told: str
) -> None:
    with pytest.raises(SurroundingsError, match=told):
        render_values(values)


def test_a_release_is_named_after_artgrab_once() -> None:
    def deployments(release: str) -> list[str]:
        rendered = documents(render(scenario("embedded"), release=release))
        return [one["metadata"]["name"] for one in rendered if one["kind"] == "Deployment"]

    assert deployments("my-artgrab") == ["my-artgrab-downloader", "my-artgrab-operator"]
    assert deployments("pictures") == ["pictures-artgrab-downloader", "pictures-artgrab-operator"]
    longest = documents(render(scenario("embedded"), release="a" * 53))
    assert max(len(one["metadata"]["name"]) for one in longest) <= 63
    (store,) = [one for one in longest if one["kind"] == "StatefulSet"]
    revision = f"{store['metadata']['name']}-{2**32 - 1}"  # a label of its pods
    assert len(revision) <= 63


def test_values_of_a_former_chart_are_refused_by_what_they_lack() -> None:
    """`helm upgrade --reuse-values` takes them without the defaults of what is new."""
    assert set(_schema()["required"]) == set(_defaults())
    for component in ("scraper", "downloader"):  # newer than the others
        assert _schema()["properties"][component]["required"] == ["tls"]
