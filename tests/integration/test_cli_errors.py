"""What `artgrab` says when it cannot do what was asked: one line, the right code, no trace."""

import subprocess
import sys
from pathlib import Path

import pytest

from artgrab.common.lock import exclusive
from artgrab.common.store import Store

CATEGORY = """
apiVersion: artgrab.dev/v1alpha1
kind: ArtCategory
metadata: {name: graffiti, labels: {set: art}}
spec:
  sources: [{mediawiki: {url: "http://commons.test/w/api.php"}}]
"""
CLASSIFIER = """
apiVersion: artgrab.dev/v1alpha1
kind: ArtClassifier
metadata: {name: NAME}
spec:
  classes:
    - {label: art, categorySelector: {matchLabels: {set: art}}}
    - {label: not-art, categorySelector: {matchLabels: {set: everyday}}}
"""


def artgrab(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "artgrab.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def assert_refused(
    done: subprocess.CompletedProcess[str], *, code: int, naming: tuple[str, ...]
) -> None:
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    for text in naming:
        assert text in done.stderr


def test_a_missing_file_is_bad_input_and_named(tmp_path: Path) -> None:
    assert_refused(artgrab("run", tmp_path / "no.yaml"), code=2, naming=("no.yaml",))


def test_an_unknown_field_is_named_with_what_was_probably_meant(tmp_path: Path) -> None:
    file = tmp_path / "category.yaml"
    file.write_text(CATEGORY + "  targetImage: 5\n")
    refused = artgrab("run", file, "--store", tmp_path / "store")
    assert_refused(refused, code=2, naming=("category.yaml", "targetImage", "targetImages"))
    assert not (tmp_path / "store").exists()


def test_a_class_that_selects_no_category_is_bad_input(tmp_path: Path) -> None:
    file = tmp_path / "both.yaml"
    file.write_text(CATEGORY + "---" + CLASSIFIER.replace("NAME", "art-or-not"))
    assert_refused(artgrab("run", file, "--store", tmp_path / "store"), code=2, naming=("not-art",))


def test_two_classifiers_in_one_run_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "two.yaml"
    documents = [CATEGORY, CLASSIFIER.replace("NAME", "one"), CLASSIFIER.replace("NAME", "two")]
    file.write_text("---".join(documents))
    refused = artgrab("run", file, "--store", tmp_path / "store")
    assert_refused(refused, code=2, naming=("ArtClassifier",))


def test_a_store_that_cannot_be_made_is_the_fault_of_the_surroundings(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    documents = tmp_path / "category.yaml"
    documents.write_text(CATEGORY)
    refused = artgrab("run", documents, "--store", tmp_path / "file" / "store")
    assert_refused(refused, code=4, naming=("store",))


def test_an_unknown_kind_of_store_is_bad_input(tmp_path: Path) -> None:
    documents = tmp_path / "category.yaml"
    documents.write_text(CATEGORY)
    refused = artgrab("run", documents, "--store", "ftp://somewhere")
    assert_refused(refused, code=2, naming=("ftp",))


@pytest.mark.parametrize("command", ["run", "scrape", "dataset build", "train", "serve", "predict"])
def test_every_command_explains_itself_with_an_example(command: str) -> None:
    shown = artgrab(*command.split(), "--help")
    assert shown.returncode == 0
    assert f"artgrab {command} " in shown.stdout.replace("python -m artgrab.cli", "")
    assert "Example" in shown.stdout


def test_a_picture_that_is_not_there_is_bad_input(tmp_path: Path) -> None:
    refused = artgrab("predict", tmp_path / "no.jpg", "--endpoint", "127.0.0.1:9")
    assert_refused(refused, code=2, naming=("no.jpg",))


def test_a_server_that_is_not_there_is_the_fault_of_the_surroundings(tmp_path: Path) -> None:
    picture = tmp_path / "a.jpg"
    picture.write_bytes(b"not asked about")
    refused = artgrab("predict", picture, "--endpoint", "127.0.0.1:9")
    assert_refused(refused, code=4, naming=("127.0.0.1:9",))


def test_an_unknown_level_of_logs_is_told_with_those_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ARTGRAB_LOG_LEVEL", "loud")
    assert_refused(artgrab("run", "a.yaml"), code=2, naming=("ARTGRAB_LOG_LEVEL", "LOUD", "INFO"))


def test_a_store_at_work_is_left_to_whoever_works_in_it(tmp_path: Path) -> None:
    documents = tmp_path / "category.yaml"
    documents.write_text(CATEGORY)
    store = Store.open(str(tmp_path / "store"))
    with exclusive(store):
        refused = artgrab("run", documents, "--store", store.uri)
    assert_refused(refused, code=4, naming=("another artgrab run", "--store"))
    with exclusive(store):
        pass
