"""Classifiers that the chart brings: made once where they are absent, then left alone."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from structlog.testing import capture_logs

from artgrab.operator.classifiers.default_classifiers import (
    DefaultClassifiers,
    read_default_classifiers,
)
from tests.support.learning_stage import KEY, SPEC
from tests.support.learning_world import LearningCluster, LearningWorld
from tests.support.operator_world import LostError, at_once

DOCUMENT: dict[str, Any] = {
    "apiVersion": "artgrab.dev/v1alpha1",
    "kind": "ArtClassifier",
    "metadata": {"name": KEY.name, "namespace": KEY.namespace},
    "spec": SPEC,
}


@pytest.fixture
def world() -> LearningWorld:
    return LearningWorld()


def _defaults(world: LearningWorld) -> DefaultClassifiers:
    cluster: Any = LearningCluster(world)
    return DefaultClassifiers(cluster, [DOCUMENT])


def test_one_that_is_absent_is_made_and_one_that_is_deleted_stays_so(world: LearningWorld) -> None:
    defaults = _defaults(world)
    at_once(defaults.make())
    assert world.classifiers[KEY]["spec"] == SPEC
    world.delete_classifier(KEY)
    at_once(defaults.make())
    assert world.classifiers == {}


def test_one_that_is_there_is_never_changed(world: LearningWorld) -> None:
    world.apply_classifier(KEY, {**SPEC, "suspend": True})
    at_once(_defaults(world).make())
    assert world.classifiers[KEY]["spec"]["suspend"] is True
    assert world.writes == 0


def test_one_that_is_refused_is_told_once_and_made_later(world: LearningWorld) -> None:
    defaults = _defaults(world)
    world.refused = {"ArtClassifier"}
    with capture_logs() as logs:
        at_once(defaults.make())
        at_once(defaults.make())
    assert [line["classifier"] for line in logs] == ["art/art-or-not"]
    world.refused = set()
    at_once(defaults.make())
    assert KEY in world.classifiers


def test_one_whose_making_is_lost_is_made_later(world: LearningWorld) -> None:
    defaults = _defaults(world)
    world.lose_write, world.lose_effect = 0, True
    with pytest.raises(LostError):
        at_once(defaults.make())
    at_once(defaults.make())
    assert KEY in world.classifiers


def test_those_after_one_whose_making_is_lost_are_made_later_too(world: LearningWorld) -> None:
    another = {**DOCUMENT, "metadata": {**DOCUMENT["metadata"], "name": "another"}}
    cluster: Any = LearningCluster(world)
    defaults = DefaultClassifiers(cluster, [DOCUMENT, another])
    world.lose_write, world.lose_effect = 0, True
    with pytest.raises(LostError):
        at_once(defaults.make())
    at_once(defaults.make())
    assert {key.name for key in world.classifiers} == {KEY.name, "another"}


def test_a_list_is_read_and_what_is_wrong_in_it_is_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "classifiers.yaml"
    wrong = {**DOCUMENT, "spec": {"classes": []}}
    file.write_text(yaml.safe_dump([DOCUMENT, wrong, "nothing"]))
    with capture_logs() as logs:
        assert read_default_classifiers(file) == [DOCUMENT]
    assert len(logs) == 2
    assert "spec.classes" in json.dumps(logs)


@pytest.mark.parametrize("text", ["", "{", "\x00", None])
def test_no_list_is_no_reason_to_stop(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "classifiers.yaml"
    if text is not None:
        file.write_text(text)
    assert read_default_classifiers(file) == []
