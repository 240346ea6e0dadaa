"""YAML as plain trees with line numbers, for hostile files.

Anchors, aliases and tags are refused before anything is built; dates stay text as they do in
Kubernetes; keys are text and unique. What YAML 1.1 and 1.2 read differently is marked.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.reader import ReaderError

MAX_DEPTH = 32
"""Levels of nesting; our documents have eight."""

Path = tuple[str | int, ...]

_INT64 = range(-(2**63), 2**63)
_STAYS_TEXT = ("timestamp", "merge", "value", "binary")
_INT_TAG = "tag:yaml.org,2002:int"
_CLEAR_INT = re.compile(r"[-+]?(0|[1-9][0-9]*|0x[0-9a-fA-F]+)")
"""What every reader takes for the same number; not so 012, 1_000 and 1:30 (YAML 1.1)."""
_STR_TAG = "tag:yaml.org,2002:str"
_UNEQUAL = "lines that belong together must be indented equally, with spaces"
_MISSPELT = (
    ("cannot start any token", "a tab, %, @ or ` at the beginning; indent with spaces, quote text"),
    ("unexpected end of stream", "a quote is opened here and never closed"),
    (
        "mapping values are not allowed",
        f"a colon too many (quote text that holds one), or {_UNEQUAL}",
    ),
    ("did not find expected key", _UNEQUAL),
    ("could not find expected ':'", "a key without a colon"),
    ("',' or ']'", "a [ is not closed, or a comma is missing"),
    ("',' or '}'", "a { is not closed, or a comma is missing"),
)
"""libyaml's words, and what they mean for whoever wrote the file."""
_SHOWN_WHERE_IT_BEGAN = ("unexpected end of stream", "could not find expected ':'")


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
    unquoted: Mapping[Path, str] = field(default_factory=dict)
    """As it is written, what YAML took for something else than text: `no` for false."""
    ambiguous: Mapping[Path, str] = field(default_factory=dict)
    """As it is written, what readers take for different numbers: `012` for 10 or 12."""

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
        raise _misspelt(error) from error
    except ReaderError as error:
        raise _no_text(data, error) from error
    except (yaml.YAMLError, UnicodeError) as error:
        raise UnreadableYamlError(1, "not UTF-8 text; save it as UTF-8") from error
    finally:
        loader.dispose()


def _misspelt(error: yaml.MarkedYAMLError) -> UnreadableYamlError:
    said = str(error.problem or error.context)
    marks = [error.problem_mark, error.context_mark]
    if any(words in said for words in _SHOWN_WHERE_IT_BEGAN):
        marks.reverse()
    line = next((mark.line + 1 for mark in marks if mark), 1)
    text = next((meant for words, meant in _MISSPELT if words in said), said)
    return UnreadableYamlError(line, f"not YAML: {text}")


def _no_text(data: bytes, error: ReaderError) -> UnreadableYamlError:
    line = data[: error.position].count(b"\n") + 1
    if error.character == 0:
        return UnreadableYamlError(line, "not text (a byte is 0); is it the right file?")
    if "control characters" in str(error.reason):
        return UnreadableYamlError(line, "a control character; remove it")
    return UnreadableYamlError(line, "not UTF-8 text; save it as UTF-8, if it is the right file")


def _refuse_bombs(data: bytes) -> None:
    depth = 0
    for event in yaml.parse(data, Loader=yaml.CSafeLoader):
        line = _line(event)
        if getattr(event, "anchor", None) is not None:
            raise UnreadableYamlError(
                line, "anchors and aliases (& and *) are not taken; write it out"
            )
        if (tag := getattr(event, "tag", None)) is not None:
            raise UnreadableYamlError(line, f"tags are not taken; remove {_short(tag)}")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise UnreadableYamlError(line, f"nested more than {MAX_DEPTH} levels deep")


def _short(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")[:60]


def _line(thing: yaml.Event | yaml.Node) -> int:
    assert thing.start_mark is not None
    return thing.start_mark.line + 1


def _nodes(loader: _Loader) -> Iterator[yaml.Node]:
    while loader.check_node():
        node = loader.get_node()
        assert node is not None
        yield node


def _tree(loader: _Loader, node: yaml.Node) -> Tree:
    builder = _Builder(loader)
    value = builder.build(node, ())
    return Tree(value, _line(node), builder.lines, builder.unquoted, builder.ambiguous)


class _Builder:
    """Builds one document and remembers what its values looked like."""

    def __init__(self, loader: _Loader) -> None:
        self._loader = loader
        self.lines: dict[Path, int] = {}
        self.unquoted: dict[Path, str] = {}
        self.ambiguous: dict[Path, str] = {}

    def build(self, node: yaml.Node, path: Path) -> Any:
        self.lines.setdefault(path, _line(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        value = _scalar(self._loader, node)
        if node.tag == _INT_TAG and not _CLEAR_INT.fullmatch(node.value):
            self.ambiguous[path] = node.value
        elif node.tag != _STR_TAG:
            self.unquoted[path] = node.value
        return value

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node, built)
            self.lines[(*path, key)] = _line(key_node)
            built[key] = self.build(value_node, (*path, key))
        return built

    def _key(self, node: yaml.Node, taken: Mapping[str, Any]) -> str:
        is_scalar = isinstance(node, yaml.ScalarNode)
        key = _scalar(self._loader, node) if is_scalar else None
        if not isinstance(key, str):
            shown = f" {node.value[:60]}" if is_scalar and node.value else ""
            raise UnreadableYamlError(_line(node), f"the key{shown} must be text; put it in quotes")
        if key in taken:
            raise UnreadableYamlError(_line(node), f"the key {key[:60]!r} is there twice; keep one")
        return key


def _scalar(loader: _Loader, node: yaml.Node) -> Any:
    try:
        value = loader.construct_object(node)
    except ValueError:  # digits without end, or a number with nothing but underscores
        return node.value
    if isinstance(value, int) and value not in _INT64:
        return node.value
    return value
