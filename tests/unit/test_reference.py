"""The reference of the documents is what the models say, and its example shows every field."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from artgrab.common.documents import load_documents, select
from artgrab.common.reference import reference
from artgrab.common.resources import ArtCategory, ArtClassifier

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples/everything.yaml"
KINDS: tuple[type[BaseModel], ...] = (ArtCategory, ArtClassifier)


def test_the_reference_that_is_committed_is_the_one_that_is_written() -> None:
    written = reference(EXAMPLE.read_text())
    assert (ROOT / "docs/resources.md").read_text() == written, "run `make docs`"


@pytest.mark.parametrize("kind", KINDS)
def test_every_model_and_field_says_what_it_means(kind: type[BaseModel]) -> None:
    schema = kind.model_json_schema(by_alias=True)
    for name, model in [(kind.__name__, schema), *schema["$defs"].items()]:
        assert model.get("description"), name
        for field, told in model.get("properties", {}).items():
            assert told.get("description") or "$ref" in told, f"{name}.{field}"


def test_the_example_is_valid_and_its_classes_select_something() -> None:
    documents = load_documents([EXAMPLE])
    (classifier,) = documents.classifiers
    assert set(select(classifier, documents).values()) == {"art", "not-art"}


def test_the_example_shows_every_field_and_the_reference_names_it() -> None:
    shown = {key for one in yaml.safe_load_all(EXAMPLE.read_text()) for key in _keys(one)}
    text = reference("")
    for kind in KINDS:
        schema = kind.model_json_schema(by_alias=True)
        models = [schema, *schema["$defs"].values()]
        fields = {field for model in models for field in model.get("properties", {})}
        assert fields - shown == set()
        assert [field for field in fields if f"| `{field}` |" not in text] == []


def _keys(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [*value, *(key for inner in value.values() for key in _keys(inner))]
    if isinstance(value, list):
        return [key for inner in value for key in _keys(inner)]
    return []
