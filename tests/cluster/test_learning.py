"""What tests on a cluster learn is as artgrab takes it, and the release is told of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from artgrab.common.documents import load_documents
from tests.cluster.classifiers import classifier
from tests.cluster.learning import (
    DEFAULT,
    FIRST,
    FOURTH,
    OTHER,
    WORSE,
    apart_categories,
    learned_categories,
    learning,
    questions,
)
from tests.cluster.releases import changed


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"model": WORSE, "training": {"nodes": 2}},
        {"model": OTHER, "serving": {"runtime": "Native"}},
    ],
)
def test_categories_and_classifiers_are_valid(tmp_path: Path, spec: Mapping[str, Any]) -> None:
    categories = [*learned_categories([*FIRST, FOURTH]), *apart_categories()]
    documents = [*categories, classifier(DEFAULT, **spec)]
    file = tmp_path / "documents.yaml"
    file.write_text(yaml.safe_dump_all(documents))
    assert len(load_documents([file]).categories) == len(categories)


def test_no_category_collects_what_is_asked_about() -> None:
    asked = questions([*FIRST, FOURTH])
    assert len({one.name for one in asked}) == len(asked) == 6 * (len(FIRST) + 1)
    assert {one.label for one in asked} == {"art", "not-art"}


def test_the_classifier_of_the_release_is_in_the_namespace_of_the_categories() -> None:
    chosen = learning("pictures", "others")
    assert chosen["classifiers"]["namespaces"] == ["pictures", "others"]
    assert chosen["defaultClassifier"]["namespaces"] == ["pictures"]
    assert {one["class"] for one in chosen["tests"]["categories"]} == {"art", "not-art"}


def test_changed_values_keep_what_is_beside_them() -> None:
    values = {"a": {"b": {"c": 1, "d": [1, 2]}, "e": 2}, "f": 3}
    assert changed(values, a={"b": {"d": [3]}}, g=4) == {
        "a": {"b": {"c": 1, "d": [3]}, "e": 2},
        "f": 3,
        "g": 4,
    }
    assert values["a"] == {"b": {"c": 1, "d": [1, 2]}, "e": 2}
