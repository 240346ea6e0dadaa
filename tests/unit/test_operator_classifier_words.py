"""What pods of classifiers say, and what the API server tells of them: never trusted."""

import json
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from artgrab.operator import names
from artgrab.operator.classifiers.mirror import ClassifierMirror
from artgrab.operator.classifiers.observed import DatasetMade, LearningComponent, ModelMade
from artgrab.operator.classifiers.reading import read_classifier, read_rollout
from artgrab.operator.classifiers.words import last_learning_word, serving_trouble
from artgrab.operator.observed import Key, Trouble
from tests.support.learning_stage import KEY, SERVING, LearningStage
from tests.support.learning_world import CONTENT, DATASET, dataset_word, model_word

TRAINER = LearningComponent.TRAINER


def _ended(message: str, **rest: Any) -> dict[str, Any]:
    ended = {"message": message, "exitCode": 0, "finishedAt": "2026-11-02T12:00:00Z", **rest}
    return {"status": {"containerStatuses": [{"state": {"terminated": ended}}]}}


def test_what_was_made_is_heard() -> None:
    dataset = last_learning_word([_ended(dataset_word())], LearningComponent.DATASET)
    uri = f"s3://bucket/art/art/datasets/{DATASET}"
    assert dataset == DatasetMade(DATASET, uri, CONTENT, images=40)
    model = last_learning_word([_ended(model_word(served=CONTENT))], TRAINER)
    assert isinstance(model, ModelMade)
    assert (model.accuracy_permille, model.served) == (950, CONTENT)


def test_of_several_nodes_the_one_that_tells_is_heard() -> None:
    error = json.dumps({"schema_version": 1, "error": "the store does not answer"})
    silent = _ended("", finishedAt="2026-11-02T13:00:00Z")
    log = _ended("====\n", exitCode=1, finishedAt="2026-11-02T13:00:00Z")
    assert isinstance(last_learning_word([silent, _ended(model_word())], TRAINER), ModelMade)
    told = last_learning_word([log, _ended(error, exitCode=4)], TRAINER)
    assert told == Trouble("the store does not answer")


def test_a_pod_without_memory_says_which_value_to_raise_whatever_its_log_ends_with() -> None:
    pod = _ended("epoch 3", reason="OOMKilled", exitCode=137)
    for component, value in {"trainer": "trainer", "dataset": "trainer.dataset"}.items():
        word = last_learning_word([pod], LearningComponent(component))
        assert isinstance(word, Trouble)
        assert f"{value}.resources" in word.text


@given(
    text=st.text()
    | st.dictionaries(st.sampled_from(["schema_version", "key", "images", "error"]), st.text()).map(
        json.dumps
    )
)
def test_whatever_a_pod_says_is_one_short_line_or_a_word_of_ours(text: str) -> None:
    for component in LearningComponent:
        word = last_learning_word([_ended(text)], component)
        assert not isinstance(word, Trouble) or (
            word.text.isprintable() and len(word.text) <= 500 and word.text
        )


def test_a_word_of_another_kind_makes_nothing() -> None:
    assert isinstance(last_learning_word([_ended("{}")], TRAINER), Trouble)
    huge = model_word(accuracy_permille=10**30)
    assert isinstance(last_learning_word([_ended(huge)], TRAINER), Trouble)


def test_why_pods_do_not_serve_is_told_by_the_container_that_fails() -> None:
    ended = {"exitCode": 4, "message": "artgrab: no such model\n"}
    fails = {"name": "fetch", "ready": False, "lastState": {"terminated": ended}}
    waits = {"name": "predict", "ready": False, "state": {"waiting": {"reason": "PodInitializing"}}}
    pod = {"status": {"initContainerStatuses": [fails], "containerStatuses": [waits]}}
    assert serving_trouble([pod]) == "fetch: artgrab: no such model"
    done = {"name": "fetch", "ready": True, "state": {"terminated": {"exitCode": 0}}}
    assert serving_trouble([{"status": {"initContainerStatuses": [done]}}]) == ""
    pull = {"image": "x:1", "state": {"waiting": {"reason": "ImagePullBackOff"}}}
    assert "x:1" in serving_trouble([{"status": {"initContainerStatuses": [pull]}}])


