"""Several nodes train together, one of them is lost, and the model is the one of a single node."""

from collections.abc import Iterator

import pytest

from tests.cluster.classifiers import (
    TRAINER,
    Classifier,
    classifier,
    has_ended,
    reason_of,
    uid_of,
)
from tests.cluster.installed import APART, Installation
from tests.cluster.learned import Learned
from tests.cluster.learning import WORSE

pytestmark = pytest.mark.xdist_group("apart")

NODES = 2
NAME = "two-nodes"
FEATURES = f"{APART}/features"


@pytest.fixture
def twin(apart: Learned) -> Iterator[Classifier]:
    """A classifier of the same categories that promotes nothing; it goes in the end."""
    found = Classifier(apart.classifier.kubectl, NAME)
    yield found
    found.kubectl("delete", "artclassifier", NAME, "--ignore-not-found", "--timeout=60s")


def test_two_nodes_of_which_one_is_lost_learn_what_one_node_does(
    apart: Learned, twin: Classifier
) -> None:
    installed, one = apart.installed, apart.classifier.newest
    _forget(installed, apart.classifier)
    twin.kubectl.apply(
        classifier(
            NAME,
            model=WORSE,
            training={"nodes": NODES},
            promotion={"minAccuracyPercent": 100},
        )
    )
    job = twin.wait_new_job(TRAINER, set())
    twin.asked(
        lambda: any(installed.store.list(FEATURES)), "some features are in the store", pause=0.1
    )
    _lose_node(twin, job)
    assert not has_ended(_job(twin, job))
    twin.wait("Trained")
    assert twin.newest == one
    assert has_ended(_job(twin, job))
    assert reason_of(twin.body(), "Ready") == "NotPromoted"


def _forget(installed: Installation, classifier: Classifier) -> None:
    """Remove the model and what was computed for it, so that it has to be trained anew."""
    key, store = classifier.status()["model"]["key"], installed.store
    prefixes = (f"{APART}/models/{key}", FEATURES)
    store.delete([info.key for prefix in prefixes for info in store.list(prefix)])


def _lose_node(twin: Classifier, job: str) -> None:
    """Kill the pod of the second node."""
    labels = {
        "batch.kubernetes.io/controller-uid": job,
        "batch.kubernetes.io/job-completion-index": str(NODES - 1),
    }
    selector = ",".join(f"{name}={value}" for name, value in labels.items())
    twin.kubectl("delete", "pod", f"--selector={selector}", "--grace-period=0", "--force")


def _job(twin: Classifier, uid: str) -> dict[str, object]:
    (found,) = (one for one in twin.jobs(TRAINER) if uid_of(one) == uid)
    return dict(found)
