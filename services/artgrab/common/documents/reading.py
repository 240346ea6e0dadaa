"""Reading the user's YAML files into ArtCategory and ArtClassifier documents.

Files are hostile input: size and depth are bounded, and anchors (YAML bombs), tags and duplicate
keys are refused. All problems of all files are told at once, one line each.
"""

import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from artgrab.common.documents.problems import Problem, check, near, shown
from artgrab.common.documents.yaml_trees import Tree, UnreadableYamlError, read_trees
from artgrab.common.errors import BadInputError
from artgrab.common.resources import API_VERSION, ArtCategory, ArtClassifier

MAX_FILE_BYTES = 1_000_000
"""A document of a megabyte is more than a Kubernetes object can hold."""


_MOST_PROBLEMS = 50
"""Told at once; a file of the wrong kind can have as many as it has lines."""

Document = ArtCategory | ArtClassifier
_KINDS: Mapping[str, type[Document]] = {"ArtCategory": ArtCategory, "ArtClassifier": ArtClassifier}


@dataclass(frozen=True)
class Origin:
    """Where a document was read."""

    path: Path
    tree: Tree

    def told(self, problem: Problem) -> str:
        """Return a problem with its file, line and document, as one line."""
        line = self.tree.line_of(problem.path)
        return _printable(f"{self.path}:{line}: {_title(self.tree)}: {problem}")


@dataclass(frozen=True)
class Documents:
    """What the files hold, in their order."""

    categories: list[ArtCategory]
    classifiers: list[ArtClassifier]
    origins: Mapping[tuple[str, str], Origin] = field(default_factory=dict)
    """By kind and name."""

    def told(self, document: Document, problem: Problem) -> str:
        """Return a problem of one of these documents, as load_documents tells its own."""
        origin = self.origins.get(_key(document))
        if origin is None:
            return f"{document.kind} {document.metadata.name}: {problem}"
        return origin.told(problem)


def load_documents(paths: Sequence[Path]) -> Documents:
    """Read and check all documents of all files.

    Raises:
        BadInputError: with one line for each problem: file and line, document, path in the
            document, what is wrong and what is allowed.
    """
    found: list[Document] = []
    problems: list[str] = []
    origins: dict[tuple[str, str], Origin] = {}
    for path in paths:
        for tree in _trees_of(path, problems):
            origin = Origin(path, tree)
            one = _document_of(origin, problems)
            if one is not None and _is_first(one, origin, origins, problems):
                found.append(one)
    refuse(problems)
    return Documents(
        [one for one in found if isinstance(one, ArtCategory)],
        [one for one in found if isinstance(one, ArtClassifier)],
        origins,
    )


def refuse(problems: Sequence[str]) -> None:
    """Raise BadInputError with these lines, if there are any; the first fifty of very many."""
    if not problems:
        return
    more = len(problems) - _MOST_PROBLEMS
    rest = [f"and {more} problems more"] if more > 0 else []
    raise BadInputError("\n".join([*problems[:_MOST_PROBLEMS], *rest]))


def select(classifier: ArtClassifier, documents: Documents) -> dict[str, str]:
    """Return the label of each category that a class of the classifier selects, by its name.

    As everywhere in Kubernetes, a selector sees its own namespace only.

    Raises:
        BadInputError: a class selects no category, or two classes select the same one.
    """
    labels, problems = selected(classifier, documents)
    refuse(problems)
    return labels


def selected(classifier: ArtClassifier, documents: Documents) -> tuple[dict[str, str], list[str]]:
    """Return what select returns, and what it would raise, one line for each problem."""
    labels: dict[str, str] = {}
    problems: list[str] = []
    own = [
        one
        for one in documents.categories
        if one.metadata.namespace == classifier.metadata.namespace
    ]
    for category in own:
        try:
            label = classifier.label_of(category.metadata.labels)
        except ValueError as error:
            problem = Problem(("metadata", "labels"), f"is {error} of {classifier.metadata.name}")
            problems.append(documents.told(category, problem))
            continue
        if label is not None:
            labels[category.metadata.name] = label
    if not problems:
        problems = _idle_classes(classifier, labels, own, documents)
    return labels, problems


