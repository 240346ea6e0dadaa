"""The classifier that tests of models share, through one story: each asks for what it needs of it.

It is the one that the chart makes by itself. In the order of the files: `test_learns` sees its
first model, `test_mends` how what serves it is killed, `test_nodes` and `test_promotes` other
models, `test_rolls_out` and `test_takes_back` how they come and go.
"""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import pytest

from artgrab.client import Retries
from tests.cluster.classifiers import Classifier
from tests.cluster.installed import PICTURES, Installation
from tests.cluster.learning import (
    DEFAULT,
    FIRST,
    SHORT_PROGRESS_SECONDS,
    WORSE,
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

    def train(self, **model: Any) -> None:
        """Return when the model of another spec.model is there, served or not."""
        every: dict[str, Any] = {"imageSize": None, "weights": None}
        self.classifier.patch(model=every | model)
        self.classifier.wait("Trained")

    def serve_by(self, runtime: str) -> None:
        """Return when all pods serve by TorchServe or Native."""
        self.classifier.patch(serving={"runtime": runtime})
        self.classifier.wait_deployment(
            lambda template: runtime.lower() in template["spec"]["containers"][0]["args"],
            f"it is to be served by {runtime}",
        )


@dataclass(frozen=True)
class Worse:
    """A model that is not promoted."""

    key: str
    content_sha256: str
    features: frozenset[str]
    """Folders of features in the store that were computed for it."""


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
def worse(learned: Learned) -> Worse:
    """Its second model, trained on one node from the same pictures."""
    before = features_of(learned.installed)
    learned.train(**WORSE)
    status = learned.classifier.status()["model"]
    features = features_of(learned.installed) - before
    return Worse(status["key"], status["contentSha256"], features)


@pytest.fixture(scope="session")
def upgraded(learned: Learned) -> Count:
    """What a client was answered while the release was upgraded, which replaced all pods."""
    learned.serve_by("Native")
    changes = {
        "podAnnotations": {UPGRADED: "true"},
        "progressDeadlineSeconds": SHORT_PROGRESS_SECONDS,
    }
    with learned.asked() as client:
        learned.installed.upgrade(serving=changes)
        learned.classifier.wait_deployment(
            lambda template: UPGRADED in template["metadata"]["annotations"],
            "its pods are as the upgraded release wants them",
        )
        client.wait_more(len(questions(FIRST)))
    return client.count


@pytest.fixture(scope="session")
def trial(installed: Installation) -> Iterator[Future[str]]:
    """`helm test`, begun: it waits more than it works, and other tests may do so meanwhile."""
    with ThreadPoolExecutor(1, "helm-test") as pool:
        yield pool.submit(installed.release.test)


def features_of(installed: Installation) -> frozenset[str]:
    """Return the folders of the features that the store has."""
    return frozenset(installed.store.folders(f"{PICTURES}/features"))
