"""`artgrab predict`: whatever pictures are named, each gets its row."""

import asyncio
import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from artgrab.cli.app import app
from artgrab.cli.predictions import predict_pictures
from artgrab.common.classifier_states import update_classifier_state
from artgrab.common.errors import BadInputError, PartlyDoneError
from artgrab.common.keys import model_prefix
from artgrab.common.store import Store
from tests.support.certificates import make_pair
from tests.support.model_folders import write_model
from tests.support.predicting import BrightnessClassifier, grey_png, predict_server


@pytest.fixture
async def endpoint() -> AsyncIterator[str]:
    async with predict_server(BrightnessClassifier()) as address:
        yield address


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with two pictures, one below it, and what is none."""
    folder = tmp_path / "photos"
    (folder / "deep").mkdir(parents=True)
    (folder / "bright.png").write_bytes(grey_png(240))
    (folder / "dark.PNG").write_bytes(grey_png(10))
    (folder / "deep" / "bright.png").write_bytes(grey_png(230))
    (folder / "notes.txt").write_text("no picture")
    return folder


async def invoke(*arguments: str | Path, **more: Any) -> Result:
    command = ["predict", *map(str, arguments)]
    return await asyncio.to_thread(CliRunner().invoke, app, command, **more)


async def answers(*arguments: str | Path, **more: Any) -> list[dict[str, Any]]:
    result = await invoke("--output", "json", *arguments, **more)
    rows: list[dict[str, Any]] = json.loads(result.stdout)
    return rows


async def test_files_and_folders_are_answered_in_order_and_once(
    endpoint: str, photos: Path
) -> None:
    rows = await answers(photos / "dark.PNG", photos, "--endpoint", endpoint)
    assert [(Path(row["image"]).relative_to(photos), row["label"]) for row in rows] == [
        (Path("dark.PNG"), "not-art"),
        (Path("bright.png"), "art"),
        (Path("deep/bright.png"), "art"),
    ]


async def test_patterns_go_through_folders(endpoint: str, photos: Path) -> None:
    rows = await answers(f"{photos}/**/b*.png", "--endpoint", endpoint)
    assert [Path(row["image"]).parent.name for row in rows] == ["photos", "deep"]
    rows = await answers(f"{photos}/*", "--endpoint", endpoint)
    assert len(rows) == 3
    refused = await invoke(f"{photos}/*.gif", "--endpoint", endpoint)
    assert isinstance(refused.exception, BadInputError)
    assert "*.gif: no picture is called so" in str(refused.exception)


HOSTILE = (
    b"[a-z].png",
    b"new\nline.png",
    b"caf\xe9.png",
    b"\x1b[2J.png",
    b"*?.png",
    b" .png",
    b"-x.png",
)


@pytest.mark.parametrize("name", HOSTILE)
async def test_any_name_of_a_file_is_taken_as_it_is(
    endpoint: str, tmp_path: Path, name: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = os.fsencode(tmp_path) + b"/" + name
    Path(os.fsdecode(file)).write_bytes(grey_png(250))
    monkeypatch.chdir(tmp_path)
    options = ("--endpoint", endpoint)
    (row,) = await answers(*options, "--", os.fsdecode(name))
    assert row["label"] == "art"
    shown = await invoke(*options, "--", os.fsdecode(name), env={"COLUMNS": "100"})
    assert shown.exit_code == 0
    assert "\x1b[2J" not in shown.stdout
    rows = (await invoke(*options, "--output", "csv", "--", os.fsdecode(name))).stdout
    assert len(list(csv.DictReader(io.StringIO(rows, newline="")))) == 1


async def test_what_cannot_be_read_is_a_row_and_the_rest_is_answered(
    endpoint: str, photos: Path
) -> None:
    (photos / "broken.png").write_bytes(b"no picture at all")
    with (photos / "huge.jpg").open("wb") as huge:
        huge.truncate(40 * 1024**2)
    result = await invoke(photos, "--endpoint", endpoint, "--output", "json")
    assert isinstance(result.exception, PartlyDoneError)
    assert "2 of 5 pictures" in str(result.exception)
    by_name = {Path(row["image"]).name: row for row in json.loads(result.stdout)}
    assert "cannot be read" in by_name["broken.png"]["error"]
    assert "larger than 31 MiB" in by_name["huge.jpg"]["error"]
    assert by_name["dark.PNG"]["label"] == "not-art"


async def test_a_file_that_vanishes_is_a_row_of_its_own(endpoint: str) -> None:
    def gone() -> bytes:
        raise FileNotFoundError(2, "No such file or directory")

    pictures = {"a.png": lambda: grey_png(250), "b.png": gone, "c.png": lambda: grey_png(1)}
    rows = await asyncio.to_thread(predict_pictures, pictures, endpoint=endpoint)
    assert [row.label for row in rows] == ["art", "", "not-art"]
    assert rows[1].error == "The file cannot be read: No such file or directory."


async def test_csv_has_a_header_and_a_row_for_each(endpoint: str, photos: Path) -> None:
    result = await invoke(photos, "--endpoint", endpoint, "--output", "csv")
    rows = list(csv.DictReader(io.StringIO(result.stdout, newline="")))
    assert [row["label"] for row in rows] == ["art", "not-art", "art"]
    assert all(0.5 <= float(row["probability"]) <= 1 for row in rows)


async def test_many_pictures_go_in_batches_and_tell_how_far_they_are(tmp_path: Path) -> None:
    for number in range(150):
        (tmp_path / f"{number:03}.png").write_bytes(grey_png(number, side=24))
    classifier = BrightnessClassifier()
    async with predict_server(classifier, max_pictures=16) as address:
        result = await invoke(tmp_path, "--endpoint", address, "--output", "json")
    assert [Path(row["image"]).name for row in json.loads(result.stdout)] == sorted(
        path.name for path in tmp_path.iterdir()
    )
    assert max(classifier.batches) <= 16
    assert "predict: 150/150 pictures" in result.stderr


async def test_the_endpoint_comes_from_the_environment(endpoint: str, photos: Path) -> None:
    assert len(await answers(photos, env={"ARTGRAB_ENDPOINT": endpoint})) == 3


async def test_standard_input_is_one_picture(endpoint: str) -> None:
    (row,) = await answers("-", "--endpoint", endpoint, input=grey_png(250))
    assert row == {"image": "-", "label": "art", "probability": row["probability"]}


async def test_without_a_server_it_says_how_to_name_or_start_one(photos: Path) -> None:
    refused = await invoke(photos, env={"ARTGRAB_ENDPOINT": ""})
    assert isinstance(refused.exception, BadInputError)
    for text in ("--endpoint", "ARTGRAB_ENDPOINT", "--classifier"):
        assert text in str(refused.exception)


async def test_what_is_no_file_is_refused(endpoint: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "empty").mkdir()
    for name, text in (
        ("pipe.png", "neither a file nor a folder"),
        ("empty", "no picture in it"),
        ("none.png", "no such file or folder"),
    ):
        refused = await invoke(tmp_path / name, "--endpoint", endpoint)
        assert isinstance(refused.exception, BadInputError)
        assert text in str(refused.exception)


@pytest.mark.timeout(300)
def test_a_classifier_of_the_store_is_started_for_one_call(photos: Path, tmp_path: Path) -> None:
    store = Store.open(str(tmp_path / "store"))
    write_model(store, model_prefix("default", "m"))
    update_classifier_state(store, namespace="default", classifier="tiny", model="m")
    command = ["predict", str(photos), "--classifier", "tiny", "--store", store.uri]
    done = subprocess.run(
        [sys.executable, "-m", "artgrab.cli", *command, "--output", "json"],
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    assert {row["label"] for row in json.loads(done.stdout)} <= {"art", "not-art"}
    assert len(json.loads(done.stdout)) == 3


async def test_a_guarded_server_is_asked_with_a_token_over_tls(
    photos: Path, tmp_path: Path
) -> None:
    pair, token = make_pair(tmp_path / "tls"), tmp_path / "token"
    token.write_text("a-token-of-sixteen-signs\n")
    guarded = {"tls_certificate_file": pair.certificate, "tls_key_file": pair.key}
    async with predict_server(BrightnessClassifier(), tokens_file=token, **guarded) as endpoint:
        words = (photos / "bright.png", "--endpoint", endpoint)
        root = ("--root-certificates", pair.certificate)
        (row,) = await answers(*words, "--token-file", token, *root)
        refused = await invoke(*words, *root)
    assert row["label"] == "art"
    assert isinstance(refused.exception, BadInputError)
    assert "artgrab predict --token-file" in str(refused.exception)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--token-file", "none"], "none: cannot be read: No such file"),
        (["--token-file", "empty"], "empty: there is no token in it"),
        (["--token-file", "token", "--plaintext"], "is not sent to 192.0.2.1:1 without TLS"),
        (["--root-certificates", "token", "--plaintext"], "do not go together"),
    ],
)
async def test_options_of_a_guarded_server_that_cannot_be_are_told_in_one_line(
    photos: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], said: str
) -> None:
    monkeypatch.chdir(photos)
    Path("empty").write_text("\n")
    Path("token").write_text("a-token-of-sixteen-signs\n")
    refused = await invoke("bright.png", "--endpoint", "192.0.2.1:1", *options)
    assert isinstance(refused.exception, BadInputError)
    assert said in str(refused.exception)
    assert "sixteen" not in str(refused.exception)
