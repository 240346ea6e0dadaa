"""A model that cannot be served is taken back by itself, and the one before answers on."""

from concurrent.futures import Future

import pytest

from artgrab.model.documents import WEIGHTS
from tests.cluster.classifiers import (
    MODEL,
    TRAINER,
    condition_of,
    has_ended,
    model_of,
    reason_of,
    uid_of,
)
from tests.cluster.installed import PICTURES, Installation
from tests.cluster.learned import Learned
from tests.cluster.learning import FIRST, OTHER, questions
from tests.cluster.operators import without_operator
from tests.cluster.predictions import Count

pytestmark = pytest.mark.xdist_group("learned")

MODELS = f"{PICTURES}/models"


def test_a_model_that_was_damaged_in_the_store_is_taken_back(
    learned: Learned, upgraded: Count, trial: Future[str]
) -> None:
    """It takes the whole time that a roll-out has; `helm test` does its work meanwhile."""
    classifier, installed = learned.classifier, learned.installed
    old, known = classifier.served, set(installed.store.folders(MODELS))
    before = {uid_of(job) for job in classifier.jobs(TRAINER)}
    with learned.asked() as client:
        classifier.patch(model=OTHER)
        job = classifier.wait_new_job(TRAINER, before)
        with without_operator(installed):
            _wait_ended(learned, job)
            (new,) = set(installed.store.folders(MODELS)) - known
            good = _damage(installed, f"{MODELS}/{new}/{WEIGHTS}")
        classifier.wait_reason("Degraded", "RolloutFailed")
        classifier.wait_deployment(
            lambda template: model_of(template) == old, "the model before is to be served again"
        )
        client.wait_more(len(questions(FIRST)))
    installed.store.put(f"{MODELS}/{new}/{WEIGHTS}", good)
    assert set(client.count.models) == {old}
    body = classifier.body()
    status = body["status"]
    assert status["failedRollout"]["contentSha256"] == status["model"]["contentSha256"] != old
    assert status["serving"]["contentSha256"] == old
    assert reason_of(body, "Ready") == "ModelServed"
    assert condition_of(body, "Serving")["status"] == "True"
    learned.train(**MODEL)  # else other manifests would have it tried again
    assert "failedRollout" not in classifier.status()


def _wait_ended(learned: Learned, job: str) -> None:
    def ended() -> bool:
        found = [one for one in learned.classifier.jobs(TRAINER) if uid_of(one) == job]
        return any(map(has_ended, found))

    assert not ended(), "it was trained while the operator still looked"
    learned.classifier.asked(ended, "it is trained")


def _damage(installed: Installation, key: str) -> bytes:
    """Change the last byte of an object, and return what it was."""
    good = installed.store.get(key)
    installed.store.put(key, good[:-1] + bytes([good[-1] ^ 1]))
    return good
