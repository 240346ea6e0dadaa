"""When a model is trained, what it is compared with, and which one is promoted."""

from dataclasses import replace

import pytest

from artgrab.common.resources import ArtClassifier
from artgrab.operator.classifiers.observed import LearningComponent
from artgrab.operator.classifiers.plans import NewTraining
from tests.support.classifier_world import LearningWorld, digest, foreign_job

TRAINER = LearningComponent.TRAINER


@pytest.fixture
def world() -> LearningWorld:
    """A world whose first dataset is built and being learned."""
    world = LearningWorld()
    world.category("graffiti")
    world.category("everyday-spoons")
    world.settle()
    world.succeed(world.job())
    world.settle()
    return world


@pytest.fixture
def served(world: LearningWorld) -> LearningWorld:
    """A world whose first model is served, an hour later."""
    world.succeed(world.job())
    world.settle()
    world.roll()
    world.settle()
    world.advance(hours=1)
    return world


def train(world: LearningWorld, **word: object) -> None:
    """Train a newer model, as other settings of training want it."""
    seed = world.spec.get("training", {}).get("seed", 0) + 1
    world.change(training={"seed": seed})
    world.settle()
    world.succeed(world.job(), **word)
    world.advance(minutes=5)
    world.settle()


def task(world: LearningWorld) -> NewTraining:
    new = world.made[world.job().uid]
    assert isinstance(new, NewTraining)
    return new


def test_a_dataset_is_learned_as_soon_as_it_is_there(world: LearningWorld) -> None:
    assert world.status.dataset is not None
    assert world.job().component is TRAINER
    assert (task(world).snapshot, task(world).served) == (world.status.dataset.key, "")
    assert world.says("Trained") == ("False", "Training")
    assert world.says() == ("False", "Training")
    assert f"kubectl logs --namespace art job/{world.job().name}" in world.message()


def test_a_model_that_was_trained_is_told_with_its_figures(world: LearningWorld) -> None:
    world.succeed(world.job(), accuracy_permille=912, left_out_accuracy_permille=880)
    world.settle()
    model, dataset = world.status.model, world.status.dataset
    assert model is not None
    assert dataset is not None
    assert (model.accuracy_permille, model.left_out_accuracy_permille) == (912, 880)
    assert (model.dataset, model.served, model.served_accuracy_permille) == (
        dataset.key,
        None,
        None,
    )
    assert world.says("Trained") == ("True", "ModelTrained")
    assert "tells 912 of a thousand pictures right" in world.message("Trained")
    assert "ModelTrained" in world.told()


def test_several_nodes_are_asked_for_and_change_no_model(world: LearningWorld) -> None:
    work = task(world).work
    world.change(training={"nodes": 4})
    world.settle()
    assert (task(world).work, task(world).nodes) == (work, 4)


def test_a_model_that_is_trained_is_not_trained_anew_on_other_nodes(served: LearningWorld) -> None:
    served.change(training={"nodes": 4})
    served.settle()
    assert served.running() == []


def test_a_job_of_other_nodes_makes_way_before_the_next_one_is_made(world: LearningWorld) -> None:
    before = world.job()
    world.change(training={"nodes": 2})
    world.look()
    assert world.jobs[before.name].deleting
    world.sweep()
    world.settle()
    assert (world.job().name, task(world).nodes) == (before.name, 2)


@pytest.mark.parametrize(
    "spec", [{"training": {"seed": 7}}, {"model": {"backbone": "tf_efficientnet_lite1"}}]
)
def test_a_training_that_another_spec_wants_replaces_the_one_that_runs(
    world: LearningWorld, spec: dict[str, object]
) -> None:
    first = world.job()
    world.change(**spec)
    planned = world.look()
    assert (planned.training, planned.delete) == (None, (first,))
    assert "waits for job/" in world.message("Trained")
    world.sweep()
    world.settle()
    assert world.job().work != first.work
    assert world.running(LearningComponent.DATASET) == []


def test_a_newer_training_is_told_the_model_that_is_served(served: LearningWorld) -> None:
    served.change(training={"seed": 1})
    served.settle()
    assert served.status.serving is not None
    assert task(served).served == served.status.serving.key
    assert served.says() == ("True", "ModelServed")


def test_a_newer_training_waits_until_the_model_before_it_is_out(world: LearningWorld) -> None:
    world.succeed(world.job())
    world.settle()
    world.change(training={"seed": 1})
    world.settle()
    assert world.running() == []
    assert world.says("Trained") == ("False", "Pending")
    assert "to be compared with it" in world.message("Trained")
    world.roll()
    world.settle()
    assert task(world).served != ""


def test_a_training_waits_for_the_dataset_that_is_being_built(world: LearningWorld) -> None:
    world.fail(world.job())
    world.settle()
    world.category("mural")
    world.advance(hours=1)
    world.settle()
    assert world.job().component is LearningComponent.DATASET
    assert world.says("Trained") == ("False", "Pending")


def test_a_failed_training_is_tried_again_and_its_failures_are_its_own(
    world: LearningWorld,
) -> None:
    world.fail(world.job(), "its node went away")
    planned = world.settle()
    assert planned.again_after == 600
    assert world.says("Trained") == ("False", "TrainingFailed")
    assert world.says("Degraded") == ("True", "TrainingFailed")
    assert world.message().startswith("its node went away; failures in a row: 1; ")
    world.advance(minutes=10)
    world.settle()
    assert world.job().failures == 1
    assert "failures in a row before: 1" in world.message("Trained")


