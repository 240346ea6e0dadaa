"""A release's test of itself: what it makes, what it waits for, what it says, what it leaves."""

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import cv2
import numpy as np
import pytest
import yaml
from pydantic import ValidationError

from artgrab.client import ModelDescription, Prediction
from artgrab.common.errors import BadInputError, SurroundingsError
from artgrab.common.resources import ArtCategory, ArtClassifier
from artgrab.release_test import progress
from artgrab.release_test.asking import Answer, Ask
from artgrab.release_test.documents import LABEL, documents
from artgrab.release_test.pictures import example_png
from artgrab.release_test.settings import ReleaseTestSettings
from artgrab.release_test.trial import Surroundings, run_trial
from tests.chart.rendering import CHART

Body = dict[str, Any]

SHA256 = "ab" * 32
ENDPOINT = "artgrab-test-serving.artgrab.svc:8500"


def _values() -> Any:
    return yaml.safe_load((CHART / "values.yaml").read_text())["tests"]


def _settings(**given: Any) -> ReleaseTestSettings:
    values = _values()
    chosen: dict[str, Any] = {
        "namespace": "artgrab",
        "categories": values["categories"],
        "classifier": values["classifier"],
        "deadline_seconds": 100,
        "removal_seconds": 50,
        "poll_seconds": 1,
        "pod_name": "artgrab-test",
        "pod_uid": "1234",
    }
    return ReleaseTestSettings(**chosen | given)


def _condition(status: str, reason: str, message: str = "", *, kind: str = "Ready") -> Body:
    return {"type": kind, "status": status, "reason": reason, "message": message}


SERVED = {
    "conditions": [_condition("True", "ModelServed", "a model answers")],
    "serving": {"endpoint": ENDPOINT, "contentSha256": SHA256},
}


class PlayedCluster:
    """Objects in memory; with each sleep a second passes, and `happens` may change them."""

    def __init__(self, happens: Mapping[int, Callable[["PlayedCluster"], object]]) -> None:
        self.held: dict[str, Body] = {}
        self.lingering: set[str] = set()
        """Titles of what is deleted and does not go."""
        self.now = 0
        self._happens = happens

    def get(self, document: Body) -> Body | None:
        return self.held.get(progress.title_of(document))

    def create(self, document: Body) -> None:
        assert progress.title_of(document) not in self.held
        self.held[progress.title_of(document)] = copy.deepcopy(document)

    def delete(self, document: Body) -> None:
        if progress.title_of(document) not in self.lingering:
            self.held.pop(progress.title_of(document), None)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += 1
        self._happens.get(self.now, lambda _: None)(self)

    def says(self, title: str, status: Body) -> None:
        self.held[title]["status"] = status


def _ready(cluster: PlayedCluster) -> None:
    cluster.says("artclassifier/artgrab-test", SERVED)


def _answers(**changes: Any) -> Ask:
    said: Body = {"labels": ("art", "not-art"), "model_sha256": SHA256, "label": "art", "error": ""}
    said |= changes
    description = ModelDescription(
        model_sha256=said["model_sha256"],
        backbone="b",
        labels=said["labels"],
        max_pictures=1,
        image_size=224,
    )
    prediction = Prediction(
        label=said["label"],
        probability=0.75,
        classes={"art": 0.75, "not-art": 0.25},
        error=said["error"],
        model_sha256=said["model_sha256"],
    )
    return lambda endpoint: Answer(description, prediction)


def _run(
    cluster: PlayedCluster, *, settings: ReleaseTestSettings | None = None, ask: Ask | None = None
) -> list[str]:
    """Run a test, and return what it tells."""
    told: list[str] = []
    world = Surroundings(
        objects=cluster,
        ask=ask or _answers(),
        tell=told.append,
        clock=cluster.clock,
        sleep=cluster.sleep,
    )
    run_trial(settings or _settings(), world)
    return told


def test_a_classifier_that_answers_passes_and_nothing_is_left() -> None:
    cluster = PlayedCluster({3: _ready})
    told = _run(cluster)
    assert cluster.held == {}
    assert told[-1] == f"{ENDPOINT} says art (75%), as model {SHA256[:12]}"
    assert "artclassifier/artgrab-test: ModelServed: a model answers" in told
    assert told.count("artcategory/artgrab-test-birds: nobody has looked at it yet") == 1


def test_what_is_made_are_documents_of_ours_that_the_default_classifier_passes_over() -> None:
    made = documents(_settings())
    for document in made:
        document["metadata"].pop("ownerReferences")
        kind: Any = {"ArtCategory": ArtCategory, "ArtClassifier": ArtClassifier}[document["kind"]]
        kind.model_validate(document)
        assert LABEL in document["metadata"]["labels"]
    *categories, classifier = made
    selectors = ArtClassifier.model_validate(classifier).spec.classes
    for category in categories:
        labels = category["metadata"]["labels"]
        assert "artgrab.dev/set" not in labels
        assert sum(one.category_selector.matches(labels) for one in selectors) == 1
        assert category["spec"]["deletionPolicy"] == "Delete"


