"""The reference of the documents, written from the models: `make docs` puts it into docs/.

`python -m artgrab.common.reference EXAMPLE.yaml` prints it.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from artgrab.common.errors import (
    ArtgrabError,
    BadInputError,
    PartlyDoneError,
    SurroundingsError,
)
from artgrab.common.resource_fields import IN_WORDS
from artgrab.common.resources import ArtCategory, ArtClassifier

Schema = Mapping[str, Any]

_HEAD = """\
# The documents

<!-- Written by `make docs` from services/artgrab/common/resources.py; change it there. -->

What you want is said in YAML (or JSON): any number of documents in any number of files, divided by
`---`, all given to one `artgrab run`. An **ArtCategory** is a kind of picture and where to look for
it; an **ArtClassifier** is what to learn from which categories. `artgrab run` takes as many
categories as you like and one classifier, or none where you want pictures only.

Whatever is wrong is told before anything is begun, all of it at once, one line for each mistake:

    art.yaml:12: ArtCategory graffiti: spec.targetImage: is not known; did you mean targetImages?

Fields are written as here, in camelCase. Text that YAML takes for something else (`no`, `on`,
`2017`) goes into quotes; numbers are plain digits. Anchors, aliases and tags are not taken, and a
file has a megabyte at most.

A cluster with the definitions of `k8s/crds` takes the same documents by `kubectl apply` and refuses
the same mistakes as far as a schema can; `kubectl explain artcategory.spec` tells the same there.
"""
_SIZES = {
    "minLength": "{} characters or more",
    "maxLength": "{} characters at most",
    "minItems": "{} or more",
    "maxItems": "{} at most",
    "maxProperties": "{} at most",
}
_EXIT_CODES: tuple[tuple[int, type[ArtgrabError]], ...] = tuple(
    (kind.exit_code, kind) for kind in (BadInputError, PartlyDoneError, SurroundingsError)
)


def reference(example: str) -> str:
    """Return the reference as Markdown, with an example that shows every field."""
    parts = [_HEAD, "## An example of everything\n", f"```yaml\n{example}```\n"]
    told: set[str] = set()
    for model in (ArtCategory, ArtClassifier):
        parts += _kind(model, told)
    return "\n".join([*parts, *_exit_codes()])


def _kind(model: type[BaseModel], told: set[str]) -> Iterator[str]:
    schema = model.model_json_schema(by_alias=True)
    yield from _section(schema["title"], schema, schema, level=2)
    for name in _in_order(schema, schema):
        if name not in told:
            told.add(name)
            yield from _section(name, schema["$defs"][name], schema, level=3)


def _in_order(part: Any, schema: Schema) -> list[str]:
    """Return the names of the models below a part, as a reader meets them."""
    names: dict[str, None] = {}
    for name in _references(part.get("properties", {})):
        found = schema["$defs"][name]
        if "properties" in found:
            names |= dict.fromkeys([name, *_in_order(found, schema)])
    return list(names)


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if "$ref" in part:
            yield _name(part)
        for inner in part.values():
            yield from _references(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _references(inner)


def _section(name: str, model: Schema, schema: Schema, *, level: int) -> Iterator[str]:
    yield f"{'#' * level} {name}\n"
    yield f"{model['description']}\n"
    yield "| field | type | if left out | meaning |"
    yield "| --- | --- | --- | --- |"
    for field, told in model["properties"].items():
        required = field in model.get("required", ())
        cells = (f"`{field}`", _type(told, schema), _default(told, required=required))
        yield f"| {' | '.join(cells)} | {_one_line(_description(told, schema))} |"
    yield ""


def _description(told: Schema, schema: Schema) -> str:
    """Return what a field means; pydantic leaves out what its model says in the same words."""
    return str(
        told["description"] if "description" in told else _found(told, schema)["description"]
    )


def _type(told: Schema, schema: Schema) -> str:
    limits = [text.format(f"{told[key]:,}") for key, text in _SIZES.items() if key in told]
    if told.get("type") == "array":
        return f"list, {', '.join(limits)}, of: {_type(told['items'], schema)}"
    return ", ".join([_words(told, schema), *limits])


def _words(told: Schema, schema: Schema) -> str:
    """Return the type of a value in words."""
    if "anyOf" in told:
        return _type(next(one for one in told["anyOf"] if one.get("type") != "null"), schema)
    if "$ref" in told:
        found = _found(told, schema)
        return _choice(found) if "enum" in found else f"[{_name(told)}](#{_name(told).lower()})"
    if "const" in told or "enum" in told:
        return _choice(told)
    match told["type"]:
        case "boolean":
            return "`true` or `false`"
        case "object":
            return "map of text to text"
        case "integer":
            return f"whole number from {told['minimum']:,} to {told['maximum']:,}"
    words = IN_WORDS[told["pattern"]]
    return words if words.startswith("text") else f"text: {words}"


def _choice(told: Schema) -> str:
    allowed = told["enum"] if "enum" in told else [told["const"]]
    return " or ".join(f"`{one}`" for one in allowed)


def _default(told: Schema, *, required: bool) -> str:
    if required:
        return "**must be there**"
    value = told.get("default")
    if value is None or value in ({}, []):
        return "nothing"
    if isinstance(value, dict):
        return "as below"
    return f"`{json.dumps(value) if not isinstance(value, str) else value}`"


def _exit_codes() -> Iterator[str]:
    yield "## How a command ends\n"
    yield "The same for all commands; what went wrong is one line on stderr.\n"
    yield "| exit code | meaning |"
    yield "| --- | --- |"
    yield "| 0 | Done, or there was nothing to do. |"
    yield "| 1 | A bug in artgrab; please tell us. |"
    for code, kind in _EXIT_CODES:
        yield f"| {code} | {_one_line(str(kind.__doc__))} |"
    yield ""


def _found(told: Schema, schema: Schema) -> Schema:
    found: Schema = schema["$defs"][_name(told)]
    return found


def _name(told: Schema) -> str:
    return str(told["$ref"]).rpartition("/")[2]


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main(example: str) -> None:
    """Print the reference with the example of this path."""
    sys.stdout.write(reference(Path(example).read_text()))


if __name__ == "__main__":
    main(sys.argv[1])
