"""`artgrab run --dry-run`: what it tells, and that it touches nothing and asks nobody."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from artgrab.cli.main import app
from artgrab.cli.snapshots import build
from artgrab.common.documents import load_documents, select
from artgrab.common.keys import dataset_prefix, model_prefix
from artgrab.common.manifest import read_manifest, read_snapshot_info
from artgrab.common.progress import no_progress
from artgrab.common.runs import RunSummary, count_records, run_id_of, write_run_summary
from artgrab.common.store import Store
from artgrab.model.documents import MARKER
from artgrab.model.weights import choose_weights
from artgrab.trainer.train import input_key
from tests.support.stored import put_picture
from tests.support.trees import tree

DOCUMENTS = """
apiVersion: artgrab.dev/v1alpha1
kind: ArtCategory
metadata: {name: graffiti, labels: {set: art}}
spec:
  queries: [graffiti, street art]
  sources: [{mediawiki: {url: "http://commons.test/w/api.php"}}]
  targetImages: 40
---
apiVersion: artgrab.dev/v1alpha1
kind: ArtCategory
metadata: {name: tools, labels: {set: everyday}}
spec:
  sources:
    - gallery:
        url: "http://www.gallery.test/?q={query}"
        selectors: {item: figure, image: "a::attr(href)"}
  targetImages: 100
---
apiVersion: artgrab.dev/v1alpha1
kind: ArtClassifier
metadata: {name: art-or-not}
spec:
  classes:
    - {label: art, categorySelector: {matchLabels: {set: art}}}
    - {label: not-art, categorySelector: {matchLabels: {set: everyday}}}
"""

_TWO_QUERIES = "spec:\n  queries: [pliers, spanners]\n  sources:\n"


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    path = tmp_path / "documents.yaml"
    path.write_text(DOCUMENTS)
    return path


@pytest.fixture(autouse=True)
def nobody_asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """All hosts are a port of ours, to which nobody may ever have connected."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        monkeypatch.setenv("ARTGRAB_RESOLVE", json.dumps({"*.test": address}))
        monkeypatch.setenv("ARTGRAB_ALLOWED_TARGETS", json.dumps([address.replace(":", "/32:")]))
        monkeypatch.delenv("ARTGRAB_CONTACT", raising=False)
        yield
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()


def shown(documents: Path, store: Path, *options: str, width: int = 100) -> str:
    """Run it and return stdout; the folder of documents and store is as it was before."""
    before = tree(documents.parent)
    command = ["run", str(documents), "--dry-run", "--store", str(store), *options]
    result = CliRunner().invoke(app, command, env={"COLUMNS": str(width)})
    assert result.exit_code == 0, result.output or result.exception
    assert tree(documents.parent) == before
    return result.stdout


def planned(documents: Path, store: Path) -> dict[str, Any]:
    plan: dict[str, Any] = json.loads(shown(documents, store, "--output", "json"))
    return plan


def collected(documents: Path, folder: Path) -> Store:
    """Make a store in which every category's run has ended."""
    store = Store.open(str(folder))
    for category in load_documents([documents]).categories:
        name = category.metadata.name
        for number in range(30):
            put_picture(store, name, f"http://www.site-{number}.test/{name}.jpg")
        counts = count_records(store, category)
        summary = RunSummary(run_id=run_id_of(category), reason="SourcesExhausted", counts=counts)
        write_run_summary(store, category, summary)
    return store


def test_without_a_store_everything_is_to_be_done_and_none_is_made(
    documents: Path, tmp_path: Path
) -> None:
    plan = planned(documents, tmp_path / "store")
    assert not plan["store_exists"]
    assert {name: one["action"] for name, one in plan["categories"].items()} == {
        "graffiti": "do",
        "tools": "do",
    }
    assert plan["dataset"]["action"] == plan["model"]["action"] == "do"
    assert plan["categories"]["graffiti"]["cost"]["requests"] == 50 + 1 + 2
    assert plan["cost"]["requests"] == sum(
        one["cost"]["requests"] for one in plan["categories"].values()
    )
    assert plan["cost"]["disk_bytes"] > 0
    assert plan["assumptions"]


def test_a_gallery_without_a_query_in_its_address_is_one_question(
    documents: Path, tmp_path: Path
) -> None:
    text = DOCUMENTS.replace("?q={query}", "").replace("spec:\n  sources:\n", _TWO_QUERIES)
    documents.write_text(text)
    plan = planned(documents, tmp_path / "store")
    tools = plan["categories"]["tools"]
    assert tools["sources"][0]["queries"] == []
    assert tools["cost"]["requests"] == 125 + 3 + 1


