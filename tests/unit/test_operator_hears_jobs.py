"""A Job that ends while the operator asks the pods of Jobs is heard before it is judged."""

import json
from datetime import timedelta

from artgrab.operator import names
from tests.support.learning_stage import LearningStage
from tests.support.learning_world import dataset_word
from tests.support.operator_stage import Stage


def test_a_dataset_that_is_ready_while_its_pod_is_asked_is_taken() -> None:
    stage = LearningStage()
    stage.apply()
    stage.world.now += timedelta(minutes=2)

    def end() -> None:
        stage.end(dataset_word())
        stage.operator.watch()

    stage.world.meanwhile = end
    stage.look()
    told = [one["reason"] for one in stage.world.events]
    assert "DatasetBuilt" in told
    assert "DatasetFailed" not in told


def test_a_scrape_that_ends_while_its_pod_is_asked_is_taken() -> None:
    stage = Stage()
    stage.apply()
    stage.world.now += timedelta(minutes=2)

    def end() -> None:
        ((where, body),) = stage.world.jobs.items()
        run = body["metadata"]["annotations"][names.ANNOTATION_RUN]
        counts = {"candidates": 10, "stored": 10, "rejected": 0, "failed": 0}
        word = {"schema_version": 1, "run_id": run, "reason": "TargetReached", "counts": counts}
        stage.world.end_job(where, "Complete", "CompletionsReached", json.dumps(word))
        stage.operator.watch()

    stage.world.meanwhile = end
    stage.look()
    assert stage.says() == ("True", "TargetReached")
    assert "ScrapeFailed" not in stage.events()
