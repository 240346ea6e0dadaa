"""Reading the user's YAML files into ArtCategory and ArtClassifier documents.

Files are hostile input: size and depth are bounded, and anchors (YAML bombs), tags and duplicate
keys are refused. All problems of all files are told at once, one line each.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from artgrab.common.document_problems import Problem, check, near, shown
from artgrab.common.errors import BadInputError
from artgrab.common.resources import API_VERSION, ArtCategory, ArtClassifier
from artgrab.common.yaml_trees import Tree, UnreadableYamlError, read_trees

MAX_FILE_BYTES = 1_000_000
"""A document of a megabyte is more than a Kubernetes object can hold."""

_KINDS: Mapping[str, type[ArtCategory] | type[ArtClassifier]] = {
    "ArtCategory": ArtCategory,
    "ArtClassifier": ArtClassifier,
}


@dataclass(frozen=True)
class Documents:
    """What the files hold, in their order."""

    categories: list[ArtCategory]
    classifiers: list[ArtClassifier]


def load_documents(paths: Sequence[Path]) -> Documents:
    """Read and check all documents of all files.

    Raises:
        BadInputError: with one line for each problem: file and line, document, path in the
            document, what is wrong and what is allowed.
    """
    found: list[ArtCategory | ArtClassifier] = []
    problems: list[str] = []
    places: dict[tuple[str, str], str] = {}
    for path in paths:
        for tree in _trees_of(path, problems):
            one = _document_of(path, tree, problems)
            if one is not None and _is_first(one, f"{path}:{tree.line}", places, problems):
                found.append(one)
    if problems:
        raise BadInputError("\n".join(map(_printable, problems)))
    return Documents(
        [one for one in found if isinstance(one, ArtCategory)],
        [one for one in found if isinstance(one, ArtClassifier)],
    )


def select(classifier: ArtClassifier, categories: Sequence[ArtCategory]) -> dict[str, str]:
    """Return the label of each category that a class of the classifier selects, by its name.

    As everywhere in Kubernetes, a selector sees its own namespace only.

    Raises:
        BadInputError: a class selects no category, or two classes select the same one.
    """
    name = f"ArtClassifier {classifier.metadata.name}"
    problems: list[str] = []
    selected: dict[str, str] = {}
    for category in categories:
        if category.metadata.namespace != classifier.metadata.namespace:
            continue
        try:
            label = classifier.label_of(category.metadata.labels)
        except ValueError as error:
            problems.append(f"{name}: ArtCategory {category.metadata.name} is {error}")
            continue
        if label is not None:
            selected[category.metadata.name] = label
    problems += [
        f"{name}: spec.classes[{index}].categorySelector: class {one.label} selects no category; "
        "give an ArtCategory the labels it asks for"
        for index, one in enumerate(classifier.spec.classes)
        if not problems and one.label not in selected.values()
    ]
    if problems:
        raise BadInputError("\n".join(problems))
    return selected


def _trees_of(path: Path, problems: list[str]) -> list[Tree]:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        problems.append(f"{path}: cannot be read: {error.strerror}")
        return []
    if len(data) > MAX_FILE_BYTES:
        problems.append(f"{path}: larger than {MAX_FILE_BYTES} bytes; split it into several files")
        return []
    try:
        trees = read_trees(data)
    except UnreadableYamlError as error:
        problems.append(f"{path}:{error.line}: {error.text}")
        return []
    if not trees:
        problems.append(f"{path}: holds no document; write an ArtCategory or ArtClassifier")
    return trees


def _document_of(path: Path, tree: Tree, problems: list[str]) -> ArtCategory | ArtClassifier | None:
    model, found = _model_of(tree)
    document: ArtCategory | ArtClassifier | None = None
    if model is not None:
        document, found = check(model, tree.value)
    problems += [f"{path}:{tree.line_of(one.path)}: {_title(tree)}: {one}" for one in found]
    return document


def _model_of(
    tree: Tree,
) -> tuple[type[ArtCategory] | type[ArtClassifier] | None, list[Problem]]:
    if not isinstance(tree.value, dict):
        return None, [Problem((), f"a document must be a mapping with apiVersion {API_VERSION}")]
    kind, version = tree.value.get("kind"), tree.value.get("apiVersion")
    problems = []
    if version != API_VERSION:
        problems.append(Problem(("apiVersion",), f"must be {API_VERSION}; it is {shown(version)}"))
    model = _KINDS.get(kind) if isinstance(kind, str) else None
    if model is None:
        problems.append(
            Problem(("kind",), f"{shown(kind)} is not known; {near(str(kind)[:60], _KINDS)}")
        )
    return (None if problems else model), problems


def _title(tree: Tree) -> str:
    value = tree.value if isinstance(tree.value, dict) else {}
    metadata = value.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    known = [str(part)[:60] for part in (value.get("kind"), name) if isinstance(part, str)]
    return " ".join(known) or "document"


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def _is_first(
    document: ArtCategory | ArtClassifier,
    place: str,
    places: dict[tuple[str, str], str],
    problems: list[str],
) -> bool:
    key = (document.kind, document.metadata.name)
    if key not in places:
        places[key] = place
        return True
    problems.append(
        f"{place}: {document.kind} {document.metadata.name}: metadata.name: "
        f"is taken by the {document.kind} at {places[key]}; names must differ"
    )
    return False