def test_a_store_that_is_missing_may_be_named_by_an_address_too(
    documents: Path, tmp_path: Path
) -> None:
    command = ["run", str(documents), "--dry-run", "--output", "json", "--store"]
    result = CliRunner().invoke(app, [*command, (tmp_path / "store").as_uri()])
    assert result.exit_code == 0, result.output or result.exception
    assert not json.loads(result.stdout)["store_exists"]


def test_it_tells_hosts_access_rates_and_queries(documents: Path, tmp_path: Path) -> None:
    text = " ".join(shown(documents, tmp_path / "store").split())
    assert "commons.test (set to 127.0.0.1:" in text
    assert "(API; one request at a time, backing off when it is busy)" in text
    assert "graffiti: graffiti, street art" in text
    assert "(page; one page at a time, as far apart as its robots.txt asks)" in text
    assert "2 at a time from one site" in text
    assert "ARTGRAB_CONTACT" not in text, "these hosts are nobody's"
    assert "pages are scraped for tools" in text
    assert "These are estimates" in text


def test_whoever_says_who_he_is_needs_no_advice(
    documents: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents.write_text(DOCUMENTS.replace("commons.test", "commons.example"))
    assert "ARTGRAB_CONTACT" in "".join(planned(documents, tmp_path / "store")["advice"])
    monkeypatch.setenv("ARTGRAB_CONTACT", "https://me.example/about")
    plan = planned(documents, tmp_path / "store")
    assert "https://me.example/about" in plan["user_agent"]
    assert not any("ARTGRAB_CONTACT" in advice for advice in plan["advice"])


def test_what_is_recorded_already_is_gone_on_with(documents: Path, tmp_path: Path) -> None:
    store = Store.open(str(tmp_path / "store"))
    for number in range(10):
        put_picture(store, "graffiti", f"http://www.site-{number}.test/g.jpg")
    graffiti = planned(documents, tmp_path / "store")["categories"]["graffiti"]
    assert (graffiti["action"], graffiti["stored"], graffiti["recorded"]) == ("go on", 10, 10)
    assert graffiti["cost"]["requests"] == 38 + 1 + 2


def test_each_stage_is_skipped_once_it_is_done(documents: Path, tmp_path: Path) -> None:
    store = collected(documents, tmp_path / "store")
    plan = planned(documents, tmp_path / "store")
    assert [one["action"] for one in plan["categories"].values()] == ["skip", "skip"]
    assert (plan["dataset"]["action"], plan["model"]["action"]) == ("do", "do")

    loaded = load_documents([documents])
    (classifier,) = loaded.classifiers
    snapshot = build(store, classifier, labels=select(classifier, loaded), progress=no_progress)
    plan = planned(documents, tmp_path / "store")
    assert (plan["dataset"]["action"], plan["model"]["action"]) == ("skip", "do")

    prefix = dataset_prefix("default", snapshot.key)
    weights = choose_weights(classifier.spec.model.backbone, wanted="auto")
    rows, info = read_manifest(store, prefix), read_snapshot_info(store, prefix)
    key = input_key(info, rows, classifier, weights)
    store.put(f"{model_prefix('default', key)}/{MARKER}", b"{}")
    plan = planned(documents, tmp_path / "store")
    assert (plan["dataset"]["action"], plan["model"]["action"]) == ("skip", "skip")
    assert plan["cost"] == {"requests": 0, "download_bytes": 0, "disk_bytes": 0, "seconds": 0.0}
    assert "There is nothing to do" in shown(documents, tmp_path / "store")


@pytest.mark.parametrize("width", [60, 80])
def test_it_can_be_read_on_narrow_terminals(documents: Path, tmp_path: Path, width: int) -> None:
    lines = shown(documents, tmp_path / "store", width=width).splitlines()
    assert max(map(len, lines)) <= width


def test_bad_documents_are_told_as_by_a_run(documents: Path, tmp_path: Path) -> None:
    documents.write_text(DOCUMENTS.replace("targetImages", "targetImage"))
    command = ["run", str(documents), "--dry-run", "--store", str(tmp_path / "store")]
    result = CliRunner().invoke(app, command)
    assert "targetImages" in str(result.exception)
    assert not (tmp_path / "store").exists()


def test_a_suspended_category_is_passed_over_and_this_is_said(
    documents: Path, tmp_path: Path
) -> None:
    documents.write_text(DOCUMENTS.replace("targetImages", "suspend: true\n  targetImages"))
    plan = planned(documents, tmp_path / "store")
    skipped = {name: (one["action"], one["why"]) for name, one in plan["categories"].items()}
    assert skipped == dict.fromkeys(("graffiti", "tools"), ("skip", "its spec.suspend is true"))
    assert plan["dataset"]["action"] == "do"
    documents.write_text(documents.read_text().rpartition("---")[0])
    text = " ".join(shown(documents, tmp_path / "store").split())
    assert "graffiti skip it, its spec.suspend is true" in text
    assert "There is nothing to do: what is not there is suspended." in text
