"""A model that cannot be served is taken back by itself, and the one before answers on."""

import pytest

from artgrab.model.documents import WEIGHTS
from tests.cluster.classifiers import (
    TRAINER,
    Classifier,
    condition_of,
    has_ended,
    model_of,
    reason_of,
    uid_of,
)
from tests.cluster.installed import APART, Installation
from tests.cluster.learned import Learned
from tests.cluster.learning import FIRST, OTHER, WORSE, questions
from tests.cluster.operators import without_operator

pytestmark = pytest.mark.xdist_group("apart")

MODELS = f"{APART}/models"


def test_a_model_that_was_damaged_in_the_store_is_taken_back(apart: Learned) -> None:
    """It takes the whole time that a roll-out has; an upgrade would have it tried again."""
    with apart.installed.shared.beside("release"):
        _take_back(apart)
    apart.train(**WORSE)
    assert "failedRollout" not in apart.classifier.status()


def _take_back(apart: Learned) -> None:
    classifier, installed = apart.classifier, apart.installed
    old = classifier.served
    with apart.asked() as client:
        with installed.shared.turn("operator"):
            key, good = _train_and_damage(apart)
        classifier.wait_reason("Degraded", "RolloutFailed")
        classifier.wait_deployment(
            lambda template: model_of(template) == old, "the model before is to be served again"
        )
        client.wait_more(len(questions(FIRST)))
    installed.store.put(key, good)
    assert set(client.count.models) == {old}
    body = classifier.body()
    status = body["status"]
    assert status["failedRollout"]["contentSha256"] == status["model"]["contentSha256"] != old
    assert status["serving"]["contentSha256"] == old
    assert reason_of(body, "Ready") == "ModelServed"
    assert condition_of(body, "Serving")["status"] == "True"


def _train_and_damage(apart: Learned) -> tuple[str, bytes]:
    """Have another model trained and damaged before the operator knows; return what it was."""
    classifier, installed = apart.classifier, apart.installed
    known = set(installed.store.folders(MODELS))
    before = {uid_of(job) for job in classifier.jobs(TRAINER)}
    apart.want(**OTHER)
    job = classifier.wait_new_job(TRAINER, before)
    with without_operator(installed):
        _wait_ended(classifier, job)
        (new,) = set(installed.store.folders(MODELS)) - known
        key = f"{MODELS}/{new}/{WEIGHTS}"
        return key, _damage(installed, key)


def _wait_ended(classifier: Classifier, job: str) -> None:
    def ended() -> bool:
        found = [one for one in classifier.jobs(TRAINER) if uid_of(one) == job]
        return any(map(has_ended, found))

    assert not ended(), "it was trained while the operator still looked"
    classifier.asked(ended, "it is trained")


def _damage(installed: Installation, key: str) -> bytes:
    """Change the last byte of an object, and return what it was."""
    good = installed.store.get(key)
    installed.store.put(key, good[:-1] + bytes([good[-1] ^ 1]))
    return good
