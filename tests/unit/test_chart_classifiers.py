"""What the chart does for classifiers: settings of the operator, accounts, Secrets, policies."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from artgrab.common.errors import SurroundingsError
from artgrab.common.resources import ArtClassifier
from artgrab.operator import names
from artgrab.serving.settings import ServingSettings
from artgrab.serving.torchserve.settings import TorchServeSettings
from tests.chart.rendering import (
    CHART,
    SCENARIOS,
    Document,
    documents,
    render,
    render_values,
    scenario,
)

pytestmark = pytest.mark.timeout(1800)  # helm is built the first time

OF_THE_OPERATOR = {
    "grace_seconds",
    "health_listen",
    "listen",
    "metrics_listen",
    "tls_certificate_file",
    "tls_key_file",
    "tokens_file",
}
"""Settings of the server that the operator sets."""
everywhere = pytest.mark.parametrize("values", SCENARIOS, ids=lambda path: path.stem)


def _all(values: Path, kind: str) -> list[Document]:
    return [one for one in documents(render(values)) if one["kind"] == kind]


def _variables(values: Path) -> dict[str, Any]:
    """Return the operator's environment as Kubernetes makes it of the chart's."""
    deployment = next(
        one
        for one in _all(values, "Deployment")
        if one["metadata"]["name"].endswith("artgrab-operator")
    )
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    config = {
        one["metadata"]["name"]: one["data"] for one in _all(values, "ConfigMap") if "data" in one
    }
    found: dict[str, str] = {}
    for one in container["env"]:
        text = one.get("value", "")
        if reference := one.get("valueFrom", {}).get("configMapKeyRef"):
            text = config[reference["name"]][reference["key"]]
        found[one["name"]] = _expanded(text, found)
    return found


def _expanded(text: str, known: dict[str, str]) -> str:
    """Replace $(NAME), and $$ by $, as the kubelet does (third_party/forked/golang/expansion)."""
    parts = text.split("$$")
    for name, value in known.items():
        parts = [part.replace(f"$({name})", value) for part in parts]
    return "$".join(parts)


def _json(values: Path, name: str) -> Any:
    return json.loads(_variables(values)[f"ARTGRAB_OPERATOR_{name}"])


def _policy(values: Path, component: str, namespace: str = "artgrab") -> Any:
    return next(
        one["spec"]
        for one in _all(values, "NetworkPolicy")
        if (one["metadata"]["namespace"], one["metadata"]["name"])
        == (namespace, f"artgrab-{component}")
    )


def _ports(rule: Any) -> set[int]:
    return {port["port"] for port in rule["ports"]}


def test_models_reach_the_store_by_what_stands_in_their_own_pods() -> None:
    told = {one["name"]: one for one in _json(scenario("one-namespace"), "MODEL_ENV")}
    assert told["AWS_ENDPOINT_URL_S3"]["value"] == "http://minio.storage.svc:9000"
    assert told["AWS_REGION"]["value"] == told["AWS_DEFAULT_REGION"]["value"] == "us-east-1"
    assert told["AWS_ACCESS_KEY_ID"]["valueFrom"]["secretKeyRef"]["name"] == "minio"
    assert not [one for one in told.values() if "configMapKeyRef" in one.get("valueFrom", {})]
    identity = {one["name"] for one in _json(scenario("workload-identity"), "MODEL_ENV")}
    assert not identity & {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}


def test_what_a_user_adds_to_an_environment_wins_and_is_not_expanded() -> None:
    told = _json(scenario("everything"), "TRAINER_ENV")
    assert {"name": "LOOSE", "value": "$(HOSTNAME) costs $5"} in told
    threads = [one["value"] for one in told if one["name"] == "ARTGRAB_TRAINER_THREADS"]
    assert threads == ["8"]
    assert _json(scenario("embedded"), "TRAINER_ENV") == [
        {"name": "ARTGRAB_TRAINER_THREADS", "value": "2"}
    ]


def test_volumes_and_commands_are_handed_on() -> None:
    values = scenario("everything")
    for component in ("TRAINER", "SERVING"):
        assert _json(values, f"{component}_COMMAND") == ["/opt/python/bin/python"]
        (volume,) = _json(values, f"{component}_VOLUMES")
        (mount,) = _json(values, f"{component}_VOLUME_MOUNTS")
        assert volume["name"] == mount["name"]
        assert volume["persistentVolumeClaim"] == {"claimName": "python", "readOnly": True}


def test_volumes_may_name_variables_of_the_pods_that_the_operator_has_as_well() -> None:
    (mount,) = _json(scenario("everything"), "TRAINER_VOLUME_MOUNTS")
    assert mount["subPathExpr"] == "$(USER)/python"


def test_it_is_said_where_what_learns_and_serves_may_run() -> None:
    values = scenario("everything")
    trainer = _json(values, "TRAINER_PLACEMENT")
    assert set(trainer) == {"priorityClassName", "nodeSelector", "tolerations", "affinity"}
    assert trainer["nodeSelector"] == {"kubernetes.io/os": "linux"}
    assert _json(values, "SERVING_PLACEMENT") == {"nodeSelector": {"example.org/fast": "true"}}
    assert _json(scenario("embedded"), "SERVING_PLACEMENT") == {}


def test_serving_settings_become_variables_that_the_servers_know() -> None:
    told = {one["name"]: one.get("value") for one in _json(scenario("everything"), "SERVING_ENV")}
    known = {f"ARTGRAB_SERVING_{name.upper()}" for name in TorchServeSettings.model_fields}
    ours = {name for name in told if name.startswith("ARTGRAB_SERVING_")}
    assert ours <= known
    assert told["ARTGRAB_SERVING_MAX_PICTURES"] == "32"
    assert told["ARTGRAB_SERVING_BATCH_DELAY_MS"] == "10"
    assert told["LOOSE"] == "serving"


def test_the_serving_settings_in_the_schema_are_those_of_the_servers() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())["properties"]["serving"]
    fields = {*ServingSettings.model_fields, *TorchServeSettings.model_fields} - OF_THE_OPERATOR
    words = (field.split("_") for field in fields)
    assert set(schema["properties"]["settings"]["properties"]) == {
        first + "".join(map(str.title, rest)) for first, *rest in words
    }


@everywhere
def test_default_classifiers_are_documents_of_ours_that_the_operator_finds(values: Path) -> None:
    file = _variables(values)["ARTGRAB_OPERATOR_DEFAULT_CLASSIFIERS_FILE"]
    (config,) = [
        one
        for one in _all(values, "ConfigMap")
        if one["metadata"]["name"] == "artgrab-default-classifiers"
    ]
    found = yaml.safe_load(config["data"][Path(file).name])
    assert found
    for document in found:
        classifier = ArtClassifier.model_validate(document)
        assert [one.label for one in classifier.spec.classes] == ["art", "not-art"]
    spaces = {document["metadata"]["namespace"] for document in found}
    allowed = {"artgrab", *_json(values, "CLASSIFIER_NAMESPACES")}
    assert spaces <= allowed


def test_no_default_classifier_is_no_file() -> None:
    trying = yaml.safe_load(scenario("embedded").read_text())
    rendered = render_values(trying | {"defaultClassifier": {"enabled": False}})
    names_ = {one["metadata"]["name"] for one in rendered}
    assert "artgrab-default-classifiers" not in names_


def test_nothing_is_made_by_default_where_nobody_looks() -> None:
    """The release's own namespace is not watched, so a classifier there would wait for ever."""
    given = yaml.safe_load(scenario("one-namespace").read_text())
    given |= {"classifiers": {}, "defaultClassifier": {}}
    kinds = {(one["kind"], one["metadata"]["name"]) for one in render_values(given)}
    assert ("ConfigMap", "artgrab-default-classifiers") not in kinds
    assert not [name for kind, name in kinds if kind == "Pod"]


