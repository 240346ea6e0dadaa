"""Pictures on disk, asked of a predict server."""

from collections.abc import Sequence
from pathlib import Path

from artgrab.cli.result import PredictionResult
from artgrab.client import PredictClient
from artgrab.common.errors import BadInputError, SurroundingsError

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif"})


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


def predict_files(files: Sequence[Path], *, endpoint: str) -> list[PredictionResult]:
    """Ask the server at endpoint about every file, in order."""
    try:
        pictures = [file.read_bytes() for file in files]
    except OSError as error:
        raise SurroundingsError(f"{error.filename}: {error.strerror}") from error
    with PredictClient(endpoint) as client:
        answers = client.predict(pictures)
    return [
        PredictionResult(
            image=str(file), label=one.label, probability=one.probability, error=one.error
        )
        for file, one in zip(files, answers, strict=True)
    ]
