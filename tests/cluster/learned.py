"""The classifiers that tests of models share, through two stories: each asks for what it needs.

One is what the chart makes by itself. In the order of the files: `test_learns` sees its first
model, `test_mends` how what serves it is killed, `test_promotes` other models, `test_rolls_out` how
they come and go. The other one stands apart, so that the slow `test_nodes` and `test_takes_back`
go on beside them.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import pytest

from artgrab.client import Retries
from tests.cluster.classifiers import Classifier, classifier
from tests.cluster.installed import APART, Installation
from tests.cluster.learning import (
    DEFAULT,
    FIRST,
    WORSE,
    apart_categories,
    category_name,
    learned_categories,
    questions,
)
from tests.cluster.predictions import Asking, Count, Golden, asking

UPGRADED = "tests.artgrab.dev/upgraded"
"""Annotation of serving pods since the upgrade."""


@dataclass(frozen=True)
class Learned:
    """The classifier after its first model, and all that was ever answered for it."""

    installed: Installation
    classifier: Classifier
    golden: Golden = field(default_factory=Golden)

    def asked(self, retries: Retries | None = None) -> AbstractContextManager[Asking]:
        """Ask it for predictions from outside of the cluster as long as the context lasts."""
        endpoint = self.classifier.endpoint()
        return asking(endpoint, questions(FIRST), self.golden, retries=retries)

    def want(self, **model: Any) -> None:
        """Want the model of another spec.model, of which nothing of this one is left."""
        every: dict[str, Any] = {"imageSize": None, "weights": None}
        self.classifier.patch(model=every | model)

    def train(self, **model: Any) -> None:
        """Return when the model of another spec.model is there, served or not."""
        self.want(**model)
        self.classifier.wait("Trained")

    def serve_by(self, runtime: str) -> None:
        """Return when all pods serve by TorchServe or Native."""
        self.classifier.patch(serving={"runtime": runtime})
        self.classifier.wait_deployment(
            lambda template: runtime.lower() in template["spec"]["containers"][0]["args"],
            f"it is to be served by {runtime}",
        )


@pytest.fixture(scope="session")
def learned(installed: Installation) -> Learned:
    """The default classifier, learned from three categories that are scraped for it."""
    found = Classifier(installed.kubectl, DEFAULT)
    found.wait_reason("Ready", "NoCategories")
    installed.kubectl.apply(*learned_categories(FIRST))
    installed.wait_ready(*map(category_name, FIRST))
    for step in ("DatasetReady", "Trained", "Ready"):
        found.wait(step)
    return Learned(installed, found)


@pytest.fixture(scope="session")
def apart(installed: Installation) -> Learned:
    """A classifier in a namespace of its own, whose model was trained on one node."""
    found = Classifier(installed.inside(APART), "apart")
    spec = classifier(
        found.name,
        model=WORSE,
        promotion={"maxRegressionPermille": 1000},  # of a test split of a dozen pictures
        serving={"runtime": "Native", "maxReplicas": 1},
    )
    found.kubectl.apply(*apart_categories(), spec)
    found.wait("Ready")
    return Learned(installed, found)


@pytest.fixture(scope="session")
def worse(learned: Learned) -> str:
    """Digest of its second model, which is not promoted."""
    learned.train(**WORSE)
    return learned.classifier.newest


@pytest.fixture(scope="session")
def upgraded(learned: Learned) -> Count:
    """What a client was answered while the release was upgraded, which replaced all pods."""
    learned.serve_by("Native")
    changes = {"podAnnotations": {UPGRADED: "true"}}
    with learned.asked() as client:
        learned.installed.upgrade(serving=changes)
        learned.classifier.wait_deployment(
            lambda template: UPGRADED in template["metadata"]["annotations"],
            "its pods are as the upgraded release wants them",
        )
        client.wait_more(len(questions(FIRST)))
    return client.count
