"""The objects of a test, as they are applied."""

from typing import Any

from artgrab.common.resources import API_VERSION
from artgrab.release_test.settings import ReleaseTestSettings, TestCategory

Manifest = dict[str, Any]

LABEL = "artgrab.dev/release-test"
"""On all that a test makes; of a category its value is the class, which nothing else selects."""
_DELETE = {"deletionPolicy": "Delete"}


def category_document(category: TestCategory, settings: ReleaseTestSettings) -> Manifest:
    """Return an ArtCategory; what is stored of it goes with it unless its spec says otherwise."""
    return {
        "apiVersion": API_VERSION,
        "kind": "ArtCategory",
        "metadata": _metadata(category.name, category.label, settings),
        "spec": _DELETE | category.spec,
    }


def classifier_document(settings: ReleaseTestSettings) -> Manifest:
    """Return the ArtClassifier that learns the classes of the categories."""
    classes = [
        {"label": label, "categorySelector": {"matchLabels": {LABEL: label}}}
        for label in settings.labels
    ]
    return {
        "apiVersion": API_VERSION,
        "kind": "ArtClassifier",
        "metadata": _metadata(settings.name, "classifier", settings),
        "spec": settings.classifier | {"classes": classes},
    }


def documents(settings: ReleaseTestSettings) -> list[Manifest]:
    """Return all objects in the order in which they are made."""
    made = [category_document(one, settings) for one in settings.categories]
    return [*made, classifier_document(settings)]


def is_of_a_test(body: Manifest) -> bool:
    """Tell whether an object was made by a test."""
    return LABEL in (body["metadata"].get("labels") or {})


def _metadata(name: str, label: str, settings: ReleaseTestSettings) -> Manifest:
    owner = {
        "apiVersion": "v1",
        "kind": "Pod",
        "name": settings.pod_name,
        "uid": settings.pod_uid,
        "controller": False,
        "blockOwnerDeletion": False,
    }
    return {
        "name": name,
        "namespace": settings.namespace,
        "labels": {LABEL: label},
        **({"ownerReferences": [owner]} if settings.pod_uid else {}),
    }
