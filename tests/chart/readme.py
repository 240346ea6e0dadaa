"""helm/artgrab/README.md: every value with its default and the comment above it."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from tests.chart.rendering import CHART

README = CHART / "README.md"
_KEY = re.compile(r"(?P<indent> *)(?P<key>[A-Za-z]+):")
_HEAD = """\
<!-- Written by `make docs` from values.yaml; change that. -->

# artgrab

From a word to a working image classifier: operator, downloader, training, serving and, for trying,
an object store.
How to install and secure it: [docs/kubernetes.md](../../docs/kubernetes.md); to operate it, from
backups and alarms to removing it: [docs/operations.md](../../docs/operations.md).

    helm install artgrab helm/artgrab --namespace artgrab --create-namespace \\
      --set image.registry=registry.example/artgrab --set objectStore.embedded.enabled=true

Values that are not in this table, or contradict each other, are refused.

| value | default | what it is |
| --- | --- | --- |
"""


@dataclass(frozen=True)
class Value:
    """A value that one may set."""

    path: str
    default: Any
    comment: str


def readme() -> str:
    """Return the text of the README."""
    rows = (f"| `{one.path}` | {_shown(one.default)} | {one.comment} |\n" for one in values())
    return _HEAD + "".join(rows)


def values() -> list[Value]:
    """Return all values in the order of values.yaml."""
    text = (CHART / "values.yaml").read_text()
    defaults = yaml.safe_load(text)
    return [Value(path, _at(defaults, path), comment) for path, comment in _commented(text)]


def _at(defaults: Mapping[str, Any], path: str) -> Any:
    found: Any = defaults
    for key in path.split("."):
        found = found[key]
    return found


def _commented(text: str) -> Iterator[tuple[str, str]]:
    """Yield the path and comment of each key that has one; what lies below it belongs to it."""
    parents: list[str] = []
    comment: list[str] = []
    described = -1
    for line in text.splitlines():
        if line.lstrip().startswith("#"):
            comment.append(line.strip("# "))
        elif found := _KEY.match(line):
            depth = len(found["indent"]) // 2
            if described < 0 or depth <= described:
                parents = [*parents[:depth], found["key"]]
                described = depth if comment else -1
                if comment:
                    yield ".".join(parents), " ".join(comment)
            comment = []
        else:
            comment = []


def _shown(default: Any) -> str:
    return f"`{json.dumps(default)}`"


def write_readme() -> None:
    """Write it."""
    README.write_text(readme())