def _idle_classes(
    classifier: ArtClassifier,
    labels: Mapping[str, str],
    categories: Sequence[ArtCategory],
    documents: Documents,
) -> list[str]:
    there = sorted({f"{k}={v}" for one in categories for k, v in one.metadata.labels.items()})
    known = f"labels there are: {', '.join(there[:10])}" if there else "no category has a label"
    advice = f"give a category the labels it asks for; {known}"
    if not categories:
        advice = f"there is no ArtCategory in namespace {classifier.metadata.namespace}; add one"
    problems = [
        Problem(
            ("spec", "classes", index, "categorySelector"),
            f"class {one.label} selects no category; {advice}",
        )
        for index, one in enumerate(classifier.spec.classes)
        if one.label not in labels.values()
    ]
    return [documents.told(classifier, one) for one in problems]


def _trees_of(path: Path, problems: list[str]) -> list[Tree]:
    try:
        data = _read(path)
    except OSError as error:
        problems.append(_printable(f"{path}: cannot be read: {error.strerror or error}"))
        return []
    if len(data) > MAX_FILE_BYTES:
        limit = f"{MAX_FILE_BYTES:,} bytes"
        problems.append(_printable(f"{path}: larger than {limit}; split it into several files"))
        return []
    try:
        trees = read_trees(data)
    except UnreadableYamlError as error:
        problems.append(_printable(f"{path}:{error.line}: {error.text}"))
        return []
    if not trees:
        advice = "holds no document; write an ArtCategory or ArtClassifier"
        problems.append(_printable(f"{path}: {advice}"))
    return trees


def _read(path: Path) -> bytes:
    """Return a file up to just beyond the limit; devices and pipes could keep us for ever."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise OSError(None, "it is a folder; name the files in it")
        if not stat.S_ISREG(mode):
            raise OSError(None, "it is a pipe or a device; write its content to a file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(MAX_FILE_BYTES + 1)
    finally:
        os.close(descriptor)


def _document_of(origin: Origin, problems: list[str]) -> Document | None:
    tree = origin.tree
    model, found = _model_of(tree)
    document: Document | None = None
    if model is not None:
        document, found = check(model, tree.value, unquoted=tree.unquoted)
        ambiguous = [Problem(*one) for one in _ambiguous(tree)]
        places = {one.path for one in ambiguous}
        found = [one for one in found if one.path not in places] + ambiguous
    problems += map(origin.told, sorted(found, key=lambda one: tree.line_of(one.path)))
    return None if found else document


def _ambiguous(tree: Tree) -> list[tuple[tuple[str | int, ...], str]]:
    return [
        (path, f'{text[:20]} is not the same number to all readers; write digits only, or "..."')
        for path, text in tree.ambiguous.items()
    ]


def _model_of(tree: Tree) -> tuple[type[Document] | None, list[Problem]]:
    if not isinstance(tree.value, dict):
        wanted = "must be a mapping with apiVersion, kind, metadata and spec"
        return None, [Problem((), f"{wanted}; it is {shown(tree.value)}")]
    kind, version = tree.value.get("kind"), tree.value.get("apiVersion")
    problems = []
    if version != API_VERSION:
        is_there = "is missing" if version is None else f"is {shown(version)}"
        problems.append(Problem(("apiVersion",), f"must be {API_VERSION}; it {is_there}"))
    model = _KINDS.get(kind) if isinstance(kind, str) else None
    if model is None:
        is_there = "is missing" if kind is None else f"{shown(kind)} is not known"
        word = kind[:60] if isinstance(kind, str) else ""
        problems.append(Problem(("kind",), f"{is_there}; {near(word, _KINDS)}"))
    return (None if problems else model), problems


def _title(tree: Tree) -> str:
    value = tree.value if isinstance(tree.value, dict) else {}
    metadata = value.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    known = [str(part)[:60] for part in (value.get("kind"), name) if isinstance(part, str)]
    return " ".join(known) or "document"


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def _key(document: Document) -> tuple[str, str]:
    return document.kind, document.metadata.name


def _is_first(
    document: Document,
    origin: Origin,
    origins: dict[tuple[str, str], Origin],
    problems: list[str],
) -> bool:
    first = origins.setdefault(_key(document), origin)
    if first is origin:
        return True
    taken = f"is taken by the {document.kind} at {first.path}:{first.tree.line}; names must differ"
    problems.append(origin.told(Problem(("metadata", "name"), taken)))
    return False
