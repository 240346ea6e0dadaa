"""Classifiers under a real reconciler and plan, against a played API server."""

from datetime import timedelta

import pytest

from artgrab.operator import names
from artgrab.operator.observed import Key
from tests.support.learning_stage import KEY, SERVING, LearningStage
from tests.support.learning_world import CONTENT


@pytest.fixture
def stage() -> LearningStage:
    return LearningStage()


def test_a_classifier_that_is_applied_is_learned_and_served(stage: LearningStage) -> None:
    stage.apply()
    assert stage.says() == ("False", "BuildingDataset")
    stage.build()
    assert stage.says("DatasetReady") == ("True", "DatasetBuilt")
    assert stage.says("Trained") == ("False", "Training")
    stage.train()
    assert stage.says("Serving") == ("False", "RollingOut")
    stage.roll_out()
    assert stage.says() == ("True", "ModelServed")
    status = stage.status
    assert status.serving is not None
    assert status.serving.content_sha256 == CONTENT
    assert status.serving.endpoint == "art-or-not-serving.art.svc:8500"
    assert {where[0] for where in stage.world.objects} == {
        "Deployment",
        "Service",
        "HorizontalPodAutoscaler",
        "PodDisruptionBudget",
    }
    told = ["BuildingDataset", "DatasetBuilt", "Training", "ModelTrained", "RollingOut"]
    assert stage.events() == [*told, "ModelServed"]


def test_nothing_is_written_where_a_model_is_served(stage: LearningStage) -> None:
    stage.serve()
    stage.world.collect_garbage()
    stage.look()
    writes = stage.world.writes
    for _ in range(3):
        stage.world.now += timedelta(minutes=7)
        assert stage.look() is None
    stage.operator.restart()
    stage.look()
    assert stage.world.writes == writes


@pytest.mark.parametrize("effect", [True, False], ids=["its effect too", "only the answer"])
@pytest.mark.parametrize("write", range(16))
def test_an_operator_that_is_lost_at_any_write_ends_where_it_would_have(
    write: int, effect: bool
) -> None:
    undisturbed, stage = LearningStage(), LearningStage()
    undisturbed.apply()
    stage.world.lose_write, stage.world.lose_effect = write, effect
    stage.apply()
    for _ in range(8):
        for one in (undisturbed, stage):
            one.play_on()
        if stage.world.lose_write < 0:
            stage.operator.restart()
    assert stage.world.lose_write < 0
    assert stage.says() == undisturbed.says() == ("True", "ModelServed")
    assert set(stage.world.objects) == set(undisturbed.world.objects)
    assert set(stage.events()) <= set(undisturbed.events())
    jobs = [body["metadata"]["labels"][names.LABEL_COMPONENT] for body in stage.world.jobs.values()]
    assert sorted(jobs) == ["dataset", "trainer"]


def test_a_newer_model_takes_the_place_of_the_served_one(stage: LearningStage) -> None:
    stage.serve()
    stage.learn_more()
    assert stage.served() == "f" * 64
    assert stage.says() == ("True", "ModelServed")
    stage.roll_out()
    assert stage.status.serving is not None
    assert stage.status.serving.content_sha256 == "f" * 64


def test_a_worse_model_is_not_rolled_out_and_told_once(stage: LearningStage) -> None:
    stage.serve()
    stage.learn_more(accuracy_permille=900)
    for _ in range(3):
        stage.look()
    assert stage.served() == CONTENT
    assert stage.events().count("NotPromoted") == 1
    assert stage.says("Degraded") == ("False", "AsExpected")
    stage.apply(promotion={"maxRegressionPermille": 100})
    assert stage.served() == "f" * 64


def test_a_rollout_that_fails_is_taken_back_and_says_what_its_pods_say(
    stage: LearningStage,
) -> None:
    stage.serve()
    stage.learn_more()
    ended = {"exitCode": 4, "message": "artgrab: the archive has another digest\n"}
    status = {"name": "fetch", "ready": False, "lastState": {"terminated": ended}}
    pod = {"status": {"initContainerStatuses": [status]}}
    stage.world.pods["art/art-or-not"] = [pod]
    stage.world.now += timedelta(minutes=1)
    stage.roll_out(fails="it has timed out progressing")
    assert stage.served() == CONTENT
    stage.roll_out()
    assert stage.says() == ("True", "ModelServed")
    assert stage.says("Degraded") == ("True", "RolloutFailed")
    failed = stage.status.failed_rollout
    assert failed is not None
    assert failed.message == "fetch: artgrab: the archive has another digest"


def test_a_training_that_fails_is_tried_again_after_a_while(stage: LearningStage) -> None:
    stage.apply()
    stage.build()
    error = '{"schema_version": 1, "error": "the store does not answer"}'
    stage.end(error, kind="Failed", why="BackoffLimitExceeded")
    stage.look()
    assert stage.says("Trained") == ("False", "TrainingFailed")
    assert "the store does not answer" in stage.condition("Trained").message
    stage.world.now += timedelta(minutes=11)
    stage.look()
    stage.world.collect_garbage()
    stage.look()
    (where,) = stage.running()
    assert stage.world.jobs[where]["metadata"]["annotations"][names.ANNOTATION_FAILURES] == "1"


def test_a_training_on_two_nodes_starts_when_they_can_find_each_other(
    stage: LearningStage,
) -> None:
    stage.apply(training={"nodes": 2})
    stage.build()
    (where,) = stage.running()
    service = stage.world.objects["Service", *where]
    job = stage.world.jobs[where]
    assert service["metadata"]["ownerReferences"][0]["uid"] == job["metadata"]["uid"]
    assert job["spec"]["completions"] == job["spec"]["parallelism"] == 2
    assert job["spec"]["suspend"] is False


