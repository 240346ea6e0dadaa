"""`artgrab run` passes over what is suspended, says so, and counts what there is."""

import json
from pathlib import Path

import pytest

from artgrab.common.store import Store
from tests.support.cli_calls import artgrab
from tests.support.stored import put_picture

SUSPENDED = """
apiVersion: artgrab.dev/v1alpha1
kind: ArtCategory
metadata: {name: graffiti}
spec:
  sources: [{mediawiki: {url: "http://commons.test/w/api.php"}}]
  suspend: true
"""
TOLD = "graffiti: not collected, as spec.suspend is true; what is stored of it is used"


def test_a_suspended_category_is_passed_over_and_what_it_has_is_counted(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    documents, store = tmp_path / "documents.yaml", tmp_path / "store"
    documents.write_text(SUSPENDED)
    put_picture(Store.open(str(store)), "graffiti", "http://www.site.test/wall.jpg")
    said = artgrab(capfd, "run", str(documents), "--store", str(store), "--output", "json")
    assert said.code == 0
    assert TOLD in said.err
    result = json.loads(said.out)
    assert result["categories"]["graffiti"]["stored"] == 1
    assert result["work"] == {"fetched": 0, "stored": 0, "trained": 0}
    assert result["problems"] == [TOLD]
    assert not list(store.glob("default/categories/graffiti/runs/*"))


SUSPENDED_CLASSIFIER = """
---
apiVersion: artgrab.dev/v1alpha1
kind: ArtClassifier
metadata: {name: art-or-not}
spec:
  classes:
    - {label: art, categorySelector: {matchLabels: {set: art}}}
    - {label: not-art, categorySelector: {matchLabels: {set: everyday}}}
  suspend: true
---
"""
NOT_LEARNED = "art-or-not: nothing is learned, as spec.suspend is true"


def test_a_suspended_classifier_learns_nothing_and_the_rest_is_done(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    documents, store = tmp_path / "documents.yaml", tmp_path / "store"
    labelled = [
        SUSPENDED.replace("{name: graffiti}", f"{{name: {name}, labels: {{set: {kind}}}}}")
        for name, kind in (("graffiti", "art"), ("spoons", "everyday"))
    ]
    documents.write_text(SUSPENDED_CLASSIFIER.join(labelled))
    for name in ("graffiti", "spoons"):
        put_picture(Store.open(str(store)), name, f"http://www.site.test/{name}.jpg")
    said = artgrab(capfd, "run", str(documents), "--store", str(store), "--output", "json")
    assert said.code == 0
    assert NOT_LEARNED in said.err
    result = json.loads(said.out)
    assert NOT_LEARNED in result["problems"]
    assert (result["dataset"], result["model"]) == (None, None)
    assert not list(store.glob("default/datasets/*"))
    dry = artgrab(capfd, "run", str(documents), "--store", str(store), "--dry-run")
    assert dry.code == 0