def _waits(reason: str, *, made: str = "2026-11-02T12:00:00Z", **metadata: Any) -> dict[str, Any]:
    waits = {"image": "x:1", "state": {"waiting": {"reason": reason}}}
    metadata["creationTimestamp"] = made
    return {"metadata": metadata, "status": {"containerStatuses": [waits]}}


def test_pods_that_were_evicted_or_are_going_do_not_tell_why_others_do_not_serve() -> None:
    killed = {"name": "predict", "state": {"terminated": {"exitCode": 137, "reason": "Error"}}}
    evicted = {"status": {"phase": "Failed", "reason": "Evicted", "containerStatuses": [killed]}}
    going = _waits("ErrImagePull", deletionTimestamp="2026-11-02T12:30:00Z")
    assert serving_trouble([evicted, going]) == ""
    older, newer = _waits("ErrImagePull"), _waits("CreateContainerError", made="2026-11-02T13")
    assert "CreateContainerError" in serving_trouble([evicted, going, older, newer])


@pytest.fixture
def stage() -> LearningStage:
    stage = LearningStage()
    stage.serve()
    return stage


def _version(body: dict[str, Any], version: int, **metadata: Any) -> dict[str, Any]:
    return {**body, "metadata": {**body["metadata"], "resourceVersion": str(version), **metadata}}


def test_an_older_state_does_not_take_the_place_of_a_later_one(stage: LearningStage) -> None:
    mirror, body = ClassifierMirror(), stage.world.classifiers[KEY]
    mirror.put_classifier(_version(body, 9, generation=2))
    mirror.put_classifier(_version(body, 8, generation=1))
    found = mirror.classifier(KEY)
    assert found is not None
    assert found.generation == 2
    mirror.remove_classifier(_version(body, 7, uid="earlier"))
    assert mirror.classifier(KEY) is not None


def test_what_a_list_lacks_is_forgotten_unless_it_is_newer(stage: LearningStage) -> None:
    world, mirror = stage.world, ClassifierMirror()
    (classifier,), jobs = world.classifiers.values(), list(world.jobs.values())
    mirror.put_classifier(_version(classifier, 5))
    mirror.put_job(_version(jobs[0], 5))
    mirror.put_job(_version(jobs[1], 7))
    mirror.put_deployment(_version(world.objects[SERVING], 5))
    assert mirror.replace([], [], [], since=6) == [KEY]
    assert mirror.classifier(KEY) is None
    assert mirror.rollout(KEY) is None
    assert [job.name for job in mirror.jobs(KEY)] == [jobs[1]["metadata"]["name"]]


@pytest.mark.parametrize(
    "labels", [{names.LABEL_MANAGED_BY: "another"}, {names.LABEL_COMPONENT: "scraper"}]
)
def test_what_is_not_ours_is_passed_over(stage: LearningStage, labels: dict[str, str]) -> None:
    mirror = ClassifierMirror()
    for body in stage.world.jobs.values():
        mirror.put_job(_version(body, 1, labels={**body["metadata"]["labels"], **labels}))
    assert mirror.jobs(KEY) == ()
    assert mirror.unfinished() == []


def test_a_deployment_speaks_for_its_own_classifier_only(stage: LearningStage) -> None:
    body = stage.world.objects[SERVING]
    labels = {**body["metadata"]["labels"], names.LABEL_CLASSIFIER: "another"}
    assert read_rollout(_version(body, 9, labels=labels)) is None


def test_numbers_and_statuses_that_nobody_could_have_written_do_no_harm(
    stage: LearningStage,
) -> None:
    body = stage.world.objects[SERVING]
    odd = {"readyReplicas": 2**80, "availableReplicas": -1, "conditions": None}
    rollout = read_rollout({**body, "status": odd})
    assert rollout is not None
    assert (rollout.ready, rollout.available, rollout.done) == (2**31 - 1, 0, False)
    body = stage.world.classifiers[KEY]
    for name in ("dataset", "failedRollout", "conditions", "failures"):
        status = read_classifier({**body, "status": {**body["status"], name: "odd"}}).status
        assert not status.model_dump(by_alias=True)[name]
        assert status.serving == stage.status.serving


def test_a_spec_that_breaks_a_rule_names_the_field() -> None:
    stage = LearningStage()
    stage.world.apply_classifier(Key("art", "odd"), {"classes": []})
    classifier = read_classifier(stage.world.classifiers[Key("art", "odd")])
    assert classifier.resource is None
    assert "spec.classes" in classifier.problem
