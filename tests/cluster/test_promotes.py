"""A newer model is served if it is as good, and nobody who asks notices."""

import pytest

from tests.cluster.classifiers import (
    DATASET,
    MODEL,
    TRAINER,
    condition_of,
    model_of,
    reason_of,
    uid_of,
)
from tests.cluster.learned import Learned
from tests.cluster.learning import FIRST, FOURTH, learned_categories, questions
from tests.cluster.operators import end_operator

pytestmark = pytest.mark.xdist_group("learned")


def test_a_worse_model_is_not_promoted(learned: Learned, worse: str) -> None:
    body = learned.classifier.body()
    status = body["status"]
    assert status["model"]["contentSha256"] == worse
    assert status["model"]["served"] == status["serving"]["contentSha256"]
    assert status["model"]["accuracyPermille"] < status["model"]["servedAccuracyPermille"] - 100
    assert status["serving"]["contentSha256"] != worse
    assert model_of(_template(learned)) == status["serving"]["contentSha256"]
    assert reason_of(body, "Ready") == "ModelServed"
    assert "promotion" in condition_of(body, "Trained")["message"]
    assert condition_of(body, "Degraded")["status"] == "False"


def test_people_are_told_once_that_it_is_not(learned: Learned, worse: str) -> None:
    selector = f"--field-selector=reason=NotPromoted,involvedObject.name={learned.classifier.name}"
    (event,) = learned.installed.kubectl.read("events", selector)["items"]
    assert event["type"] == "Warning"
    assert event.get("count") in (1, None)


def test_a_fourth_category_makes_a_model_that_is_promoted_whatever_becomes_of_operators(
    learned: Learned,
) -> None:
    """The operator is killed while the dataset is built, while it trains and while it rolls out."""
    classifier, installed = learned.classifier, learned.installed
    learned.train(**MODEL)
    old = classifier.served
    before = {uid_of(job) for kind in (DATASET, TRAINER) for job in classifier.jobs(kind)}
    with learned.asked() as client:
        installed.kubectl.apply(*learned_categories([FOURTH]))
        made = []
        for kind in (DATASET, TRAINER):
            made.append(classifier.wait_new_job(kind, before))
            end_operator(installed)
        classifier.asked(lambda: model_of(_template(learned)) != old, "another model rolls out")
        end_operator(installed)
        classifier.wait_until(lambda _: classifier.served != old, "another model is served")
        classifier.wait_rolled_out()
        client.wait_more(len(questions(FIRST)))
    assert set(client.count.models) == {old, classifier.served}
    assert classifier.served == classifier.newest
    assert [uid_of(classifier.jobs(kind)[-1]) for kind in (DATASET, TRAINER)] == made


def _template(learned: Learned) -> dict[str, object]:
    template: dict[str, object] = learned.classifier.deployment()["spec"]["template"]
    return template