def test_what_is_made_goes_with_the_pod_that_made_it() -> None:
    for document in documents(_settings()):
        (owner,) = document["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["name"], owner["uid"]) == ("Pod", "artgrab-test", "1234")
        assert owner["blockOwnerDeletion"] is False
    assert "ownerReferences" not in documents(_settings(pod_uid=""))[0]["metadata"]


def test_a_test_that_fails_says_all_conditions_and_removes_what_it_made() -> None:
    def fails(cluster: PlayedCluster) -> None:
        failed = _condition("False", "SourcesFailed", "commons: HTTP 403; see its robots.txt")
        healthy = _condition("False", "Blocked", "all requests", kind="SourceHealthy")
        cluster.says("artcategory/artgrab-test-birds", {"conditions": [failed, healthy]})

    cluster = PlayedCluster({2: fails})
    with pytest.raises(SurroundingsError) as caught:
        _run(cluster)
    text = str(caught.value)
    assert "artcategory/artgrab-test-birds will not become ready" in text
    assert "  Ready=False SourcesFailed: commons: HTTP 403; see its robots.txt" in text
    assert "  SourceHealthy=False Blocked: all requests" in text
    assert "artclassifier/artgrab-test: nobody has looked at it; see the operator" in text
    assert cluster.held == {}


def test_a_condition_of_an_older_spec_says_nothing() -> None:
    body = {"metadata": {"name": "x", "generation": 2}, "kind": "ArtCategory"}
    old = _condition("True", "TargetReached") | {"observedGeneration": 1}
    assert not progress.is_ready(body | {"status": {"conditions": [old]}})
    assert progress.is_ready(body | {"status": {"conditions": [old | {"observedGeneration": 2}]}})


def test_waiting_ends_at_the_deadline() -> None:
    cluster = PlayedCluster({})
    with pytest.raises(SurroundingsError, match=r"not ready after 100 s \(tests.deadlineSeconds\)"):
        _run(cluster)
    assert cluster.now == 100
    assert cluster.held == {}


def test_an_object_that_somebody_deletes_ends_the_test() -> None:
    cluster = PlayedCluster({2: lambda one: one.held.pop("artcategory/artgrab-test-birds")})
    with pytest.raises(SurroundingsError, match="somebody has deleted"):
        _run(cluster)


def test_what_a_killed_test_has_left_is_removed_first() -> None:
    cluster = PlayedCluster({3: _ready})
    cluster.create(documents(_settings())[0])
    assert "removing what a former test has left" in _run(cluster)
    assert cluster.held == {}


def test_an_object_of_somebody_is_left_alone() -> None:
    cluster = PlayedCluster({})
    theirs = documents(_settings())[1]
    theirs["metadata"]["labels"] = {}
    cluster.create(theirs)
    with pytest.raises(BadInputError, match="exists and was not made by a test"):
        _run(cluster)
    assert list(cluster.held) == ["artcategory/artgrab-test-birds"]


def test_what_does_not_go_is_named() -> None:
    cluster = PlayedCluster({3: _ready})
    cluster.lingering = {"artcategory/artgrab-test-birds"}
    with pytest.raises(SurroundingsError, match="still there after 50 s: artcategory/artgrab-test"):
        _run(cluster)


def test_a_failure_is_told_even_when_removing_fails_too() -> None:
    cluster = PlayedCluster({})
    cluster.lingering = {"artcategory/artgrab-test-birds"}
    with pytest.raises(SurroundingsError, match="not ready after"):
        _run(cluster)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"model_sha256": "cd" * 32}, "as model cdcdcdcdcdcd, while status.serving names abababab"),
        ({"labels": ("art", "cats")}, "knows the labels"),
        ({"label": "cats"}, "knows the labels"),
        ({"error": "no picture"}, "not to a picture: no picture"),
    ],
)
def test_a_wrong_answer_fails(changes: Body, told: str) -> None:
    with pytest.raises(SurroundingsError, match=told):
        _run(PlayedCluster({1: _ready}), ask=_answers(**changes))


def test_the_picture_is_a_png_that_opencv_reads() -> None:
    decoded = cv2.imdecode(np.frombuffer(example_png(32), np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    assert decoded.shape == (32, 32, 3)
    assert tuple(decoded[31, 0]) == (128, 255, 0)


@pytest.mark.parametrize(
    "categories",
    [
        [],
        [{"name": "a", "class": "x", "spec": {}}, {"name": "b", "class": "x", "spec": {}}],
        [{"name": "a", "class": "x", "spec": {}}, {"name": "a", "class": "y", "spec": {}}],
    ],
)
def test_settings_without_two_classes_are_refused(categories: Sequence[Body]) -> None:
    with pytest.raises(ValidationError):
        _settings(categories=list(categories))
