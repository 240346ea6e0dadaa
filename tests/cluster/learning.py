"""What tests on a cluster learn: small categories, models of some seconds, and their values."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from tests.cluster.categories import category, gallery_source
from tests.cluster.classifiers import ART, EVERYDAY, LABELS, SET, classifier_spec
from tests.cluster.predictions import Question
from tests.cluster.worlds import shown
from tests.world.cache import cache_root
from tests.world.catalogue import Catalogue, Picture
from tests.world.hosts import Gallery, plan_hosts
from tests.world.pictures import catalogue

DEFAULT = "art-or-not"
"""The classifier that the chart makes."""
FIRST = ("word-drawings", "costumes", "landscape")
"""Categories of its first model."""
FOURTH = "clipart"
_SETS = {"landscape": EVERYDAY, "energy": EVERYDAY}
"""All others are art."""
_LIMIT = 40
"""Pictures that a gallery shows of a category."""
_UNSEEN = 4
"""Pictures that it would show next."""

WORSE = {"imageSize": 64, "weights": "none"}
"""Of the first categories it tells 60 % of the test split right, where others tell all."""
OTHER = {"imageSize": 64}
"""Another model than that of classifier_spec, and as good."""

PROGRESS_SECONDS = 100
"""Until a roll-out has failed: time for TorchServe on a busy machine."""

_APART = ("cartoon-stamps", "energy")
"""Categories of a classifier in another namespace."""
_TRIED = {"costumes": "art", "backgrounds": "not-art"}
"""Categories of `helm test`, and their class."""
_FEW = 24
"""Pictures of each of these."""
_TRIAL_SECONDS = 300


def learning(namespace: str, *more: str) -> dict[str, Any]:
    """Return values of the chart by which models are trained and served in these namespaces.

    The chart makes a classifier in the first one, in which `helm test` works as well.

    Requests are small: all has to fit on two cores beside the cluster itself.
    """
    return {
        "classifiers": {"namespaces": [namespace, *more]},
        "defaultClassifier": {
            "name": DEFAULT,
            "namespaces": [namespace],
            "spec": classifier_spec(),
        },
        "trainer": {
            "resources": _requests("100m", "512Mi"),
            "dataset": {"resources": _requests("50m", "256Mi")},
        },
        "serving": {
            "resources": _requests("100m", "512Mi"),
            "service": {"type": "NodePort"},
            "progressDeadlineSeconds": PROGRESS_SECONDS,
        },
        "tests": _trial(namespace),
    }


def _requests(cpu: str, memory: str) -> dict[str, Any]:
    return {"requests": {"cpu": cpu, "memory": memory}}


def _trial(namespace: str) -> dict[str, Any]:
    return {
        "namespace": namespace,
        "deadlineSeconds": _TRIAL_SECONDS,
        "categories": [
            {"name": f"tried-{name}", "class": label, "spec": _spec(name, limit=_FEW)}
            for name, label in _TRIED.items()
        ],
        "classifier": {"model": OTHER, "serving": {"runtime": "Native", "maxReplicas": 1}},
    }


def _spec(name: str, *, limit: int) -> Mapping[str, Any]:
    source = gallery_source(_gallery(name), words=f"all&limit={limit}")
    spec: Mapping[str, Any] = category(name, source)["spec"]
    return spec


def learned_categories(names: Iterable[str]) -> list[dict[str, Any]]:
    """Return categories that the default classifier learns from."""
    return [_learned_category(name) for name in names]


def apart_categories() -> list[dict[str, Any]]:
    """Return categories that the classifier in another namespace learns from."""
    return [_learned_category(name, limit=_FEW) for name in _APART]


def _learned_category(name: str, *, limit: int = _LIMIT) -> dict[str, Any]:
    document = category(name, gallery_source(_gallery(name), words=f"all&limit={limit}"))
    document["metadata"] = {"name": category_name(name), "labels": {SET: _set_of(name)}}
    return document


def category_name(name: str) -> str:
    return f"learned-{name}"


def _set_of(name: str) -> str:
    return _SETS.get(name, ART)


def questions(names: Iterable[str]) -> Sequence[Question]:
    """Return pictures that no classifier has seen: held out, and next in the galleries."""
    found = _catalogue()
    return [
        Question(f"{name}/{one.name}", found.path(one).read_bytes(), LABELS[_set_of(name)])
        for name in names
        for one in _unseen(found, name)
    ]


def _unseen(found: Catalogue, name: str) -> list[Picture]:
    more = shown(_gallery(name))[_LIMIT : _LIMIT + _UNSEEN]
    return [*found.held_out[name], *(one.picture for one in more)]


def _gallery(name: str) -> Gallery:
    return plan_hosts(_catalogue()).galleries[f"www.{name}.test"]


@cache
def _catalogue() -> Catalogue:
    return catalogue(cache_root())
