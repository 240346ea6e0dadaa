"""What is wrong with a document, in words for the person who wrote it."""

import difflib
import json
import types
import typing
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

_Model = typing.TypeVar("_Model", bound=BaseModel)

_SHOWN = 60
_EXPECTED = {
    "string_type": "must be text (put it in quotes)",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
    "string_too_short": "must not be empty",
}


@dataclass(frozen=True)
class Problem:
    """One thing to change; the path leads to it from the document's root."""

    path: tuple[str | int, ...]
    text: str

    def __str__(self) -> str:
        return f"{path_text(self.path)}: {self.text}" if self.path else self.text


def check(model: type[_Model], value: Any) -> tuple[_Model | None, list[Problem]]:
    """Return the document, or why it is none.

    Types are strict (no "3" for 3) and fields have their camelCase names only, as in a cluster.
    """
    try:
        # By way of JSON: there, strict still reads an enum from its name.
        text = json.dumps(value)
        return model.model_validate_json(text, strict=True, by_alias=True, by_name=False), []
    except ValidationError as error:
        return None, [_problem(model, one) for one in error.errors(include_url=False)]


def path_text(path: Iterable[str | int]) -> str:
    """Return a path as people write it: spec.sources[0].gallery."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part[:_SHOWN]}" if text else part
    return text


def near(word: str, known: Iterable[str]) -> str:
    """Return the advice for an unknown word: the likely one, and all that are allowed."""
    allowed = sorted(known)
    close = difflib.get_close_matches(word, allowed, n=1)
    advice = f"did you mean {close[0]}? " if close else ""
    return f"{advice}Allowed: {', '.join(allowed)}"


def _problem(model: type[BaseModel], error: ErrorDetails) -> Problem:
    path = tuple(part for part in error["loc"] if part != "[key]")
    return Problem(path, _text(model, path, error))


def _text(model: type[BaseModel], path: tuple[str | int, ...], error: ErrorDetails) -> str:
    if error["type"] == "extra_forbidden":
        return f"is not known; {near(str(path[-1]), _fields_at(model, path[:-1]))}"
    if error["type"] == "missing":
        return "is missing"
    if error["type"] == "value_error":
        return error["msg"].removeprefix("Value error, ")
    expected = _EXPECTED.get(error["type"]) or _lower_first(error["msg"])
    return f"{expected}; it is {shown(error['input'])}"


def _lower_first(text: str) -> str:
    return (text[:1].lower() + text[1:]).replace("string should", "text should")


def shown(value: Any) -> str:
    """Return a value of a document for a message, cut short."""
    if value is None:
        return "empty or missing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def _fields_at(model: type[BaseModel], path: Iterable[str | int]) -> list[str]:
    current: Any = model
    for part in path:
        current = _member(current, part)
    found = _models_in(current)
    return [field.alias or name for one in found for name, field in one.model_fields.items()]


def _member(annotation: Any, part: str | int) -> Any:
    for model in _models_in(annotation) if isinstance(part, str) else []:
        for name, field in model.model_fields.items():
            if part in (field.alias, name):
                return field.annotation
    return annotation


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """The models of an annotation such as X, X | None, list[X] or Annotated[X, ...]."""
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [model for part in typing.get_args(annotation) for model in _models_in(part)]