def test_each_namespace_of_classifiers_has_an_account_and_the_embedded_stores_secret() -> None:
    def spaces(kind: str, name: str) -> set[str]:
        return {
            one["metadata"]["namespace"]
            for one in _all(scenario("embedded"), kind)
            if one["metadata"]["name"] == name
        }

    assert spaces("ServiceAccount", "artgrab-model") == {"artgrab", "art"}
    assert spaces("Secret", "artgrab-object-store") == {"artgrab", "art"}
    copies = [
        one["data"]
        for one in _all(scenario("embedded"), "Secret")
        if one["metadata"]["name"] == "artgrab-object-store"
    ]
    assert copies[0] == copies[1]


def test_random_credentials_are_the_same_in_all_copies() -> None:
    trying = yaml.safe_load(scenario("embedded").read_text())
    del trying["objectStore"]["embedded"]["accessKey"]
    del trying["objectStore"]["embedded"]["secretKey"]
    copies = [one["data"] for one in render_values(trying) if one["kind"] == "Secret"]
    assert len(copies) == 2
    assert copies[0] == copies[1]
    assert len(copies[0]["AWS_SECRET_ACCESS_KEY"]) > 40


def test_models_have_the_identity_of_downloaders_unless_they_have_their_own() -> None:
    def annotations(values: Path) -> list[Any]:
        return [
            one["metadata"].get("annotations")
            for one in _all(values, "ServiceAccount")
            if one["metadata"]["name"] == "artgrab-model"
        ]

    assert annotations(scenario("everything")) == [{"example.org/owner": "grace"}] * 2
    (inherited,) = annotations(scenario("workload-identity"))
    assert "eks.amazonaws.com/role-arn" in inherited
    assert annotations(scenario("s3-secret")) == [None]


