"""The CustomResourceDefinitions, made from the models of the documents and of their status.

`python -m artgrab.common.crds FOLDER` writes one file for each; `make manifests` calls it.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from artgrab.common.crd_rules import FIELD_RULES, KEYS, MODEL_RULES, ROOT_RULES, Rule
from artgrab.common.resources import (
    API_VERSION,
    ArtCategory,
    ArtCategorySpec,
    ArtClassifier,
    ArtClassifierSpec,
)
from artgrab.common.statuses import ArtCategoryStatus, ArtClassifierStatus

Schema = dict[str, Any]
Told = Mapping[str, Any]

_HEAD = """\
# Written by `make manifests` from services/artgrab/common/resources.py, statuses.py and
# crd_rules.py; change it there.
"""
_KEPT = (
    *("type", "format", "enum", "pattern", "minLength", "maxLength"),
    *("minimum", "maximum", "minItems", "maxItems", "maxProperties"),
)
"""Words of JSON Schema that mean the same in a CRD."""
_LARGEST_EXACT = 2**53
"""The API server keeps limits as floating-point numbers."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """What `kubectl get` shows; only with `-o wide` where it is wide."""

    name: str
    path: str
    type: str = "string"
    wide: bool = False
    description: str


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of resource, as a cluster is to know it."""

    kind: str
    plural: str
    short_name: str
    told: str
    """What `kubectl explain` says of it."""
    spec: type[BaseModel]
    status: type[BaseModel]
    columns: Sequence[Column]
    selectable: Sequence[str] = ()
    """Fields that `kubectl get --field-selector` takes."""


def _ready(part: str) -> str:
    return f'.status.conditions[?(@.type=="Ready")].{part}'


_READY = Column(
    name="Ready",
    path=_ready("status"),
    description="Whether what can be had of it is there.",
)
_REASON = Column(name="Reason", path=_ready("reason"), description="Why it is ready or not.")
_MESSAGE = Column(
    name="Message",
    path=_ready("message"),
    wide=True,
    description="Why it is ready or not, and what to do about it.",
)
_AGE = Column(
    name="Age",
    path=".metadata.creationTimestamp",
    type="date",
    description="How long ago it was made.",
)

KINDS = (
    Kind(
        kind="ArtCategory",
        plural="artcategories",
        short_name="artcat",
        told=f"{ArtCategory.__doc__} Its labels are what an ArtClassifier selects it by.",
        spec=ArtCategorySpec,
        status=ArtCategoryStatus,
        columns=(
            _READY,
            _REASON,
            Column(
                name="Stored",
                path=".status.counts.stored",
                type="integer",
                description="Pictures that are kept.",
            ),
            Column(
                name="Target",
                path=".spec.targetImages",
                type="integer",
                description="Pictures that are wanted.",
            ),
            Column(
                name="Suspended",
                path=".spec.suspend",
                type="boolean",
                wide=True,
                description="Whether no new run is started.",
            ),
            Column(
                name="Next Run",
                path=".status.nextRunAt",
                wide=True,
                description="When the schedule begins the next run.",
            ),
            _AGE,
            _MESSAGE,
        ),
        selectable=(".spec.suspend",),
    ),
    Kind(
        kind="ArtClassifier",
        plural="artclassifiers",
        short_name="artcls",
        told=f"{ArtClassifier.__doc__} It sees the categories of its own namespace.",
        spec=ArtClassifierSpec,
        status=ArtClassifierStatus,
        columns=(
            _READY,
            _REASON,
            Column(
                name="Accuracy",
                path=".status['serving','model'].accuracyPermille",
                type="integer",
                description="Of a thousand pictures, those that the model that is served tells "
                "right; while none is, the newest model.",
            ),
            Column(
                name="Images",
                path=".status.dataset.images",
                type="integer",
                description="Pictures in the newest dataset.",
            ),
            Column(
                name="Model",
                path=".status.serving.model",
                description="First digits of the digest of the model that is served.",
            ),
            Column(
                name="Endpoint",
                path=".status.serving.endpoint",
                wide=True,
                description="HOST:PORT of its service in the cluster.",
            ),
            _AGE,
            _MESSAGE,
        ),
    ),
)


def definition(kind: Kind) -> Schema:
    """Return the CustomResourceDefinition of a kind."""
    group, _, version = API_VERSION.partition("/")
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {
                "kind": kind.kind,
                "listKind": f"{kind.kind}List",
                "plural": kind.plural,
                "singular": kind.kind.lower(),
                "shortNames": [kind.short_name],
                "categories": ["artgrab"],
            },
            "versions": [_version(version, kind)],
        },
    }


