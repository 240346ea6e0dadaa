"""When a classifier builds a dataset, case by case; all of it is one pure function.

The first one, a later one for other categories, for more pictures and after quiet; what is in the
way; Jobs that fail, are refused, vanish; suspension.
"""

from datetime import timedelta

import pytest

from artgrab.operator.classifiers.observed import LearningComponent
from artgrab.operator.observed import JobEnd
from tests.support.classifier_world import CLASSES, LearningWorld, foreign_job
from tests.support.operator_world import settings_of

DATASET = LearningComponent.DATASET


@pytest.fixture
def world() -> LearningWorld:
    world = LearningWorld()
    world.category("graffiti")
    world.category("everyday-spoons")
    return world


@pytest.fixture
def served(world: LearningWorld) -> LearningWorld:
    """A world whose first model is served, an hour later."""
    return serve(world)


def serve(world: LearningWorld) -> LearningWorld:
    learn(world)
    world.roll()
    world.settle()
    world.advance(hours=1)
    return world


def learn(world: LearningWorld) -> None:
    for _ in range(2):
        world.settle()
        world.succeed(world.job())
        world.advance(minutes=1)
    world.settle()


def test_the_first_dataset_is_of_all_categories_that_are_selected(world: LearningWorld) -> None:
    world.category("other", labels={"set": "other"})
    planned = world.look()
    assert planned.dataset is not None
    assert planned.dataset.labels == {"graffiti": "art", "everyday-spoons": "not-art"}
    assert (planned.dataset.parent, planned.dataset.stored, planned.dataset.failures) == ("", 20, 0)
    assert world.says("DatasetReady") == ("False", "BuildingDataset")
    assert world.says() == ("False", "BuildingDataset")
    assert f"kubectl logs --namespace art job/{world.job().name}" in world.message("DatasetReady")
    assert world.told() == ["BuildingDataset"]


def test_a_dataset_that_was_built_is_told_and_not_built_again(world: LearningWorld) -> None:
    world.settle()
    world.succeed(world.job())
    world.settle()
    assert world.says("DatasetReady") == ("True", "DatasetBuilt")
    assert world.status.dataset is not None
    assert (world.status.dataset.images, world.status.dataset.stored) == (20, 20)
    assert "20 pictures are in the dataset" in world.message("DatasetReady")
    assert world.running(DATASET) == []
    assert world.told() == ["BuildingDataset", "DatasetBuilt", "Training"]


def test_the_first_dataset_waits_until_all_are_settled(world: LearningWorld) -> None:
    world.category("mural", ready=False, reason="Scraping", stored=3)
    world.settle()
    assert world.says("DatasetReady") == ("False", "WaitingForCategories")
    assert "mural (Scraping)" in world.message("DatasetReady")
    assert world.jobs == {}
    world.category("mural", stored=9)
    world.settle()
    assert world.job().stored == 29


@pytest.mark.parametrize(
    ("reason", "failures", "settled"),
    [
        ("SourcesFailed", None, True),
        ("InvalidSpec", None, True),
        ("Suspended", None, True),
        ("ScrapeFailed", 3, True),
        ("ScrapeFailed", 2, False),
        ("Pending", None, False),
        ("Scraping", None, False),
    ],
)
def test_a_category_that_failed_for_good_is_not_waited_for(
    world: LearningWorld, reason: str, failures: int | None, settled: bool
) -> None:
    world.category("mural", ready=False, reason=reason, failures=failures, stored=0)
    world.settle()
    assert bool(world.running(DATASET)) is settled


def test_the_first_dataset_does_not_wait_for_what_is_scraped_again(world: LearningWorld) -> None:
    world.category("graffiti", scraped="Scraping")
    world.settle()
    assert len(world.running(DATASET)) == 1


def test_a_category_is_waited_for_while_its_spec_is_new(world: LearningWorld) -> None:
    world.category("graffiti", generation=2)
    world.settle()
    assert "graffiti (its spec is new)" in world.message("DatasetReady")
    assert world.jobs == {}


def test_a_category_without_pictures_is_left_out_and_told(world: LearningWorld) -> None:
    world.category("mural", ready=False, reason="SourcesFailed", stored=0)
    planned = world.look()
    assert planned.dataset is not None
    assert "mural" not in planned.dataset.labels
    world.succeed(world.job())
    world.settle()
    assert "without pictures are left out: mural" in world.message("DatasetReady")


def test_a_class_without_pictures_is_named_with_its_categories(world: LearningWorld) -> None:
    world.category("graffiti", ready=False, reason="SourcesFailed", stored=0)
    world.settle()
    assert world.says("DatasetReady") == ("False", "NoPictures")
    assert "the class art has a picture: graffiti (SourcesFailed)" in world.message("DatasetReady")
    assert world.jobs == {}