@everywhere
@pytest.mark.parametrize("component", ["dataset", "trainer", "serving"])
def test_pods_of_classifiers_are_selected_in_each_of_their_namespaces(
    component: str, values: Path
) -> None:
    labels = names.learning_labels(component, classifier="art-or-not")
    assert labels["app.kubernetes.io/part-of"] == "artgrab"
    for namespace in ("artgrab", *_json(values, "CLASSIFIER_NAMESPACES")):
        policy = _policy(values, component, namespace)
        assert policy["podSelector"]["matchLabels"].items() <= labels.items()


def test_datasets_reach_names_and_the_store_and_are_reached_by_nobody() -> None:
    policy = _policy(scenario("one-namespace"), "dataset", "art")
    assert policy["ingress"] == []
    assert [_ports(rule) for rule in policy["egress"]] == [{53}, {9000}]


def test_trainers_talk_among_themselves() -> None:
    policy = _policy(scenario("everything"), "trainer", "art")
    among, metrics = policy["ingress"]
    assert among["ports"] == [{"protocol": "TCP", "port": 1024, "endPort": 65535}]
    (peer,) = among["from"]
    assert peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "trainer"
    assert _ports(metrics) == {9090}
    assert policy["egress"][-1] == {"to": among["from"], "ports": among["ports"]}
    assert len(_policy(scenario("s3-secret"), "trainer")["ingress"]) == 1


def test_predictions_are_for_everybody_or_for_whom_the_values_name_and_the_test() -> None:
    (anybody,) = _policy(scenario("s3-secret"), "serving")["ingress"]
    assert _ports(anybody) == {8500}
    assert "from" not in anybody
    some, metrics = _policy(scenario("everything"), "serving", "art")["ingress"]
    shop, test = some["from"]
    assert shop["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "shop"}
    assert test["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "release-test"
    assert _ports(metrics) == {9090}


@everywhere
def test_the_store_is_reached_from_every_namespace_of_classifiers(values: Path) -> None:
    store = _policy(values, "cleanup")["egress"][1:]
    for component in ("dataset", "serving"):
        for namespace in ("artgrab", *_json(values, "CLASSIFIER_NAMESPACES")):
            assert _policy(values, component, namespace)["egress"][1:] == store


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"watchNamespaces": ["art"], "classifiers": {"namespaces": ["shop"]}},
            "classifiers.namespaces has shop, whose categories nobody looks after",
        ),
        (
            {"defaultClassifier": {"namespaces": ["shop"]}},
            "defaultClassifier.namespaces has shop, where no classifier may be",
        ),
        ({"tests": {"namespace": "shop"}}, "tests.namespace is shop, where no classifier may be"),
        (
            {
                "tests": {
                    "categories": [{"name": n, "class": "a", "spec": {"sources": []}} for n in "xy"]
                }
            },
            "tests.categories are of one class",
        ),
        ({"serving": {"settings": {"listen": "0.0.0.0:1"}}}, "listen"),
        ({"tests": {"classifier": {"classes": []}}}, "classifier"),
    ],
)
def test_values_that_could_not_work_are_refused(changes: dict[str, Any], told: str) -> None:
    trying = yaml.safe_load(scenario("embedded").read_text()) | {"classifiers": {}}
    with pytest.raises(SurroundingsError, match=told):
        render_values(trying | changes)
