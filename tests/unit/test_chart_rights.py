"""Rights of the chart's accounts: as few as the operator needs, and none for all others."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.chart.rendering import SCENARIOS, Document, documents, is_hook, render, scenario

pytestmark = [
    pytest.mark.timeout(1800),  # helm is built the first time
    pytest.mark.parametrize("values", SCENARIOS, ids=lambda path: path.stem),
]

ROLES = ("ClusterRole", "Role")
BINDINGS = ("ClusterRoleBinding", "RoleBinding")


def _rendered(values: Path) -> list[Document]:
    return documents(render(values))


def _rules(rendered: Iterable[Document]) -> Iterator[tuple[str, str, str, tuple[str, ...]]]:
    """Yield role, resource, verb and the names it is limited to."""
    for role in rendered:
        if role["kind"] in ROLES:
            for rule in role["rules"]:
                for resource in rule["resources"]:
                    for verb in rule["verbs"]:
                        names = tuple(rule.get("resourceNames", ()))
                        yield role["metadata"]["name"], resource, verb, names


def test_no_secret_is_read_but_the_key_of_tokens_in_the_own_namespace(values: Path) -> None:
    rights = [one for one in _rules(_rendered(values)) if one[1] == "secrets"]
    reading = [one for one in rights if one[2] != "create"]
    assert reading == [("artgrab-operator-own", "secrets", "get", ("artgrab-token-key",))]


def test_nothing_is_granted_by_wildcard(values: Path) -> None:
    roles = [one for one in _rendered(values) if one["kind"] in ROLES]
    assert roles
    words = [
        word
        for role in roles
        for rule in role["rules"]
        for field in ("apiGroups", "resources", "verbs")
        for word in rule[field]
    ]
    assert "*" not in words


def test_only_the_operator_and_a_test_while_it_runs_are_bound_to_a_role(values: Path) -> None:
    subjects = [
        subject
        for one in _rendered(values)
        if one["kind"] in BINDINGS and not is_hook(one)
        for subject in one["subjects"]
    ]
    assert {one["name"] for one in subjects} == {"artgrab-operator"}
    assert {one["namespace"] for one in subjects} == {"artgrab"}


def test_pods_and_specs_are_not_created_by_the_operator(values: Path) -> None:
    rights = {
        (resource, verb)
        for role, resource, verb, _ in _rules(_rendered(values))
        if "operator" in role
    }
    assert rights & {("pods", "create"), ("pods", "delete"), ("pods/exec", "create")} == set()
    assert {verb for resource, verb in rights if resource == "artcategories"} == {
        "get",
        "list",
        "patch",
        "watch",
    }
    assert ("artcategories/status", "patch") in rights


def test_named_namespaces_take_the_place_of_the_whole_cluster(values: Path) -> None:
    operators = [
        (one["kind"], one["metadata"].get("namespace"))
        for one in _rendered(values)
        if one["kind"] in ROLES and one["metadata"]["name"] == "artgrab-operator"
    ]
    if values == scenario("one-namespace"):
        assert operators == [("Role", "art"), ("Role", "everyday")]
    else:
        assert operators == [("ClusterRole", None)]


def test_services_and_deployments_are_written_only_where_classifiers_may_be(values: Path) -> None:
    writing = [
        (one["kind"], one["metadata"]["name"], one["metadata"].get("namespace"))
        for one in _rendered(values)
        if one["kind"] in ROLES and not is_hook(one)
        for rule in one["rules"]
        if {"services", "deployments"} & set(rule["resources"]) and "patch" in rule["verbs"]
    ]
    assert {(kind, name) for kind, name, _ in writing} <= {("Role", "artgrab-operator-classifiers")}
    assert all(namespace for _, _, namespace in writing)


def test_what_serves_is_never_deleted_by_the_operator(values: Path) -> None:
    rights = {
        (resource, verb)
        for role, resource, verb, _ in _rules(_rendered(values))
        if "operator" in role
    }
    assert not {one for one in rights if one[1] == "delete"} - {("jobs", "delete")}


def test_people_get_the_kinds_by_the_roles_they_have(values: Path) -> None:
    aggregated = {
        label.rpartition("-")[2]: one
        for one in _rendered(values)
        if one["kind"] == "ClusterRole"
        for label in one["metadata"]["labels"]
        if label.startswith("rbac.authorization.k8s.io/aggregate-to-")
    }
    if values == scenario("one-namespace"):
        assert aggregated == {}
        return
    assert set(aggregated) == {"view", "edit", "admin"}
    verbs = {name: set(one["rules"][0]["verbs"]) for name, one in aggregated.items()}
    assert verbs["view"] == {"get", "list", "watch"}
    assert verbs["edit"] == verbs["admin"] > verbs["view"]