def test_a_class_without_categories_is_named(world: LearningWorld) -> None:
    del world.categories["graffiti"]
    world.settle()
    assert world.says() == ("False", "NoCategories")
    assert "selected by the class art; apply one" in world.message()


def test_a_category_of_two_classes_makes_the_spec_invalid(world: LearningWorld) -> None:
    blue = {"label": "blue", "categorySelector": {"matchLabels": {"colour": "blue"}}}
    world.change(classes=[*CLASSES, blue])
    world.category("graffiti", labels={"set": "art", "colour": "blue"})
    world.settle()
    assert world.says() == ("False", "InvalidSpec")
    assert "artcategory/graffiti is selected by more than one class: art, blue" in world.message()


def test_a_spec_that_is_wrong_is_told_and_ends_what_runs(world: LearningWorld) -> None:
    world.settle()
    world.change(classes=[])
    world.settle()
    assert world.says() == ("False", "InvalidSpec")
    assert world.says("Trained") == ("False", "InvalidSpec")
    assert world.message() == "spec: it is wrong; change the spec"
    assert world.running() == []


def test_a_namespace_that_is_not_prepared_gets_nothing(world: LearningWorld) -> None:
    world.allowed = False
    world.settle()
    assert world.says() == ("False", "NamespaceNotPrepared")
    assert "classifiers.namespaces" in world.message()
    assert world.jobs == {}


def test_a_classifier_that_is_deleted_is_left_to_the_garbage_collector(
    world: LearningWorld,
) -> None:
    world.settle()
    world.deleting = True
    assert not world.look().writes


def test_a_category_that_is_added_makes_a_newer_dataset_after_quiet(served: LearningWorld) -> None:
    first = served.status.dataset
    assert first is not None
    served.category("mural")
    planned = served.settle()
    assert served.running() == []
    assert planned.again_after == 600
    assert served.says("DatasetReady") == ("True", "DatasetBuilt")
    assert "a newer one begins at" in served.message("DatasetReady")
    served.advance(minutes=10)
    planned = served.look()
    assert planned.dataset is not None
    assert planned.dataset.parent == first.key
    assert planned.dataset.labels["mural"] == "art"
    assert "a newer one: BuildingDataset" in served.message("DatasetReady")
    assert served.says() == ("True", "ModelServed")


@pytest.mark.parametrize(
    ("percent", "stored", "due"),
    [(5, 10, False), (5, 11, True), (10, 11, False), (10, 12, True), (0, 10, False), (0, 11, True)],
)
def test_more_pictures_make_a_newer_dataset_when_they_are_enough(
    served: LearningWorld, percent: int, stored: int, due: bool
) -> None:
    served.change(retrain={"minNewPercent": percent})
    served.category("graffiti", stored=stored)
    served.advance(hours=1)
    served.settle()
    assert bool(served.running(DATASET)) is due


def test_a_newer_dataset_waits_while_a_category_is_scraped_again(served: LearningWorld) -> None:
    served.category("graffiti", stored=100, scraped="Scraping", ended=served.now)
    served.advance(hours=1)
    served.settle()
    assert served.running() == []
    assert "waits for categories: graffiti (Scraping)" in served.message("DatasetReady")
    served.category("graffiti", stored=100, ended=served.now - timedelta(hours=1))
    served.settle()
    assert served.job().stored == 110


def test_another_curation_makes_a_newer_dataset(served: LearningWorld) -> None:
    served.change(curation={"testPercent": 30})
    served.settle()
    assert served.job().component is DATASET


def test_what_does_not_decide_what_is_learned_makes_nothing(served: LearningWorld) -> None:
    served.change(
        retrain={"minNewPercent": 1}, promotion={"minAccuracyPercent": 1}, training={"nodes": 3}
    )
    served.settle()
    assert served.running() == []


def test_more_pictures_wait_until_the_dataset_before_is_learned(world: LearningWorld) -> None:
    world.settle()
    world.succeed(world.job())
    world.settle()
    training = world.job()
    world.category("graffiti", stored=100)
    world.advance(hours=1)
    world.settle()
    assert world.job() == training
    assert "when this one has been learned" in world.message("DatasetReady")
    world.succeed(training)
    world.settle()
    world.roll()
    world.settle()
    assert world.job().component is DATASET


def test_a_running_dataset_of_other_categories_is_ended_when_a_newer_one_may_begin(
    world: LearningWorld,
) -> None:
    world.settle()
    first = world.job()
    world.category("mural", ready=False, reason="Scraping", stored=0)
    world.settle()
    assert world.job() == first  # it may be done before mural is
    world.category("mural")
    planned = world.look()
    assert planned.dataset is None
    assert planned.delete == (first,)
    assert world.look().dataset is None  # the first one still ends
    world.sweep()
    world.settle()
    assert world.job().stored == 30


