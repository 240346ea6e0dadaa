"""YAML as plain trees with line numbers, for hostile files.

Anchors, aliases and tags are refused before anything is built; dates stay text as they do in
Kubernetes; keys are text and unique.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

MAX_DEPTH = 32
"""Levels of nesting; our documents have eight."""

Path = tuple[str | int, ...]

_INT64 = range(-(2**63), 2**63)
_STAYS_TEXT = ("timestamp", "merge", "value", "binary")


class UnreadableYamlError(Exception):
    """Why a file cannot be read; line counts from 1."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line
        self.text = text


@dataclass(frozen=True)
class Tree:
    """One document: dicts, lists and scalars, and where each of them began."""

    value: Any
    line: int
    lines: Mapping[Path, int] = field(default_factory=dict)

    def line_of(self, path: Path) -> int:
        """Return the line of a path, or of the nearest parent that is there."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, self.line)


class _Loader(yaml.CSafeLoader):
    """Safe loading only, with dates and merge keys left as text."""


for _name in _STAYS_TEXT:
    _Loader.add_constructor(f"tag:yaml.org,2002:{_name}", lambda _, node: node.value)


def read_trees(data: bytes) -> list[Tree]:
    """Return the documents of a YAML stream; empty ones are left out.

    Raises:
        UnreadableYamlError: not YAML, or something of it that is refused.
    """
    loader = _Loader(data)
    try:
        _refuse_bombs(data)
        return [tree for node in _nodes(loader) if (tree := _tree(loader, node)).value is not None]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise UnreadableYamlError(line, f"not YAML: {error.problem or error.context}") from error
    except (yaml.YAMLError, UnicodeError) as error:
        raise UnreadableYamlError(1, "not YAML: the file is not UTF-8 text") from error
    finally:
        loader.dispose()


def _refuse_bombs(data: bytes) -> None:
    depth = 0
    for event in yaml.parse(data, Loader=yaml.CSafeLoader):
        line = _line(event)
        if getattr(event, "anchor", None) is not None:
            raise UnreadableYamlError(
                line, "anchors and aliases (& and *) are not taken; write it out"
            )
        if (tag := getattr(event, "tag", None)) is not None:
            raise UnreadableYamlError(line, f"tags are not taken; remove {tag[:60]}")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise UnreadableYamlError(line, f"nested more than {MAX_DEPTH} levels deep")


def _line(thing: yaml.Event | yaml.Node) -> int:
    assert thing.start_mark is not None
    return thing.start_mark.line + 1


def _nodes(loader: _Loader) -> Iterator[yaml.Node]:
    while loader.check_node():
        node = loader.get_node()
        assert node is not None
        yield node


def _tree(loader: _Loader, node: yaml.Node) -> Tree:
    lines: dict[Path, int] = {}
    return Tree(_build(loader, node, (), lines), _line(node), lines)


def _build(loader: _Loader, node: yaml.Node, path: Path, lines: dict[Path, int]) -> Any:
    lines.setdefault(path, _line(node))
    if isinstance(node, yaml.MappingNode):
        return _build_mapping(loader, node, path, lines)
    if isinstance(node, yaml.SequenceNode):
        return [
            _build(loader, item, (*path, index), lines) for index, item in enumerate(node.value)
        ]
    return _scalar(loader, node)


def _build_mapping(
    loader: _Loader, node: yaml.MappingNode, path: Path, lines: dict[Path, int]
) -> dict[str, Any]:
    built: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = _line(key_node)
        key = _scalar(loader, key_node) if isinstance(key_node, yaml.ScalarNode) else None
        if not isinstance(key, str):
            raise UnreadableYamlError(line, "a key must be text; put it in quotes")
        if key in built:
            raise UnreadableYamlError(line, f"the key {key[:60]!r} is there twice; keep one")
        lines[(*path, key)] = line
        built[key] = _build(loader, value_node, (*path, key), lines)
    return built


def _scalar(loader: _Loader, node: yaml.Node) -> Any:
    try:
        value = loader.construct_object(node)
    except ValueError:  # digits without end, or a number with nothing but underscores
        return node.value
    if isinstance(value, int) and value not in _INT64:
        return node.value
    return value
