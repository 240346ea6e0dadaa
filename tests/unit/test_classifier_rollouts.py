"""How a model comes to be served: rolled out, rolled back, kept, and what is said meanwhile."""

from dataclasses import replace
from typing import Any

import pytest

from artgrab.operator import names
from artgrab.operator.classifiers.reading import read_rollout
from artgrab.operator.observed import Seen
from tests.support.classifier_world import LearningWorld, digest
from tests.support.operator_world import settings_of


@pytest.fixture
def world() -> LearningWorld:
    """A world whose first model is being rolled out."""
    world = LearningWorld()
    world.category("graffiti")
    world.category("everyday-spoons")
    for _ in range(2):
        world.settle()
        world.succeed(world.job())
        world.advance(minutes=1)
    world.settle()
    return world


@pytest.fixture
def served(world: LearningWorld) -> LearningWorld:
    """A world whose first model is served, and a newer one is being rolled out."""
    world.roll()
    world.settle()
    world.advance(minutes=1)
    world.change(training={"seed": 1})
    world.settle()
    world.succeed(world.job())
    world.settle()
    return world


def test_a_promoted_model_is_rolled_out(world: LearningWorld) -> None:
    assert world.status.model is not None
    assert world.served == [world.status.model.content_sha256]
    assert world.says() == ("False", "RollingOut")
    assert "kubectl describe pods --namespace art --selector" in world.message()
    assert world.status.serving is None


def test_it_is_served_when_all_its_pods_are_available(world: LearningWorld) -> None:
    world.roll(available=False, ready=0)
    world.settle()
    assert world.says() == ("False", "RollingOut")
    world.roll()
    world.settle()
    serving, model = world.status.serving, world.status.model
    assert serving is not None
    assert model is not None
    assert serving.content_sha256 == model.content_sha256
    assert serving.model == model.content_sha256[:12]
    assert serving.endpoint == "art-or-not-serving.art.svc:8500"
    assert (serving.ready_replicas, serving.accuracy_permille) == (1, 900)
    assert world.says() == ("True", "ModelServed")
    assert world.says("Serving") == ("True", "ModelServed")
    assert world.says("Degraded") == ("False", "AsExpected")
    assert world.told()[-1] == "ModelServed"


def test_what_keeps_pods_from_starting_is_told(world: LearningWorld) -> None:
    world.roll(available=False, ready=0)
    assert world.deployment is not None
    world.deployment = replace(world.deployment, message="ImagePullBackOff (artgrab-serving:1)")
    world.settle()
    assert "is being rolled out: ImagePullBackOff (artgrab-serving:1); kubectl" in world.message()


def test_a_status_of_the_spec_before_says_nothing(world: LearningWorld) -> None:
    world.roll()
    assert world.deployment is not None
    world.deployment = replace(world.deployment, current=False)
    world.settle()
    assert world.status.serving is None


def _deployment() -> dict[str, Any]:
    labels = names.learning_labels(names.COMPONENT_SERVING, classifier="art-or-not")
    metadata: dict[str, Any] = {"name": "art-or-not-serving", "namespace": "art"}
    metadata["labels"] = labels
    metadata |= {"uid": "u", "resourceVersion": "1", "generation": 2}
    return {"metadata": metadata, "spec": {"replicas": 1}}


def test_what_keeps_pods_from_being_made_is_told_rather_than_that_it_takes_long() -> None:
    quota = 'pods "art-or-not-serving-1" is forbidden: exceeded quota: small'
    late = {"reason": "ProgressDeadlineExceeded", "message": "has timed out progressing"}
    progressing = {"type": "Progressing", "status": "False", **late}
    refused = {"type": "ReplicaFailure", "status": "True", "message": quota}
    for conditions, told in (
        ([progressing, refused], quota),
        ([progressing, refused | {"status": "False"}], late["message"]),
        ([progressing], late["message"]),
    ):
        rollout = read_rollout({**_deployment(), "status": {"conditions": conditions}})
        assert rollout is not None
        assert (rollout.failed, rollout.message) == (True, told)


def test_an_older_pod_that_is_available_is_none_of_the_newer_model() -> None:
    surge = {"replicas": 2, "updatedReplicas": 1, "availableReplicas": 1, "readyReplicas": 1}
    body = _deployment()
    rollout = read_rollout({**body, "status": {"observedGeneration": 2, **surge}})
    assert rollout is not None
    assert not rollout.done
    rollout = read_rollout({**body, "status": {"observedGeneration": 2, **surge, "replicas": 1}})
    assert rollout is not None
    assert rollout.done