def test_a_failed_training_degrades_what_is_served_and_no_more(served: LearningWorld) -> None:
    served.change(training={"seed": 1})
    served.settle()
    served.fail(served.job())
    served.settle()
    assert served.says() == ("True", "ModelServed")
    assert served.says("Degraded") == ("True", "TrainingFailed")
    assert "TrainingFailed" in served.told()


def test_a_refused_training_is_tried_again_with_another_dataset_only(world: LearningWorld) -> None:
    world.refuse(world.job(), "spec.model.backbone: it takes too much memory")
    assert world.settle().again_after is None
    world.advance(days=3)
    world.settle()
    assert world.running() == []
    assert world.says("Trained") == ("False", "TrainingFailed")
    world.category("mural")
    world.advance(hours=1)
    world.settle()
    world.succeed(world.job())
    world.settle()
    assert world.job().failures == 0


def test_a_pod_that_says_to_have_learned_something_else_is_not_believed(
    world: LearningWorld,
) -> None:
    world.succeed(world.job(), dataset=digest("other"))
    world.settle()
    assert world.status.model is None
    assert "another dataset" in world.message("Trained")


def test_a_result_of_an_earlier_dataset_is_not_taken(world: LearningWorld) -> None:
    training = world.job()
    world.category("mural")
    world.advance(hours=1)
    world.settle()
    (building,) = world.running(LearningComponent.DATASET)
    world.succeed(training)
    world.succeed(building)
    world.settle()
    assert world.status.model is None
    assert world.job().component is TRAINER


def test_suspended_no_training_runs(world: LearningWorld) -> None:
    world.change(suspend=True)
    world.settle()
    assert world.running() == []
    assert world.says("Trained") == ("False", "Suspended")
    assert world.says("DatasetReady") == ("True", "DatasetBuilt")


def test_jobs_of_others_are_never_deleted(world: LearningWorld) -> None:
    job = foreign_job(TRAINER)
    world.jobs[job.name] = job
    world.succeed(world.job())
    world.settle()
    assert world.jobs[job.name] == job


@pytest.mark.parametrize(
    ("accuracy", "before", "promoted"),
    [(900, 900, True), (895, 900, True), (894, 900, False), (700, 690, True), (1000, 1000, True)],
)
def test_a_newer_model_may_be_a_little_worse_than_the_one_that_is_served(
    served: LearningWorld, accuracy: int, before: int, promoted: bool
) -> None:
    train(served, accuracy_permille=accuracy, served_accuracy_permille=before)
    assert len(served.served) == (2 if promoted else 1)
    assert ("NotPromoted" in served.told()) is not promoted
    assert served.says() == ("True", "ModelServed")
    assert served.says("Degraded") == ("False", "AsExpected")


def test_a_model_that_is_not_promoted_is_told_once_with_what_to_do(served: LearningWorld) -> None:
    train(served, accuracy_permille=600, served_accuracy_permille=900)
    served.settle()
    assert served.told().count("NotPromoted") == 1
    assert next(one for one in served.events if one.reason == "NotPromoted").warning
    assert served.says("Trained") == ("True", "ModelTrained")
    assert "it is not served: of a thousand pictures it tells 600" in served.message("Trained")
    assert "spec.promotion.maxRegressionPermille allows 5" in served.message("Trained")


def test_raising_what_is_allowed_promotes_the_model_that_is_there(served: LearningWorld) -> None:
    train(served, accuracy_permille=600, served_accuracy_permille=900)
    served.change(promotion={"maxRegressionPermille": 300})
    served.settle()
    assert served.running() == []
    assert len(served.served) == 2
    assert "is being rolled out" in served.message()


def test_the_first_model_has_to_reach_what_is_wanted(world: LearningWorld) -> None:
    world.change(promotion={"minAccuracyPercent": 95})
    world.succeed(world.job(), accuracy_permille=949)
    world.settle()
    assert world.says() == ("False", "NotPromoted")
    assert "spec.promotion.minAccuracyPercent wants 950: lower that" in world.message()
    assert world.served == []
    world.change(promotion={"minAccuracyPercent": 94})
    world.settle()
    assert len(world.served) == 1


def test_a_model_of_other_classes_is_judged_by_itself(served: LearningWorld) -> None:
    train(served, accuracy_permille=500, served_accuracy_permille=None, served="")
    assert len(served.served) == 2
    served.roll()
    served.settle()
    assert served.running() == []  # and it is not trained again for want of a comparison


def test_a_model_that_was_compared_with_another_than_is_served_is_compared_anew(
    served: LearningWorld,
) -> None:
    train(served, accuracy_permille=600, served_accuracy_permille=900)
    assert served.status.serving is not None
    other = replace_served(served, digest("other"))
    served.settle()
    assert task(served).served == other
    assert served.served[1:] == [digest("other")]  # its manifests, not the newer model


def replace_served(world: LearningWorld, content: str) -> str:
    """Let another model be the one that is served; return its key."""
    assert world.status.serving is not None
    assert world.deployment is not None
    key = digest("key")
    serving = world.status.serving.model_copy(update={"content_sha256": content, "key": key})
    world.status = world.status.model_copy(update={"serving": serving})
    world.deployment = replace(world.deployment, content_sha256=content, model_key=key)
    return key


def test_the_key_of_a_model_does_not_move_with_what_a_cluster_does_only() -> None:
    resource = LearningWorld(spec={"training": {"nodes": 5}}).classifier.resource
    assert isinstance(resource, ArtClassifier)
    assert resource.spec.training.inputs() == {"seed": 0}
