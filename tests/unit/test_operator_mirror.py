"""What is known of the cluster: the later state wins, and what vanished unseen is forgotten."""

import copy
from typing import Any

import pytest

from artgrab.operator import names
from artgrab.operator.mirror import Mirror
from artgrab.operator.observed import Key
from tests.support.operator_world import PlayedOperator, World, settings_of

KEY = Key("art", "graffiti")
SPEC: dict[str, Any] = {"sources": [{"mediawiki": {"url": "https://wiki.test/w/api.php"}}]}


@pytest.fixture
def world() -> World:
    """A world with one category and the Job of its scrape."""
    world = World()
    world.apply(KEY, SPEC)
    PlayedOperator(world, settings_of()).look(KEY)
    return world


@pytest.fixture
def category(world: World) -> dict[str, Any]:
    return copy.deepcopy(world.categories[KEY])


@pytest.fixture
def job(world: World) -> dict[str, Any]:
    (found,) = world.jobs.values()
    return copy.deepcopy(found)


def _version(body: dict[str, Any], version: int, **metadata: Any) -> dict[str, Any]:
    return {**body, "metadata": {**body["metadata"], "resourceVersion": str(version), **metadata}}


def test_an_older_state_does_not_take_the_place_of_a_later_one(category: dict[str, Any]) -> None:
    mirror = Mirror()
    mirror.put_category(_version(category, 9, generation=2))
    mirror.put_category(_version(category, 8, generation=1))
    found = mirror.category(KEY)
    assert found is not None
    assert found.generation == 2


def test_the_end_of_an_earlier_object_does_not_remove_its_successor(
    category: dict[str, Any],
) -> None:
    mirror = Mirror()
    mirror.put_category(_version(category, 9, uid="new"))
    mirror.remove_category(_version(category, 8, uid="old"))
    assert mirror.category(KEY) is not None


def test_a_job_that_ended_is_not_among_the_unfinished(job: dict[str, Any]) -> None:
    mirror = Mirror()
    mirror.put_job(_version(job, 1))
    assert len(mirror.unfinished()) == 1
    ended = {"type": "Complete", "status": "True", "lastTransitionTime": "2026-11-02T12:00:00Z"}
    mirror.put_job({**_version(job, 2), "status": {"conditions": [ended]}})
    assert mirror.unfinished() == []
    assert len(mirror.scrapes(KEY)) == 1
    mirror.remove_job(_version(job, 2))
    assert mirror.scrapes(KEY) == ()


def test_what_a_list_lacks_is_forgotten_unless_it_is_newer_than_the_list(
    category: dict[str, Any], job: dict[str, Any]
) -> None:
    mirror = Mirror()
    mirror.put_category(_version(category, 5))
    mirror.put_job(_version(job, 7))
    mirror.replace([], [], since=6)
    assert mirror.category(KEY) is None
    assert len(mirror.scrapes(KEY)) == 1
    mirror.replace([_version(category, 8)], [], since=8)
    assert mirror.category(KEY) is not None
    assert mirror.scrapes(KEY) == ()
    assert mirror.unfinished() == []


@pytest.mark.parametrize(
    ("label", "value"),
    [
        (names.LABEL_MANAGED_BY, "another"),
        (names.LABEL_CATEGORY_NAMESPACE, "another"),
        (names.LABEL_COMPONENT, "cleanup"),
    ],
)
def test_a_job_that_is_not_ours_or_speaks_for_another_namespace_is_passed_over(
    job: dict[str, Any], label: str, value: str
) -> None:
    mirror = Mirror()
    labels = {**job["metadata"]["labels"], label: value}
    mirror.put_job(_version(job, 1, labels=labels))
    assert mirror.unfinished() == []
    assert mirror.scrapes(KEY) == ()
    assert mirror.scrapes(Key("another", "graffiti")) == ()


@pytest.mark.parametrize("owner", [None, {"apiVersion": "v1"}, {"controller": False}])
def test_a_job_of_no_category_takes_no_place_of_others(
    job: dict[str, Any], owner: dict[str, Any] | None
) -> None:
    (ours,) = job["metadata"]["ownerReferences"]
    mirror = Mirror()
    mirror.put_job(_version(job, 1, ownerReferences=[{**ours, **owner}] if owner else []))
    assert mirror.unfinished() == []
    assert len(mirror.scrapes(KEY)) == 1  # in its own namespace it is waited for
