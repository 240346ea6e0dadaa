"""Pods of a model come and go while a client asks without pause, and it misses no answer.

With the promotion in `test_promotes` and the second installation in `test_uninstalls` these are
five roll-outs, beside that of a damaged model in `test_takes_back`, on another classifier.
"""

import pytest

from tests.cluster.learned import Learned
from tests.cluster.learning import FIRST, questions
from tests.cluster.predictions import Count

pytestmark = pytest.mark.xdist_group("learned")


def test_another_runtime_gives_the_same_answers_and_loses_none(learned: Learned) -> None:
    learned.serve_by("TorchServe")
    with learned.asked() as client:
        learned.serve_by("Native")
        client.wait_more(len(questions(FIRST)))
    assert set(client.count.models) == {learned.classifier.served}


def test_a_restart_loses_no_answer(learned: Learned) -> None:
    learned.serve_by("Native")
    deployment = f"deployment/{learned.classifier.serving}"
    with learned.asked() as client:
        learned.installed.kubectl("rollout", "restart", deployment)
        learned.classifier.wait_rolled_out()
        client.wait_more(len(questions(FIRST)))
    assert set(client.count.models) == {learned.classifier.served}


def test_an_upgrade_of_the_release_loses_no_answer(learned: Learned, upgraded: Count) -> None:
    assert set(upgraded.models) == {learned.classifier.served}
    assert upgraded.answered > len(questions(FIRST))
