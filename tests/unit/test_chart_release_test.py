"""`helm test`: a pod with few rights, of which its program understands all it is told."""

from pathlib import Path
from typing import Any

import pytest

from artgrab.release_test.documents import documents as documents_of
from artgrab.release_test.settings import ReleaseTestSettings
from tests.chart.rendering import SCENARIOS, Document, documents, is_hook, render, scenario

pytestmark = [
    pytest.mark.timeout(1800),  # helm is built the first time
    pytest.mark.parametrize("values", SCENARIOS, ids=lambda path: path.stem),
]


def _hooks(values: Path) -> dict[str, Document]:
    found = {one["kind"]: one for one in documents(render(values)) if is_hook(one)}
    assert set(found) == {"Pod", "Role", "RoleBinding", "ServiceAccount"}
    return found


def _settings(values: Path, monkeypatch: pytest.MonkeyPatch) -> ReleaseTestSettings:
    pod = _hooks(values)["Pod"]
    told = {
        "metadata.name": pod["metadata"]["name"],
        "metadata.uid": "1234",
    }
    for one in pod["spec"]["containers"][0]["env"]:
        field = one.get("valueFrom", {}).get("fieldRef", {}).get("fieldPath", "")
        monkeypatch.setenv(one["name"], one.get("value") or told[field])
    return ReleaseTestSettings()


def test_what_it_needs_goes_when_it_has_passed_and_the_log_stays(values: Path) -> None:
    for kind, one in _hooks(values).items():
        policies = one["metadata"]["annotations"]["helm.sh/hook-delete-policy"].split(",")
        assert "before-hook-creation" in policies
        assert ("hook-succeeded" in policies) is (kind != "Pod")
    weights = {
        kind: int(one["metadata"]["annotations"]["helm.sh/hook-weight"])
        for kind, one in _hooks(values).items()
    }
    assert max(weights, key=lambda kind: weights[kind]) == "Pod"


def test_its_pod_meets_the_restricted_profile_and_ends_by_itself(
    values: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = _hooks(values)["Pod"]["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = spec["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["limits"].keys() == {"cpu", "memory"}
    assert spec["restartPolicy"] == "Never"
    settings = _settings(values, monkeypatch)
    assert spec["activeDeadlineSeconds"] > settings.deadline_seconds + settings.removal_seconds
    assert spec["terminationGracePeriodSeconds"] > settings.removal_seconds


def test_its_rights_are_for_what_it_makes_alone(
    values: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks = _hooks(values)
    settings = _settings(values, monkeypatch)
    named: dict[str, Any] = {"artcategories": set(), "artclassifiers": set()}
    for rule in hooks["Role"]["rules"]:
        if rule["verbs"] == ["create"]:
            continue
        assert rule["verbs"] == ["get", "delete"]
        for resource in rule["resources"]:
            named[resource] |= set(rule["resourceNames"])
    made: dict[str, Any] = {"artcategories": set(), "artclassifiers": set()}
    plurals = {"ArtCategory": "artcategories", "ArtClassifier": "artclassifiers"}
    for document in documents_of(settings):
        made[plurals[document["kind"]]].add(document["metadata"]["name"])
        assert document["metadata"]["namespace"] == hooks["Role"]["metadata"]["namespace"]
    assert named == made
    (subject,) = hooks["RoleBinding"]["subjects"]
    account = hooks["ServiceAccount"]["metadata"]
    assert (subject["name"], subject["namespace"]) == (account["name"], account["namespace"])
    assert hooks["Pod"]["spec"]["serviceAccountName"] == account["name"]


def test_it_learns_where_classifiers_may_be_and_runs_where_helm_looks_for_its_log(
    values: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = {"one-namespace-values": "art", "everything-values": "art"}
    learning = expected.get(values.stem, "artgrab")
    spaces = {kind: one["metadata"]["namespace"] for kind, one in _hooks(values).items()}
    assert spaces["Pod"] == spaces["ServiceAccount"] == "artgrab"
    assert spaces["Role"] == spaces["RoleBinding"] == learning
    settings = _settings(values, monkeypatch)
    assert settings.namespace == learning
    assert bool(settings.pod_uid) is (learning == "artgrab"), "no owner is in another namespace"


def test_its_policy_selects_it(values: Path) -> None:
    pod = _hooks(values)["Pod"]["metadata"]
    (policy,) = [
        one
        for one in documents(render(values))
        if one["kind"] == "NetworkPolicy" and one["metadata"]["name"] == pod["name"]
    ]
    assert policy["metadata"]["namespace"] == pod["namespace"]
    assert policy["spec"]["podSelector"]["matchLabels"].items() <= pod["labels"].items()
    ports = [{port["port"] for port in rule["ports"]} for rule in policy["spec"]["egress"]]
    assert ports[0] == {53}
    assert ports[-1] == {8500}
    (serving,) = policy["spec"]["egress"][-1]["to"]
    assert serving["namespaceSelector"]["matchLabels"] == {
        "kubernetes.io/metadata.name": _hooks(values)["Role"]["metadata"]["namespace"]
    }


def test_it_has_the_token_and_whom_to_trust_but_no_key(
    values: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    volumes = {one["name"]: one for one in _hooks(values)["Pod"]["spec"]["volumes"]}
    settings = _settings(values, monkeypatch)
    if values == scenario("everything"):
        assert volumes["tls"]["secret"]["secretName"] == "serving-tls"
        assert {one["key"] for one in volumes["tls"]["secret"]["items"]} == {"tls.crt", "ca.crt"}
        assert volumes["token"]["secret"]["secretName"] == "serving-tokens"
        assert settings.tokens_file == Path("/etc/artgrab/token/tokens")
    else:
        assert set(volumes) == {"tmp"}
        assert (settings.tls_folder, settings.tokens_file) == (None, None)