def _version(version: str, kind: Kind) -> Schema:
    selectable = [{"jsonPath": path} for path in kind.selectable]
    return {
        "name": version,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": [_column(one) for one in kind.columns],
        **({"selectableFields": selectable} if selectable else {}),
        "schema": {"openAPIV3Schema": _root(kind)},
    }


def _column(column: Column) -> Schema:
    return {
        "name": column.name,
        "type": column.type,
        "jsonPath": column.path,
        "description": column.description,
        **({"priority": 1} if column.wide else {}),
    }


def _root(kind: Kind) -> Schema:
    spec = structural(kind.spec)
    return {
        "type": "object",
        "description": kind.told,
        "required": ["metadata", "spec"],
        "properties": {
            "apiVersion": {"type": "string", "description": f"`{API_VERSION}`."},
            "kind": {"type": "string", "description": f"`{kind.kind}`."},
            "metadata": {"type": "object"},
            "spec": spec,
            "status": structural(kind.status),
        },
        "x-kubernetes-validations": _validations(ROOT_RULES),
    }


def structural(model: type[BaseModel]) -> Schema:
    """Return the structural schema of a model: nothing referred to, all in one tree."""
    told = model.model_json_schema(by_alias=True)
    return _Writer(told.get("$defs", {})).model(told)


class _Writer:
    """Writes a JSON Schema of pydantic's anew, as a CRD may have it."""

    def __init__(self, models: Mapping[str, Told]) -> None:
        self._models = models

    def model(self, told: Told) -> Schema:
        name = str(told["title"])
        properties = {
            field: self._field(name, field, inner) for field, inner in told["properties"].items()
        }
        return {
            "type": "object",
            "description": _one_line(told["description"]),
            **({"required": list(told["required"])} if "required" in told else {}),
            "properties": properties,
            **_rules(MODEL_RULES.get(name, ())),
        }

    def _field(self, model: str, field: str, told: Told) -> Schema:
        """Return the schema of a field, with what it means, its default and its rules."""
        written = self._value(told)
        written |= _described(told, written)
        written |= _rules(FIELD_RULES.get((model, field), ()))
        if written["type"] == "array":
            written |= _list_type(KEYS.get((model, field)))
        if told.get("default") not in (None, [], {}):
            written["default"] = {} if "properties" in written else told["default"]
        return written

    def _value(self, told: Told) -> Schema:
        """Return the schema of a value; a field that may be empty is one that may be absent."""
        if "anyOf" in told:
            (told,) = (one for one in told["anyOf"] if one.get("type") != "null")
        if "$ref" in told:
            found = self._models[str(told["$ref"]).rpartition("/")[2]]
            return self.model(found) if "properties" in found else _limits(found)
        match told["type"]:
            case "array":
                return _limits(told) | {"items": self._value(told["items"])}
            case "object":
                return self._map(told)
            case "integer":
                return _integer(told)
        return _limits(told)

    def _map(self, told: Told) -> Schema:
        """Return the schema of a mapping of names that the user chooses."""
        (inner,) = told["patternProperties"].values()
        return _limits(told) | {"additionalProperties": self._value(inner)}


def _limits(told: Told) -> Schema:
    return {word: told[word] for word in _KEPT if word in told}


def _integer(told: Told) -> Schema:
    limits = _limits(told)
    small = told["maximum"] < 2**31
    if told["maximum"] > _LARGEST_EXACT:
        del limits["maximum"]
    return {"type": "integer", "format": "int32" if small else "int64", **limits}


def _described(told: Told, written: Schema) -> Schema:
    """Return what a field means, and after it what its model says if that is more."""
    field, model = (_one_line(one.get("description", "")) for one in (told, written))
    more = model.startswith(field.removesuffix("."))
    return {"description": model if more else f"{field} {model}".strip()}


def _list_type(key: str | None) -> Schema:
    if key is None:
        return {"x-kubernetes-list-type": "atomic"}
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key]}


def _rules(rules: Sequence[Rule]) -> Schema:
    return {"x-kubernetes-validations": _validations(rules)} if rules else {}


def _validations(rules: Sequence[Rule]) -> list[Schema]:
    return [{"rule": one.rule, "message": one.message} for one in rules]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def files() -> dict[str, str]:
    """Return the text of each file by its name."""
    return {f"{kind.plural}.yaml": _HEAD + _yaml(definition(kind)) for kind in KINDS}


def _yaml(document: Schema) -> str:
    return yaml.safe_dump(document, sort_keys=False, width=100, allow_unicode=True)


def write(folder: Path) -> None:
    """Write all files into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
