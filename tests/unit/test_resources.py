"""The documents' own rules: unions, selectors, labels, limits."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from artgrab.common.learning import Serving
from artgrab.common.resources import (
    API_VERSION,
    ArtCategory,
    ArtClassifier,
    ArtClassifierSpec,
    Curation,
    Metadata,
    Source,
)
from artgrab.common.selectors import LabelSelector

SELECTORS = {"item": "li", "image": "img::attr(src)"}
GALLERY = {"gallery": {"url": "http://www.a.test/", "selectors": SELECTORS}}
WIKI = {"mediawiki": {"url": "https://commons.wikimedia.org/w/api.php"}}


def category(**spec: Any) -> ArtCategory:
    document = {
        "apiVersion": API_VERSION,
        "kind": "ArtCategory",
        "metadata": {"name": "abstract-expressionism"},
        "spec": {"sources": [WIKI], **spec},
    }
    return ArtCategory.model_validate(document)


def classifier(*classes: tuple[str, dict[str, str]]) -> ArtClassifier:
    document = {
        "apiVersion": API_VERSION,
        "kind": "ArtClassifier",
        "metadata": {"name": "art-or-not"},
        "spec": {
            "classes": [
                {"label": label, "categorySelector": {"matchLabels": labels}}
                for label, labels in classes
            ]
        },
    }
    return ArtClassifier.model_validate(document)


def selector(key: str, operator: str, *values: str) -> LabelSelector:
    expression: dict[str, Any] = {"key": key, "operator": operator}
    if values:
        expression["values"] = list(values)
    return LabelSelector.model_validate({"matchExpressions": [expression]})


def test_a_category_without_queries_is_searched_by_its_name() -> None:
    assert category().queries == ["abstract expressionism"]
    assert category(queries=["Абстракция"]).queries == ["Абстракция"]


@pytest.mark.parametrize("kind", ["gallery", "mediawiki"])
def test_a_source_knows_its_kind(kind: str) -> None:
    assert Source.model_validate({kind: (GALLERY | WIKI)[kind]}).kind == kind


@pytest.mark.parametrize("source", [{}, {**GALLERY, **WIKI}, {"gallery": None}])
def test_a_source_is_exactly_one_thing(source: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="set exactly one of: gallery, mediawiki"):
        Source.model_validate(source)


@pytest.mark.parametrize(
    "name", ["", "A", "a_b", "-a", "a-", "a.b", "a" * 41, "a\n", "ä", "../a", "a/b"]
)
def test_a_name_that_is_no_dns_label_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        Metadata.model_validate({"name": name})


@given(name=st.from_regex(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?", fullmatch=True))
def test_a_dns_label_is_a_name(name: str) -> None:
    assert Metadata.model_validate({"name": name}).name == name


@pytest.mark.parametrize(
    "url", ["ftp://a.test/", "//a.test", "http://", "http:///x", "javascript:x", "http://a b"]
)
def test_a_source_of_another_scheme_or_without_host_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        Source.model_validate({"mediawiki": {"url": url}})


def test_documents_do_not_change_once_read() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        category().spec.target_images = 3  # type: ignore[misc]  # that it is refused is the test


@pytest.mark.parametrize("spec", [{"sources": []}, {"targetImages": 0}, {"more": 1}])
def test_a_spec_out_of_its_limits_is_refused(spec: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        category(**spec)


@pytest.mark.parametrize(
    ("operator", "values", "labels", "expected"),
    [
        ("In", ["a", "b"], {"set": "a"}, True),
        ("In", ["a", "b"], {"set": "c"}, False),
        ("In", ["a"], {}, False),
        ("NotIn", ["a"], {"set": "a"}, False),
        ("NotIn", ["a"], {"set": "b"}, True),
        ("NotIn", ["a"], {}, True),
        ("Exists", [], {"set": ""}, True),
        ("Exists", [], {}, False),
        ("DoesNotExist", [], {"set": "a"}, False),
        ("DoesNotExist", [], {}, True),
    ],
)
def test_operators_mean_what_they_mean_in_kubernetes(
    operator: str, values: list[str], labels: dict[str, str], expected: bool
) -> None:
    assert selector("set", operator, *values).matches(labels) is expected


@pytest.mark.parametrize(("operator", "values"), [("In", []), ("Exists", ["a"])])
def test_values_go_with_in_and_not_in_only(operator: str, values: list[str]) -> None:
    with pytest.raises(ValidationError, match="values go with In and NotIn"):
        selector("set", operator, *values)


def test_all_requirements_of_a_selector_must_hold() -> None:
    both = LabelSelector.model_validate(
        {"matchLabels": {"a": "1"}, "matchExpressions": [{"key": "b", "operator": "Exists"}]}
    )
    assert both.matches({"a": "1", "b": "x"})
    assert not both.matches({"a": "1"})
    assert not both.matches({"b": "x"})


def test_an_empty_selector_is_refused() -> None:
    with pytest.raises(ValidationError, match="an empty selector would take every category"):
        LabelSelector.model_validate({})


def test_a_classifier_tells_the_class_of_labels() -> None:
    art_or_not = classifier(("art", {"set": "art"}), ("not-art", {"set": "everyday"}))
    assert art_or_not.label_of({"set": "art"}) == "art"
    assert art_or_not.label_of({"set": "everyday", "x": "y"}) == "not-art"
    assert art_or_not.label_of({"set": "other"}) is None


def test_labels_of_two_classes_are_an_error_that_names_both() -> None:
    greedy = classifier(("art", {"set": "art"}), ("blue", {"colour": "blue"}))
    with pytest.raises(ValueError, match="selected by more than one class: art, blue"):
        greedy.label_of({"set": "art", "colour": "blue"})


def test_two_classes_of_one_label_are_refused() -> None:
    with pytest.raises(ValidationError, match="two classes have the same label"):
        classifier(("art", {"set": "a"}), ("art", {"set": "b"}))


def test_a_single_class_is_nothing_to_learn() -> None:
    with pytest.raises(ValidationError):
        classifier(("art", {"set": "a"}))


def test_what_decides_what_is_learned_is_what_it_was() -> None:
    """Keys of datasets and models are digests of this: more in it would learn all stores anew."""
    given = {"training": {"nodes": 16}, "retrain": {"minNewPercent": 9}, "suspend": True}
    given |= {"promotion": {"minAccuracyPercent": 9}, "serving": {"runtime": "Native"}}
    spec = ArtClassifierSpec.model_validate(
        classifier(("a", {"s": "a"}), ("b", {"s": "b"})).spec.model_dump(by_alias=True) | given
    )
    assert spec.training.inputs() == {"seed": 0}
    assert spec.model.model_dump(mode="json") == {
        "backbone": "tf_efficientnet_lite0",
        "image_size": None,
        "weights": "auto",
    }
    assert spec.curation.model_dump(mode="json") == {
        "near_duplicates": "Drop",
        "near_duplicate_distance": 8,
        "validation_percent": 10,
        "test_percent": 20,
    }


def test_a_server_has_no_fewer_pods_at_most_than_at_least() -> None:
    assert Serving.model_validate({"minReplicas": 4}).max_replicas == 4
    for wrong in ({"minReplicas": 5}, {"minReplicas": 2, "maxReplicas": 1}):
        with pytest.raises(ValidationError, match="maxReplicas must be at least minReplicas"):
            Serving.model_validate(wrong)


@pytest.mark.parametrize(
    "curation",
    [{"nearDuplicateDistance": 17}, {"testPercent": 4}, {"validationPercent": 41}],
)
def test_curation_out_of_its_limits_is_refused(curation: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        Curation.model_validate(curation)


@pytest.mark.parametrize(
    "url",
    [
        "https://wiki.test:port/w/api.php",
        "https://[::1/w/api.php",
        "https://{query}.wiki.test/w/api.php",
        "https://wiki.test:99999/",
        "https://wiki.test../",
    ],
)
def test_an_address_that_is_none_is_refused_when_it_is_read(url: str) -> None:
    with pytest.raises(ValidationError, match=r"URL|port|query|name of the DNS"):
        Source.model_validate({"mediawiki": {"url": url}})