def test_the_older_model_answers_while_a_newer_one_is_rolled_out(served: LearningWorld) -> None:
    assert len(served.served) == 2
    assert served.says() == ("True", "ModelServed")
    assert "is being rolled out" in served.message()
    before = served.status.serving
    served.roll()
    served.settle()
    after = served.status.serving
    assert before is not None
    assert after is not None
    assert (before.content_sha256, after.content_sha256) == tuple(served.served)
    assert after.since > before.since
    assert served.told()[-1] == "ModelServed"


def test_a_rollout_that_fails_is_rolled_back_and_not_tried_again(served: LearningWorld) -> None:
    old, new = served.served
    served.roll(available=False, failed=True)
    served.settle()
    assert served.served == [old, new, old]
    assert served.status.failed_rollout is not None
    assert served.status.failed_rollout.content_sha256 == new
    served.roll()
    served.settle()
    served.advance(days=1)
    served.settle()
    assert served.served == [old, new, old]
    assert served.says() == ("True", "ModelServed")
    assert served.says("Degraded") == ("True", "RolloutFailed")
    assert "exceeded its progress deadline" in served.message("Degraded")
    assert served.told().count("RolloutFailed") == 1


def test_a_failure_of_the_spec_before_rolls_nothing_back(served: LearningWorld) -> None:
    assert served.deployment is not None
    served.deployment = replace(served.deployment, failed=True, current=False)
    served.settle()
    assert served.status.failed_rollout is None
    assert len(served.served) == 2


def test_a_first_rollout_that_fails_stays_and_may_still_come_up(world: LearningWorld) -> None:
    world.roll(available=False, ready=0, failed=True)
    world.settle()
    assert len(world.served) == 1
    assert world.says() == ("False", "RolloutFailed")
    assert world.says("Degraded") == ("True", "RolloutFailed")
    world.roll()
    world.settle()
    assert world.says() == ("True", "ModelServed")
    assert world.status.failed_rollout is None


@pytest.mark.parametrize("what", ["settings", "spec"])
def test_a_failed_rollout_is_tried_again_with_other_manifests(
    served: LearningWorld, what: str
) -> None:
    served.roll(available=False, failed=True)
    served.settle()
    served.roll()
    served.settle()
    if what == "settings":
        served.settings = settings_of(serving_image="artgrab-serving:2")
    else:
        served.change(serving={"runtime": "Native"})
    served.settle()
    assert served.served[-1] == served.served[1]
    assert served.status.failed_rollout is None


def test_a_failed_rollout_is_forgotten_with_a_newer_model(served: LearningWorld) -> None:
    served.roll(available=False, failed=True)
    served.settle()
    served.roll()
    served.change(training={"seed": 2})
    served.settle()
    served.advance(minutes=1)
    served.succeed(served.job())
    served.settle()
    assert served.status.failed_rollout is None
    assert len(set(served.served)) == 3


def test_other_settings_roll_the_same_model_out_again(world: LearningWorld) -> None:
    world.roll()
    world.settle()
    world.settings = settings_of(serving_image="artgrab-serving:2")
    world.settle()
    assert world.served == [world.served[0]] * 2
    assert world.says() == ("True", "ModelServed")


@pytest.mark.parametrize("ready", [1, 0])
def test_pods_of_the_served_model_that_do_not_come_up_by_newer_settings_are_told(
    world: LearningWorld, ready: int
) -> None:
    world.roll()
    world.settle()
    world.settings = settings_of(serving_image="registry.test/artgrab-serving:2")
    world.settle()
    world.roll(available=False, ready=ready, failed=True)
    assert world.deployment is not None
    world.deployment = replace(world.deployment, message="ImagePullBackOff (artgrab-serving:2)")
    world.settle()
    assert world.says("Degraded") == ("True", "RolloutFailed" if ready else "NotAvailable")
    assert "ImagePullBackOff (artgrab-serving:2)" in world.message("Degraded")
    assert "ImagePullBackOff (artgrab-serving:2)" in world.message()
    assert world.says()[0] == str(bool(ready))
    assert world.status.failed_rollout is None
    world.roll()
    world.settle()
    assert world.says("Degraded") == ("False", "AsExpected")
    assert world.told().count("RolloutFailed") == ready


def test_a_model_that_is_not_promoted_is_not_said_to_be_rolled_out_where_an_older_one_failed(
    world: LearningWorld,
) -> None:
    world.roll(available=False, ready=0, failed=True)
    world.settle()
    world.change(training={"seed": 1}, promotion={"minAccuracyPercent": 95})
    world.settle()
    world.succeed(world.job())
    world.settle()
    assert len(world.served) == 1
    assert world.says("Serving") == ("False", "NotPromoted")