def test_a_failed_dataset_is_tried_again_after_a_while_that_doubles(world: LearningWorld) -> None:
    waits = []
    for failures in range(1, 8):
        world.settle()
        assert world.says("DatasetReady") == ("False", "BuildingDataset")
        world.fail(world.job())
        waits.append(world.settle().again_after or 0)
        assert world.says("DatasetReady") == ("False", "DatasetFailed")
        assert world.says("Degraded") == ("True", "DatasetFailed")
        assert world.status.failures == failures
        world.advance(seconds=waits[-1])
    assert waits == [600, 1200, 2400, 4800, 9600, 19200, 21600]
    world.settle()
    assert world.says("Degraded") == ("True", "DatasetFailed")  # until one goes well
    world.succeed(world.job())
    world.settle()
    assert world.status.failures is None
    assert world.says("Degraded") == ("False", "AsExpected")
    assert world.told().count("DatasetFailed") == 7


def test_a_failure_says_why_and_what_to_do(world: LearningWorld) -> None:
    world.settle()
    job = world.job()
    world.fail(job, "the store does not answer")
    world.settle()
    message = world.message("DatasetReady")
    assert message.startswith("the store does not answer; failures in a row: 1; ")
    assert message.endswith(f"kubectl delete --namespace art job/{job.name}")
    del world.jobs[job.name]
    world.settle()
    assert world.job().name == job.name


def test_a_dataset_that_was_refused_is_not_tried_again(world: LearningWorld) -> None:
    world.settle()
    world.refuse(world.job(), "class art: no picture is left")
    planned = world.settle()
    assert planned.again_after is None
    assert world.says("DatasetReady") == ("False", "DatasetFailed")
    assert world.message().startswith("class art: no picture is left; change the spec, or try")
    world.advance(days=30)
    world.settle()
    assert world.running() == []


@pytest.mark.parametrize("what", ["pictures", "spec", "settings", "deleted"])
def test_a_refused_dataset_is_tried_again_when_something_is_new(
    world: LearningWorld, what: str
) -> None:
    world.settle()
    world.refuse(world.job())
    world.settle()
    match what:
        case "pictures":
            world.category("graffiti", stored=11)
        case "spec":
            world.change(curation={"testPercent": 30})
        case "settings":
            world.settings = settings_of(trainer_image="artgrab-trainer:2")
        case "deleted":
            world.jobs.clear()
    world.settle()
    assert world.job().failures == 0


def test_a_dataset_job_whose_pod_said_nothing_is_made_anew(world: LearningWorld) -> None:
    world.settle()
    world.end(world.job(), JobEnd.COMPLETE)
    world.settle()
    assert "its pod vanished" in world.message()
    world.advance(minutes=10)
    world.settle()
    assert world.job().failures == 1


def test_the_status_remembers_what_jobs_made(world: LearningWorld) -> None:
    serve(world)
    world.jobs.clear()
    world.words.clear()
    assert not world.settle().writes
    assert world.jobs == {}


def test_suspended_nothing_is_begun_and_what_runs_is_ended(world: LearningWorld) -> None:
    world.settle()
    world.change(suspend=True)
    world.settle()
    assert world.jobs == {}
    assert world.says() == ("False", "Suspended")
    assert "set it to false" in world.message()
    world.change(suspend=False)
    world.settle()
    assert world.says() == ("False", "BuildingDataset")


def test_suspended_what_is_served_is_served_on(served: LearningWorld) -> None:
    served.change(suspend=True)
    served.category("mural")
    served.advance(hours=1)
    served.settle()
    assert served.says() == ("True", "ModelServed")
    assert served.jobs != {}
    assert served.running() == []


def test_what_the_cluster_refuses_is_told_and_asked_again_later(world: LearningWorld) -> None:
    world.refusal = "exceeded quota"
    world.settle()
    assert world.says() == ("False", "DatasetFailed")
    assert world.message() == "the cluster takes no Job: exceeded quota; it is asked again"
    world.refusal = ""
    world.settle()
    assert world.says() == ("False", "BuildingDataset")


def test_a_pod_that_does_not_start_is_told(world: LearningWorld) -> None:
    world.settle()
    world.start_trouble = "ImagePullBackOff (artgrab-trainer:1)"
    world.settle()
    assert "its pod does not start: ImagePullBackOff" in world.message()


def test_jobs_of_others_are_waited_for_and_never_deleted(world: LearningWorld) -> None:
    job = foreign_job(DATASET)
    world.jobs[job.name] = job
    world.settle()
    world.succeed(world.job())
    world.settle()
    assert world.jobs[job.name] == job
