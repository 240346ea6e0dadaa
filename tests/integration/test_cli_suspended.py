"""`artgrab run` passes suspended categories over, says so, and counts what they have."""

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
