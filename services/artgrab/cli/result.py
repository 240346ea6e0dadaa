"""What `artgrab run` answers: one JSON document, or a table and the next commands."""

import os.path
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from artgrab.cli.state import CategoryCounts


class DatasetResult(msgspec.Struct, frozen=True, kw_only=True):
    uri: str
    content_sha256: str
    images: int
    splits: dict[str, int]


class ModelResult(msgspec.Struct, frozen=True, kw_only=True):
    uri: str
    content_sha256: str
    backbone: str


class PredictionResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    image: str
    label: str
    probability: float
    error: str = ""


class Work(msgspec.Struct, kw_only=True):
    """What this very run did; all 0 where everything was there already."""

    fetched: int = 0
    stored: int = 0
    trained: int = 0

    @property
    def none(self) -> bool:
        return not (self.fetched or self.stored or self.trained)


class RunResult(msgspec.Struct, kw_only=True):
    """The document of `--output json`."""

    categories: dict[str, CategoryCounts]
    work: Work
    dataset: DatasetResult | None = None
    model: ModelResult | None = None
    metrics: Mapping[str, Any] = {}
    predictions: Sequence[PredictionResult] = ()
    endpoint: str = ""
    problems: Sequence[str] = ()
    """Sources that could not be gone through to their end."""


def to_json(result: RunResult) -> str:
    """Return the document in one line."""
    return msgspec.json.encode(result).decode()


def print_result(result: RunResult, *, console: Console, serve_command: str) -> None:
    """Show people what came out, where it lies and what to do next."""
    console.print(_category_table(result))
    for problem in result.problems:
        console.print(f"[yellow]Not whole[/]  {escape(problem)}", soft_wrap=True)
    if result.dataset:
        splits = ", ".join(f"{name} {count}" for name, count in result.dataset.splits.items())
        console.print(f"Dataset  {result.dataset.images} pictures ({splits})")
        console.print(f"         {escape(result.dataset.uri)}/card.html", soft_wrap=True)
    if result.model:
        console.print(f"Model    {result.model.backbone}, {_figures(result.metrics)}")
        console.print(f"         {escape(result.model.uri)}/report.html", soft_wrap=True)
    if result.predictions:
        console.print(_prediction_table(result.predictions))
    if result.work.none:
        console.print("Nothing to do: everything was there already.")
    if serve_command:
        console.print(f"Serve the model again with:\n  {escape(serve_command)}", soft_wrap=True)


def print_predictions(
    predictions: Sequence[PredictionResult], *, as_json: bool, console: Console
) -> None:
    """Show predictions as a table, or as one line of JSON."""
    if as_json:
        console.out(msgspec.json.encode(predictions).decode(), highlight=False)
    else:
        console.print(_prediction_table(predictions))


def _prediction_table(predictions: Sequence[PredictionResult]) -> Table:
    """Return a table of labels and probabilities."""
    table = Table("picture", "label", "probability", title="Predictions")
    table.columns[0].overflow = "fold"
    for name, one in zip(
        _short_names([one.image for one in predictions]), predictions, strict=True
    ):
        figure = f"{one.probability:.3f}" if not one.error else escape(one.error)
        table.add_row(escape(name), escape(one.label), figure)
    return table


def _short_names(images: Sequence[str]) -> list[str]:
    """Leave out the folder that all of them have in common."""
    paths = [os.path.abspath(image) for image in images]
    shared = os.path.commonpath([os.path.dirname(path) for path in paths]) if paths else ""
    return [os.path.relpath(path, shared) for path in paths]


def _category_table(result: RunResult) -> Table:
    table = Table("category", "candidates", "stored", "rejected", "failed", title="Pictures")
    for column in table.columns[1:]:
        column.justify = "right"
    for name, counts in result.categories.items():
        table.add_row(name, *(str(count) for count in msgspec.structs.astuple(counts)))
    return table


def _figures(metrics: Mapping[str, Any]) -> str:
    names = {"accuracy": "accuracy", "left_out_accuracy": "on categories it never saw"}
    return ", ".join(
        f"{text} {metrics[key]:.3f}" for key, text in names.items() if metrics.get(key)
    )
