"""What is wrong with a document, in words for the person who wrote it."""

import difflib
import json
import re
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from artgrab.common.resource_fields import IN_WORDS

_Model = typing.TypeVar("_Model", bound=BaseModel)

_SHOWN = 60
_EXPECTED = {
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "list_type": 'must be a list ("- " before each, or [one, two])',
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
}
_SIZES = {
    "string_too_short": "must have at least {min_length} character",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must hold {min_length} or more",
    "too_long": "must hold {max_length} at most",
}
_NOTHING: Mapping[tuple[str | int, ...], str] = {}


@dataclass(frozen=True)
class Problem:
    """One thing to change; the path leads to it from the document's root."""

    path: tuple[str | int, ...]
    text: str

    def __str__(self) -> str:
        return f"{path_text(self.path)}: {self.text}" if self.path else self.text


def check(
    model: type[_Model],
    value: Any,
    *,
    unquoted: Mapping[tuple[str | int, ...], str] = _NOTHING,
) -> tuple[_Model | None, list[Problem]]:
    """Return the document, or why it is none.

    Types are strict (no "3" for 3) and fields have their camelCase names only, as in a cluster.
    What is written without quotes and is no text to YAML can be told as it is written.
    """
    try:
        # By way of JSON: there, strict still reads an enum from its name.
        text = json.dumps(value)
        return model.model_validate_json(text, strict=True, by_alias=True, by_name=False), []
    except ValidationError as error:
        errors = error.errors(include_url=False)
        return None, [_problem(model, one, unquoted) for one in errors]


def path_text(path: Iterable[str | int]) -> str:
    """Return a path as people write it: spec.sources[0].gallery."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part[:_SHOWN]}" if text else part
    return text


def near(word: str, known: Iterable[str]) -> str:
    """Return the advice for an unknown word: the likely one, and all that are allowed."""
    allowed = sorted(known)
    lowered = {one.lower(): one for one in allowed}
    close = difflib.get_close_matches(word.lower(), lowered, n=1)
    advice = f"did you mean {lowered[close[0]]}? " if close else ""
    return f"{advice}Allowed: {', '.join(allowed)}"


def _problem(
    model: type[BaseModel], error: ErrorDetails, unquoted: Mapping[tuple[str | int, ...], str]
) -> Problem:
    path = tuple(part for part in error["loc"] if part != "[key]")
    is_key = len(path) < len(error["loc"])
    text = _text(model, path, error, "" if is_key else unquoted.get(path, ""))
    return Problem(path, f"the key {text}" if is_key else text)


def _text(
    model: type[BaseModel], path: tuple[str | int, ...], error: ErrorDetails, unquoted: str
) -> str:
    """Say what is wrong, what is allowed, and what is there instead."""
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    match kind:
        case "extra_forbidden":
            return f"is not known; {near(str(path[-1]), fields_at(model, path[:-1]))}"
        case "missing":
            return "is missing"
        case "value_error":
            return error["msg"].removeprefix("Value error, ")
        case "enum" | "literal_error":
            allowed = re.findall(r"'([^']*)'", str(context["expected"]))
            return f"{shown(value)} is not known; {near(str(value)[:_SHOWN], allowed)}"
        case "string_pattern_mismatch":
            words = IN_WORDS.get(str(context["pattern"]), f"what matches {context['pattern']}")
            return f"must be {words}; it is {shown(value)}{_perhaps(value, context['pattern'])}"
        case "string_type":
            return _no_text(value, unquoted)
        case "int_type" if re.fullmatch("[-+]?[0-9]+", unquoted):
            return f"{_limits(model, path)}; it is {unquoted[:_SHOWN]}"
        case "greater_than_equal" | "less_than_equal":
            return f"{_limits(model, path)}; it is {value}"
        case kind if kind in _SIZES:
            return f"{_SIZES[kind].format_map(context)}; it has {len(value)}"
    hint = "; remove the quotes" if kind == "int_type" and _is_number(value) else ""
    return f"{_EXPECTED.get(kind) or _lower_first(error['msg'])}; it is {shown(value)}{hint}"


def _is_number(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch("[-+]?[0-9]+", value) is not None


def _perhaps(value: str, pattern: str) -> str:
    """Return a name that is allowed and near to one that is not."""
    name = re.sub("[^a-z0-9]+", "-", value.lower()).strip("-")[:40]
    return f"; perhaps {name}" if name and re.fullmatch(pattern, name) else ""


def _no_text(value: Any, unquoted: str) -> str:
    if value is None or isinstance(value, dict | list) or not unquoted:
        return f"must be text; it is {shown(value)}"
    if isinstance(value, bool):
        return f'must be text; YAML reads {unquoted} as {shown(value)}, so write "{unquoted}"'
    return f'must be text, and {unquoted[:_SHOWN]} is a number; write "{unquoted[:_SHOWN]}"'


def _limits(model: type[BaseModel], path: tuple[str | int, ...]) -> str:
    """Return the range of a whole number, as its field declares it."""
    field = _field_at(model, path)
    ends = {type(one).__name__: one for one in (field.metadata if field else [])}
    low, high = getattr(ends.get("Ge"), "ge", None), getattr(ends.get("Le"), "le", None)
    return f"must be a whole number from {low} to {high}"


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


def shown(value: Any) -> str:
    """Return a value of a document for a message, cut short."""
    if value is None:
        return "empty"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def fields_at(model: type[BaseModel], path: Iterable[str | int]) -> list[str]:
    """Return the fields that a mapping at this path of a document can have."""
    current: Any = model
    for part in path:
        field = _field_of(current, part) if isinstance(part, str) else None
        current = field.annotation if field else current
    return [f.alias or name for one in _models_in(current) for name, f in one.model_fields.items()]


def _field_at(model: type[BaseModel], path: tuple[str | int, ...]) -> FieldInfo | None:
    current: Any = model
    field = None
    for part in path:
        field = _field_of(current, part) if isinstance(part, str) else field
        current = field.annotation if field else current
    return field


def _field_of(annotation: Any, part: str) -> FieldInfo | None:
    for model in _models_in(annotation):
        for name, field in model.model_fields.items():
            if part in (field.alias, name):
                return field
    return None


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """The models of an annotation such as X, X | None, list[X] or Annotated[X, ...]."""
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [model for part in typing.get_args(annotation) for model in _models_in(part)]