@pytest.mark.parametrize("write", range(3))
def test_nodes_wait_for_their_service_whatever_is_lost(write: int) -> None:
    stage = LearningStage()
    stage.apply(training={"nodes": 2})
    stage.world.lose_write, stage.world.lose_effect = write, True
    stage.build()  # let_run() of the world says whether the Service was there
    stage.operator.restart()
    stage.look()
    assert len(stage.running()) == 1


def test_nodes_wait_while_the_service_of_an_earlier_job_of_their_name_is_not_gone(
    stage: LearningStage,
) -> None:
    stage.apply(training={"nodes": 2})
    stage.build()
    (where,) = stage.running()
    stage.world.delete_job(*where)
    stage.world.end_deleted_jobs()
    stage.look()
    assert stage.running() == []
    stage.world.collect_garbage()
    stage.look()
    assert stage.running() == [where]


def test_nodes_do_not_take_the_service_of_somebody_else(stage: LearningStage) -> None:
    stage.apply(training={"nodes": 2})
    stage.build()
    (where,) = stage.running()
    stage.world.delete_job(*where)
    stage.world.collect_garbage()
    theirs = {"kind": "Service", "metadata": stage.world.metadata(*where), "spec": {}}
    stage.world.objects["Service", *where] = theirs
    stage.look()
    assert stage.running() == []
    assert f"service/{where[1]} is there already and is not ours" in (
        stage.condition("Trained").message
    )
    assert stage.world.objects["Service", *where] == theirs


def test_nodes_whose_service_is_refused_say_so_and_start_when_it_is_taken(
    stage: LearningStage,
) -> None:
    stage.apply(training={"nodes": 2})
    stage.world.refused = {"Service"}
    stage.build()
    assert stage.running() == []
    assert "exceeded quota of Service" in stage.condition("Trained").message
    writes = stage.world.writes
    stage.look()
    assert stage.world.writes == writes
    stage.world.refused = set()
    stage.world.now += timedelta(minutes=2)
    stage.look()
    assert len(stage.running()) == 1


def test_a_quota_is_told_and_asked_again_after_a_while(stage: LearningStage) -> None:
    stage.world.refused = {"Job"}
    stage.apply()
    assert stage.says() == ("False", "DatasetFailed")
    assert "exceeded quota of Job" in stage.condition("Ready").message
    writes = stage.world.writes
    again = stage.look()
    assert again is not None
    assert 0 < again <= 60
    assert stage.world.writes == writes
    stage.world.refused = set()
    stage.world.now += timedelta(seconds=61)
    stage.look()
    assert stage.says() == ("False", "BuildingDataset")


def test_a_quota_of_services_is_told_while_the_served_model_is_served_on(
    stage: LearningStage,
) -> None:
    stage.serve()
    stage.world.refused = {"Deployment"}
    stage.learn_more()
    assert stage.says() == ("True", "ModelServed")
    told = " ".join(one.message for one in stage.status.conditions)
    assert "exceeded quota of Deployment" in told
    stage.world.refused = set()
    stage.world.now += timedelta(hours=1)
    stage.look()
    assert stage.served() == "f" * 64


def test_a_namespace_that_ends_is_left_alone(stage: LearningStage) -> None:
    stage.apply()
    stage.world.ending = {KEY.namespace}
    stage.end("")
    assert stage.look() is None


def test_what_is_deleted_beside_a_deployment_is_made_anew(stage: LearningStage) -> None:
    stage.serve()
    service = ("Service", *SERVING[1:])
    stage.world.delete_object(service)
    stage.world.delete_object(SERVING)
    stage.look()
    assert {service, SERVING} <= set(stage.world.objects)
    stage.roll_out()
    stage.world.delete_object(service)
    stage.world.now += timedelta(minutes=6)
    stage.look()
    assert service in stage.world.objects


def test_what_others_have_made_under_the_name_is_not_taken_over(stage: LearningStage) -> None:
    service = ("Service", *SERVING[1:])
    metadata = stage.world.metadata(*service[1:])
    theirs = {"kind": "Service", "metadata": metadata, "spec": {"selector": {"app": "theirs"}}}
    stage.world.objects[service] = theirs
    stage.apply()
    stage.build()
    stage.train()
    assert stage.world.objects[service] is theirs
    told = " ".join(one.message for one in stage.status.conditions)
    assert "service/art-or-not-serving is there already and is not ours" in told


def test_a_classifier_made_anew_waits_until_the_deployment_of_the_earlier_one_is_gone(
    stage: LearningStage,
) -> None:
    stage.serve()
    stage.world.delete_classifier(KEY)
    stage.apply()
    first = stage.world.objects[SERVING]["metadata"]["uid"]
    for _ in range(4):
        stage.play_on()
    assert stage.world.objects[SERVING]["metadata"]["uid"] != first
    assert stage.says() == ("True", "ModelServed")


def test_a_namespace_that_is_not_prepared_is_told(stage: LearningStage) -> None:
    stage = LearningStage(classifier_namespaces=[])
    stage.apply()
    assert stage.says() == ("False", "NamespaceNotPrepared")
    assert stage.world.jobs == {}


def test_of_many_categories_without_a_picture_some_are_named(stage: LearningStage) -> None:
    for number in range(30):
        key = Key(KEY.namespace, f"empty-{number:02}")
        stage.world.collected(key, {"artgrab.dev/set": "art"}, stored=0)
    stage.apply()
    stage.build()
    told = stage.condition("DatasetReady").message
    assert "left out: empty-00, empty-01" in told
    assert "empty-09, and 20 more" in told
