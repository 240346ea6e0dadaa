"""The CRDs say all that the models say: what fields mean, their limits, defaults and rules."""

import re
import types
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from artgrab.common.crd_rules import CRON, FIELD_RULES, HOST, KEYS, MODEL_RULES
from artgrab.common.crds import KINDS, definition, files, structural, write
from artgrab.common.resource_urls import check_api_url
from artgrab.common.resources import ArtCategorySpec, ArtClassifierSpec
from artgrab.common.schedules import check_schedule

ROOT = Path(__file__).parents[2]
DEFINITIONS = {kind.kind: definition(kind) for kind in KINDS}
VERSIONS = {kind: one["spec"]["versions"][0] for kind, one in DEFINITIONS.items()}
SCHEMAS = {kind: one["schema"]["openAPIV3Schema"] for kind, one in VERSIONS.items()}
SPECS: tuple[type[BaseModel], ...] = (ArtCategorySpec, ArtClassifierSpec)


def parts(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Return every part of a schema with its path."""
    yield path, schema
    for field, inner in schema.get("properties", {}).items():
        yield from parts(inner, f"{path}.{field}")
    if "items" in schema:
        yield from parts(schema["items"], f"{path}[]")
    if "additionalProperties" in schema:
        yield from parts(schema["additionalProperties"], f"{path}.*")


def all_parts() -> list[tuple[str, dict[str, Any]]]:
    return [part for kind, schema in SCHEMAS.items() for part in parts(schema, kind)]


def models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Return the models of an annotation and all below them."""
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        if issubclass(annotation, BaseModel):
            yield annotation
            for field in annotation.model_fields.values():
                yield from models(field.annotation)
    else:
        for part in typing.get_args(annotation):
            yield from models(part)


SPEC_MODELS = list(dict.fromkeys(model for spec in SPECS for model in models(spec)))


def test_the_files_that_are_committed_are_the_ones_that_are_written() -> None:
    committed = {path.name: path.read_text() for path in (ROOT / "k8s/crds").glob("*.yaml")}
    assert {name: committed.get(name) for name in files()} == files(), "run `make manifests`"


def test_files_are_written_whole_and_say_how_they_are_made(tmp_path: Path) -> None:
    write(tmp_path / "crds")
    for kind in KINDS:
        text = (tmp_path / "crds" / f"{kind.plural}.yaml").read_text()
        assert text.startswith("# Written by `make manifests` from ")
        assert yaml.safe_load(text) == DEFINITIONS[kind.kind]


def test_every_field_says_what_it_means() -> None:
    silent = [
        path
        for path, part in all_parts()
        if not part.get("description") and not path.endswith((".metadata", "[]", ".*"))
    ]
    assert silent == []


def test_everything_has_a_limit() -> None:
    limits = {
        "string": {"maxLength", "enum", "format"},
        "array": {"maxItems"},
        "integer": {"maximum", "format"},
    }
    for path, part in all_parts():
        if path.endswith((".apiVersion", ".kind")):
            continue
        assert part["type"] in {*limits, "object", "boolean"}, path
        if part["type"] in limits:
            assert limits[part["type"]] & part.keys(), path
        if "additionalProperties" in part:
            assert "maxProperties" in part, path
        assert part.get("format", "date-time") in ("date-time", "int32", "int64"), path


def test_no_word_is_left_that_a_cluster_does_not_take() -> None:
    foreign = {"$ref", "$defs", "title", "anyOf", "const", "patternProperties", "propertyNames"}
    assert [path for path, part in all_parts() if foreign & part.keys()] == []


def test_every_list_says_how_it_is_merged() -> None:
    for path, part in all_parts():
        if part["type"] == "array":
            assert part["x-kubernetes-list-type"] in ("atomic", "map"), path
        if part.get("x-kubernetes-list-type") == "map":
            (key,) = part["x-kubernetes-list-map-keys"]
            assert key in part["items"]["required"], path


@pytest.mark.parametrize("model", SPEC_MODELS, ids=lambda model: model.__name__)
def test_every_default_of_a_model_is_written_by_the_server(model: type[BaseModel]) -> None:
    properties = structural(model)["properties"]
    for field in model.model_fields.values():
        written = properties[field.alias]
        default = field.get_default(call_default_factory=True, validated_data={})
        if field.is_required() or default in (None, [], {}):
            assert "default" not in written, field.alias
        else:
            expected = {} if "properties" in written else default
            assert written["default"] == expected, field.alias
    required = [field.alias for field in model.model_fields.values() if field.is_required()]
    assert structural(model).get("required", []) == required


def test_a_part_that_has_defaults_of_its_own_is_there_when_left_out() -> None:
    spec = SCHEMAS["ArtCategory"]["properties"]["spec"]["properties"]
    assert spec["filters"]["default"] == {}
    assert spec["filters"]["properties"]["minSide"]["default"] == 96


@pytest.mark.parametrize("model", SPEC_MODELS, ids=lambda model: model.__name__)
def test_what_a_model_checks_beyond_limits_a_cluster_checks_too(model: type[BaseModel]) -> None:
    fields = {(model.__name__, str(field.alias)) for field in model.model_fields.values()}
    if model.__pydantic_decorators__.model_validators:
        assert model.__name__ in MODEL_RULES or fields & KEYS.keys()
    for field in model.model_fields.values():
        if "AfterValidator" in repr((field.metadata, field.annotation)):
            assert (model.__name__, str(field.alias)) in FIELD_RULES


def test_every_rule_is_used_and_told_in_words() -> None:
    rules = [rule for _, part in all_parts() for rule in part.get("x-kubernetes-validations", ())]
    written = {(rule["rule"], rule["message"]) for rule in rules}
    known = [*MODEL_RULES.values(), *FIELD_RULES.values()]
    assert {(rule.rule, rule.message) for group in known for rule in group} <= written
    assert all(rule["message"] for rule in rules)
    names = {model.__name__ for model in SPEC_MODELS}
    assert {*MODEL_RULES, *(model for model, _ in FIELD_RULES)} <= names


def test_names_are_short_and_dns_labels() -> None:
    for schema in SCHEMAS.values():
        rules = [rule["rule"] for rule in schema["x-kubernetes-validations"]]
        assert "size(self.metadata.name) <= 40" in rules
        assert any(rule.startswith("self.metadata.name.matches(") for rule in rules)


@pytest.mark.parametrize("kind", DEFINITIONS)
def test_people_find_it_by_short_names_and_see_why_it_is_not_ready(kind: str) -> None:
    names = DEFINITIONS[kind]["spec"]["names"]
    assert names["shortNames"] == [{"ArtCategory": "artcat", "ArtClassifier": "artcls"}[kind]]
    assert names["categories"] == ["artgrab"]
    columns = [one["name"] for one in VERSIONS[kind]["additionalPrinterColumns"]]
    assert columns[:2] == ["Ready", "Reason"]
    assert columns[-2:] == ["Age", "Message"]
    assert VERSIONS[kind]["subresources"] == {"status": {}}


def test_every_mistake_is_known_to_be_a_schemas_business_or_not() -> None:
    folder = ROOT / "tests/integration"
    table = yaml.safe_load((folder / "bad_documents_in_a_cluster.yaml").read_text())
    wrong = yaml.safe_load((folder / "bad_documents.yaml").read_text())["wrong"]
    left = [name for group in table["not_refused"] for name in group["names"]]
    assert sorted([*table["refused"], *left]) == sorted(case["name"] for case in wrong)


ITEMS = st.one_of(
    st.sampled_from(["*", "L", "lw", "L/2", "5L", "1#2", "tue#5", "mon-fri", "feb-dec/3", "*/0"]),
    st.text("0123456789*/-,#LW", min_size=1, max_size=6),
)


@given(field=st.sampled_from(sorted(CRON)), items=st.lists(ITEMS, min_size=1, max_size=3))
def test_no_schedule_that_is_one_is_refused_by_a_cluster(field: str, items: list[str]) -> None:
    fields = dict.fromkeys(CRON, "*") | {field: ",".join(items)}
    if is_taken(check_schedule, " ".join(fields.values())):
        assert all(re.fullmatch(CRON[field], item) for item in fields[field].split(","))


@given(host=st.text("ab.-_~%012:[]äß!$&'()*+,;=", min_size=1, max_size=12))
def test_no_host_that_is_one_is_refused_by_a_cluster(host: str) -> None:
    if is_taken(check_api_url, f"http://{host}/"):
        assert re.search(HOST, f"//{host}")


def is_taken(check: Callable[[str], str], value: str) -> bool:
    try:
        check(value)
    except ValueError:
        return False
    return True
