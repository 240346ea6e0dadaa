"""Pictures, asked of a predict server."""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

from artgrab.cli.result import PredictionResult
from artgrab.client import PredictClient
from artgrab.common.errors import BadInputError, SurroundingsError
from artgrab.common.manifest import TEST, read_manifest
from artgrab.common.store import Store

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif"})

_SHOWN_OF_A_CATEGORY = 2


def find_pictures(paths: Sequence[Path]) -> list[Path]:
    """Return the files named and the pictures in the folders named, folders by name.

    Raises:
        BadInputError: a path is not there, or a folder holds no picture.
    """
    return [file for path in paths for file in _pictures_at(path)]


def _pictures_at(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise BadInputError(f"{path}: no such file or folder")
    files = sorted(p for p in path.rglob("*") if p.suffix.lower() in PICTURE_SUFFIXES)
    if not files:
        raise BadInputError(f"{path}: no picture in it ({', '.join(sorted(PICTURE_SUFFIXES))})")
    return files


def read_pictures(files: Sequence[Path]) -> dict[str, bytes]:
    """Return the bytes of every file by its name, in order."""
    try:
        return {str(file): file.read_bytes() for file in files}
    except OSError as error:
        raise SurroundingsError(f"{error.filename}: {error.strerror}") from error


def pictures_of_test_split(store: Store, snapshot_prefix: str) -> dict[str, bytes]:
    """Return some pictures that training never saw: the first of each category's test split."""
    rows = [row for row in read_manifest(store, snapshot_prefix) if row.split == TEST]
    rows.sort(key=lambda row: (row.category, row.source_sha256))
    chosen = [
        row
        for _, of_category in itertools.groupby(rows, key=lambda row: row.category)
        for row in itertools.islice(of_category, _SHOWN_OF_A_CATEGORY)
    ]
    return {
        store.uri_of(row.object_key): store.get_verified(row.object_key, row.object_sha256)
        for row in chosen
    }


def predict_pictures(pictures: Mapping[str, bytes], *, endpoint: str) -> list[PredictionResult]:
    """Ask the server at endpoint about every picture, in order."""
    with PredictClient(endpoint) as client:
        answers = client.predict(pictures.values())
    return [
        PredictionResult(image=name, label=one.label, probability=one.probability, error=one.error)
        for name, one in zip(pictures, answers, strict=True)
    ]
