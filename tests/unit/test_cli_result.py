"""Answers of commands, as people and programs get them."""

import io
import json

from rich.console import Console

from artgrab.cli.result import PredictionResult, print_predictions


def test_names_of_pictures_reach_programs_as_they_are() -> None:
    name = "pictures/[bold]/:cat:/" + "long/" * 60 + "\u202ea.jpg"
    stream = io.StringIO()
    predictions = [PredictionResult(image=name, label="art", probability=0.5)]
    print_predictions(predictions, as_json=True, console=Console(file=stream))
    (line,) = stream.getvalue().splitlines()
    assert json.loads(line) == [{"image": name, "label": "art", "probability": 0.5}]
