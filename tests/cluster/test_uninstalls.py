"""What `helm uninstall` leaves: definitions, objects, pictures and models, and what answers.

It comes after all other tests of the installation: see `conftest`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.cluster.classifiers import DATASET, TRAINER, reason_of, uid_of
from tests.cluster.installed import PICTURES
from tests.cluster.learned import UPGRADED, Learned
from tests.cluster.learning import FIRST, category_name, questions
from tests.cluster.predictions import Count

pytestmark = pytest.mark.xdist_group("learned")

_KINDS = ("artcategories", "artclassifiers")


@dataclass(frozen=True)
class Uninstalled:
    """What was there before, and what a client was answered meanwhile and afterwards."""

    learned: Learned
    objects: Mapping[str, str]
    """uid by kind and name."""
    keys: list[str]
    """Of the store."""
    count: Count


@pytest.fixture(scope="module")
def uninstalled(learned: Learned, upgraded: Count) -> Uninstalled:
    """The release is gone."""
    installed = learned.installed
    objects, keys = _objects(learned), _keys(learned)
    with learned.asked() as client:
        installed.release.uninstall()
        client.wait_more(len(questions(FIRST)))
    return Uninstalled(learned, objects, keys, client.count)


def test_definitions_and_objects_stay(uninstalled: Uninstalled) -> None:
    kubectl = uninstalled.learned.installed.kubectl
    for kind in _KINDS:
        assert kubectl("get", "customresourcedefinition", f"{kind}.artgrab.dev", "--output=name")
    assert _objects(uninstalled.learned) == uninstalled.objects


def test_who_asks_is_answered_on(uninstalled: Uninstalled) -> None:
    assert set(uninstalled.count.models) == {uninstalled.learned.classifier.served}


def test_nothing_else_of_it_stays(uninstalled: Uninstalled) -> None:
    kinds = "deployments,statefulsets,services,configmaps,serviceaccounts,roles,networkpolicies"
    selector = "--selector=app.kubernetes.io/managed-by=Helm"
    found = uninstalled.learned.installed.system.read(kinds, selector)["items"]
    assert [f"{one['kind']}/{one['metadata']['name']}" for one in found] == []


def test_an_installation_after_it_goes_on_with_what_is_stored(uninstalled: Uninstalled) -> None:
    learned = uninstalled.learned
    jobs = _jobs(learned)
    with learned.asked() as client:
        learned.installed.install()
        learned.classifier.wait_deployment(
            lambda template: UPGRADED not in template["metadata"]["annotations"],
            "its pods are as the new release wants them",
        )
        client.wait_more(len(questions(FIRST)))
    assert set(client.count.models) == {learned.classifier.served}
    assert _keys(learned) == uninstalled.keys
    assert reason_of(learned.classifier.body(), "Ready") == "ModelServed"
    assert _jobs(learned) == jobs


def _objects(learned: Learned) -> dict[str, str]:
    found: list[Any] = learned.installed.kubectl.read(",".join(_KINDS))["items"]
    return {f"{one['kind']}/{one['metadata']['name']}": uid_of(one) for one in found}


def _keys(learned: Learned) -> list[str]:
    """Return the keys of pictures, datasets and models."""
    folders = (*(f"categories/{category_name(name)}" for name in FIRST), "datasets", "models")
    store = learned.installed.store
    return [info.key for one in folders for info in store.list(f"{PICTURES}/{one}")]


def _jobs(learned: Learned) -> set[str]:
    kinds = (DATASET, TRAINER)
    return {uid_of(job) for kind in kinds for job in learned.classifier.jobs(kind)}
