"""Predictions, as people and programs get them."""

import csv
import io
import json
import os

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from artgrab.cli.answers import csv_of, prediction_table, predictions_json
from artgrab.cli.result import PredictionResult
from artgrab.cli.texts import readable

HOSTILE = "pictures/[bold]/:cat:/" + "long/" * 60 + "\u202e\x1b[2J,\"a'.jpg"


def _one(image: str, **more: object) -> PredictionResult:
    fields = {"label": "art", "probability": 0.5, **more}
    return PredictionResult(image=image, **fields)  # type: ignore[arg-type]  # any fields of it


def _table(*predictions: PredictionResult, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(prediction_table(predictions))
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]  # a StringIO


def test_names_of_pictures_reach_programs_as_they_are() -> None:
    (line,) = predictions_json([_one(HOSTILE)]).splitlines()
    assert json.loads(line) == [{"image": HOSTILE, "label": "art", "probability": 0.5}]


def test_names_that_are_no_unicode_have_their_bytes_escaped() -> None:
    assert readable(os.fsdecode(b"caf\xe9.jpg")) == "caf\\xe9.jpg"
    assert readable("caf\u00e9 \U0001f41f.jpg") == "caf\u00e9 \U0001f41f.jpg"


@given(st.lists(st.text(), max_size=5))
def test_csv_brings_back_every_name(names: list[str]) -> None:
    rows = list(csv.DictReader(io.StringIO(csv_of([_one(n) for n in names]), newline="")))
    assert [row["image"] for row in rows] == names


def test_csv_has_a_row_for_each_picture_and_an_error_where_there_is_no_answer() -> None:
    failed = _one("b.jpg", label="", probability=0.0, error="It is no picture.")
    assert csv_of([_one("a.jpg"), failed]) == (
        "image,label,probability,error\r\na.jpg,art,0.500000,\r\nb.jpg,,,It is no picture.\r\n"
    )


def test_no_name_can_send_an_escape_sequence_to_the_terminal() -> None:
    shown = _table(_one(HOSTILE), _one("b.jpg", error="\x1b[31mred"))
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "[bold]" in shown


def test_the_table_leaves_out_the_folder_that_all_share() -> None:
    shown = _table(_one("/some/folder/a.jpg"), _one("/some/folder/sub/b.jpg"))
    assert "a.jpg" in shown
    assert "sub/b.jpg" in shown
    assert "/some/folder" not in shown
