"""`artgrab run --dry-run`: what it tells, and that it touches nothing and asks nobody."""

import json
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from artgrab.cli.app import app
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
from tests.support.documents import category_text, classifier_text, gallery, together, wiki
from tests.support.stored import put_picture
from tests.support.trees import contents, tree


def written(
    *,
    wikis: str = "commons.test",
    pages: str = "http://www.gallery.test/?q={query}",
    tools: Mapping[str, object] | None = None,
    **spec: object,
) -> str:
    """Return documents of a wiki and a gallery; spec has more fields of both categories."""
    graffiti = {"queries": ["graffiti", "street art"], "targetImages": 40, **spec}
    everyday = {"targetImages": 100, **spec, **(tools or {})}
    return together(
        category_text("graffiti", wiki(wikis), graffiti),
        category_text("tools", gallery(pages), everyday, of="everyday"),
        classifier_text(),
    )


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    path = tmp_path / "documents.yaml"
    path.write_text(written())
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


def shown(documents: Path, store: str, *options: str, width: int = 100) -> str:
    """Run it and return stdout; the folder of documents and the store are as they were before."""
    before = (tree(documents.parent), contents(store))
    command = ["run", str(documents), "--dry-run", "--store", store, *options]
    result = CliRunner().invoke(app, command, env={"COLUMNS": str(width)})
    assert result.exit_code == 0, result.output or result.exception
    assert (tree(documents.parent), contents(store)) == before
    return result.stdout


def planned(documents: Path, store: str) -> dict[str, Any]:
    plan: dict[str, Any] = json.loads(shown(documents, store, "--output", "json"))
    return plan


def collect(documents: Path, store: Store) -> None:
    """Let every category's run have ended."""
    for category in load_documents([documents]).categories:
        name = category.metadata.name
        for number in range(30):
            put_picture(store, name, f"http://www.site-{number}.test/{name}.jpg")
        counts = count_records(store, category)
        summary = RunSummary(run_id=run_id_of(category), reason="SourcesExhausted", counts=counts)
        write_run_summary(store, category, summary)


def test_without_a_store_everything_is_to_be_done_and_none_is_made(
    documents: Path, store_uri: str
) -> None:
    plan = planned(documents, store_uri)
    assert plan["store_exists"] == store_uri.startswith("s3:"), "a bucket is there beforehand"
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
    documents: Path, store_uri: str
) -> None:
    two = {"queries": ["pliers", "spanners"]}
    documents.write_text(written(pages="http://www.gallery.test/", tools=two))
    plan = planned(documents, store_uri)
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


def test_it_tells_hosts_access_rates_and_queries(documents: Path, store_uri: str) -> None:
    text = " ".join(shown(documents, store_uri).split())
    assert "commons.test (set to 127.0.0.1:" in text
    assert "(API; one request at a time, backing off when it is busy)" in text
    assert "graffiti: graffiti, street art" in text
    assert "(page; one page at a time, as far apart as its robots.txt asks)" in text
    assert "2 at a time from one site" in text
    assert "ARTGRAB_CONTACT" not in text, "these hosts are nobody's"
    assert "pages are scraped for tools" in text
    assert "These are estimates" in text


def test_whoever_says_who_he_is_needs_no_advice(
    documents: Path, store_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents.write_text(written(wikis="commons.example"))
    assert "ARTGRAB_CONTACT" in "".join(planned(documents, store_uri)["advice"])
    monkeypatch.setenv("ARTGRAB_CONTACT", "https://me.example/about")
    plan = planned(documents, store_uri)
    assert "https://me.example/about" in plan["user_agent"]
    assert not any("ARTGRAB_CONTACT" in advice for advice in plan["advice"])


def test_what_is_recorded_already_is_gone_on_with(documents: Path, store: Store) -> None:
    for number in range(10):
        put_picture(store, "graffiti", f"http://www.site-{number}.test/g.jpg")
    graffiti = planned(documents, store.uri)["categories"]["graffiti"]
    assert (graffiti["action"], graffiti["stored"], graffiti["recorded"]) == ("go on", 10, 10)
    assert graffiti["cost"]["requests"] == 38 + 1 + 2


def test_each_stage_is_skipped_once_it_is_done(documents: Path, store: Store) -> None:
    collect(documents, store)
    plan = planned(documents, store.uri)
    assert [one["action"] for one in plan["categories"].values()] == ["skip", "skip"]
    assert (plan["dataset"]["action"], plan["model"]["action"]) == ("do", "do")

    loaded = load_documents([documents])
    (classifier,) = loaded.classifiers
    snapshot = build(store, classifier, labels=select(classifier, loaded), progress=no_progress)
    plan = planned(documents, store.uri)
    assert (plan["dataset"]["action"], plan["model"]["action"]) == ("skip", "do")

    prefix = dataset_prefix("default", snapshot.key)
    weights = choose_weights(classifier.spec.model.backbone, wanted="auto")
    rows, info = read_manifest(store, prefix), read_snapshot_info(store, prefix)
    key = input_key(info, rows, classifier, weights)
    store.put(f"{model_prefix('default', key)}/{MARKER}", b"{}")
    plan = planned(documents, store.uri)
    assert (plan["dataset"]["action"], plan["model"]["action"]) == ("skip", "skip")
    assert plan["cost"] == {"requests": 0, "download_bytes": 0, "disk_bytes": 0, "seconds": 0.0}
    assert "There is nothing to do" in shown(documents, store.uri)


@pytest.mark.parametrize("width", [60, 80])
def test_it_can_be_read_on_narrow_terminals(documents: Path, tmp_path: Path, width: int) -> None:
    store = str(tmp_path / "store")  # the address of a bucket may be longer than a line
    lines = shown(documents, store, width=width).splitlines()
    assert max(map(len, lines)) <= width


def test_bad_documents_are_told_as_by_a_run(documents: Path, store_uri: str) -> None:
    documents.write_text(written(targetImage=7))
    command = ["run", str(documents), "--dry-run", "--store", store_uri]
    result = CliRunner().invoke(app, command)
    assert "targetImages" in str(result.exception)
    assert contents(store_uri) == {}


def test_a_suspended_category_is_passed_over_and_this_is_said(
    documents: Path, store_uri: str
) -> None:
    documents.write_text(written(suspend=True))
    plan = planned(documents, store_uri)
    skipped = {name: (one["action"], one["why"]) for name, one in plan["categories"].items()}
    assert skipped == dict.fromkeys(("graffiti", "tools"), ("skip", "its spec.suspend is true"))
    assert plan["dataset"]["action"] == "do"
    documents.write_text(documents.read_text().rpartition("---")[0])
    text = " ".join(shown(documents, store_uri).split())
    assert "graffiti skip it, its spec.suspend is true" in text
    assert "There is nothing to do: what is not there is suspended." in text