def test_a_deployment_that_was_deleted_is_applied_again(world: LearningWorld) -> None:
    world.roll()
    world.settle()
    world.deployment = None
    world.settle()
    assert len(world.served) == 2
    assert world.says() == ("False", "NotAvailable")
    assert world.says("Degraded") == ("True", "NotAvailable")
    assert "no pod of the model" in world.message()


def test_pods_that_are_not_ready_make_it_unready_and_their_number_is_told(
    world: LearningWorld,
) -> None:
    world.roll(ready=1)
    world.settle()
    world.roll(ready=0, available=False)
    world.settle()
    assert world.says() == ("False", "NotAvailable")
    world.roll(ready=1)
    world.settle()
    assert world.says() == ("True", "ModelServed")
    assert world.status.serving is not None
    assert world.status.serving.ready_replicas == 1
    assert len(world.served) == 1


@pytest.mark.parametrize("deleting", [True, False])
def test_a_deployment_of_another_object_is_waited_for(world: LearningWorld, deleting: bool) -> None:
    assert world.deployment is not None
    world.deployment = replace(
        world.deployment, owner="somebody", seen=Seen("x", 1), deleting=deleting
    )
    planned = world.settle()
    assert planned.serve is None
    assert "kubectl delete --namespace art deployment/art-or-not-serving" in world.message()
    world.deployment = None
    world.settle()
    assert len(world.served) == 2


def test_a_deployment_of_nobody_is_in_the_way_until_a_person_removes_it(
    world: LearningWorld,
) -> None:
    assert world.deployment is not None
    world.deployment = replace(world.deployment, owner="", seen=Seen("x", 1))
    world.settle()
    assert world.says("Degraded") == ("True", "RolloutFailed")
    assert "kubectl delete --namespace art" in world.message("Degraded")


def test_what_the_cluster_refuses_is_told(world: LearningWorld) -> None:
    world.deployment = None
    world.refusal = "exceeded quota"
    world.settle()
    assert world.says() == ("False", "RollingOut")
    assert "the cluster refuses it: exceeded quota" in world.message()
    assert world.says("Degraded") == ("True", "RolloutFailed")


def test_a_refused_change_of_what_is_served_is_told_though_it_answers(
    served: LearningWorld,
) -> None:
    served.change(serving={"maxReplicas": 2})
    served.refusal = "exceeded quota"
    served.settle()
    assert served.says() == ("True", "ModelServed")
    assert served.says("Degraded") == ("True", "RolloutFailed")
    for kind in ("Ready", "Degraded"):
        assert "the cluster refuses it: exceeded quota" in served.message(kind)
    served.refusal = ""
    served.settle()
    assert served.says("Degraded") == ("False", "AsExpected")


def test_raising_the_bar_takes_nothing_away_that_is_served(served: LearningWorld) -> None:
    old, _ = served.served
    served.change(promotion={"minAccuracyPercent": 99})
    served.settle()
    assert served.served[-1] == old  # the newer one was on its way only
    served.roll()
    served.settle()
    assert served.says() == ("True", "ModelServed")
    assert served.status.failed_rollout is None


def test_equal_content_under_another_key_is_not_rolled_out(world: LearningWorld) -> None:
    world.roll()
    world.settle()
    content = world.served[0]
    world.change(training={"seed": 1})
    world.settle()
    world.succeed(world.job(), content_sha256=content, key=digest("another key"))
    world.settle()
    assert world.served == [content]
    assert world.status.serving is not None
    assert world.status.serving.key == digest("another key")
    assert world.running() == []


@pytest.mark.parametrize("spec", [{"classes": []}, {"suspend": True}])
def test_whatever_is_wrong_with_the_spec_what_is_served_is_served_on(
    world: LearningWorld, spec: dict[str, object]
) -> None:
    world.roll()
    world.settle()
    world.change(**spec)
    world.settle()
    assert world.says() == ("True", "ModelServed")
    world.roll(ready=0, available=False)
    world.settle()
    assert world.says("Serving") == ("False", "NotAvailable")
    assert world.says("Degraded") == ("True", "NotAvailable")


def test_a_namespace_that_is_no_more_prepared_keeps_what_is_served(world: LearningWorld) -> None:
    world.roll()
    world.settle()
    world.allowed = False
    world.settle()
    assert world.says() == ("True", "ModelServed")
    assert world.says("DatasetReady") == ("False", "NamespaceNotPrepared")
