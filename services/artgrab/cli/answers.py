"""Predictions as people and programs get them: a table, JSON or CSV."""

import csv
import io
import os.path
from collections.abc import Sequence

import msgspec
from rich.box import SIMPLE
from rich.markup import escape
from rich.table import Table

from artgrab.cli.result import PredictionResult
from artgrab.cli.texts import clean


def prediction_table(predictions: Sequence[PredictionResult]) -> Table:
    """Return a table of labels and probabilities, or of why there is none."""
    table = Table(box=SIMPLE, pad_edge=False)
    table.add_column("picture", overflow="fold")
    table.add_column("label", overflow="fold")
    table.add_column("probability", overflow="fold")
    names = _short_names([one.image for one in predictions])
    for name, one in zip(names, predictions, strict=True):
        figure = (
            f"{one.probability:.3f}" if not one.error else f"[red]{escape(clean(one.error))}[/]"
        )
        table.add_row(escape(clean(name)), escape(clean(one.label)), figure)
    return table


def predictions_json(predictions: Sequence[PredictionResult]) -> str:
    """Return one line of JSON."""
    return msgspec.json.encode(predictions).decode()


def csv_of(predictions: Sequence[PredictionResult], *, header: bool = True) -> str:
    """Return CSV (RFC 4180)."""
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\r\n")
    if header:
        writer.writerow(["image", "label", "probability", "error"])
    for one in predictions:
        probability = "" if one.error else f"{one.probability:.6f}"
        writer.writerow([one.image, one.label, probability, one.error])
    return sink.getvalue()


def _short_names(images: Sequence[str]) -> list[str]:
    """Leave out the folder that all of them have in common."""
    paths = [os.path.abspath(image) for image in images]
    shared = os.path.commonpath([os.path.dirname(path) for path in paths]) if paths else ""
    return [os.path.relpath(path, shared) for path in paths]
