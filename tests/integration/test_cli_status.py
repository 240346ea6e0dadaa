"""`artgrab status`: what a store holds, told without changing it."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from artgrab.cli.app import app
from artgrab.cli.snapshots import build
from artgrab.common.classifier_states import update_classifier_state
from artgrab.common.documents import load_documents, select
from artgrab.common.errors import BadInputError, PartlyDoneError
from artgrab.common.keys import model_prefix, run_key
from artgrab.common.progress import no_progress
from artgrab.common.records import RecordOutcome
from artgrab.common.runs import RunSummary, count_records, run_id_of, write_run_summary
from artgrab.common.store import Store
from artgrab.common.store.lock import exclusive
from artgrab.model.documents import CONTENT, MARKER, ModelInfo, content_digest
from tests.support.documents import category_text, classifier_text, together
from tests.support.stored import candidate, not_stored, put_entries, put_picture
from tests.support.trees import contents

DOCUMENTS = together(
    category_text("graffiti"), category_text("tools", of="everyday"), classifier_text()
)
METRICS: dict[str, object] = {"accuracy": 0.9, "left_out_accuracy": 0.8, "left_out": {"tools": 0.7}}


def shown(store: Store, *options: str, width: int = 100) -> str:
    result = CliRunner().invoke(
        app, ["status", "--store", store.uri, *options], env={"COLUMNS": str(width)}
    )
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.stdout


def status(store: Store) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(shown(store, "--output", "json"))
    return document


def fill(store: Store, tmp_path: Path) -> None:
    """Collect two categories, make a dataset and the document of a model."""
    path = tmp_path / "documents.yaml"
    path.write_text(DOCUMENTS)
    documents = load_documents([path])
    for category in documents.categories:
        name = category.metadata.name
        for number in range(24):
            put_picture(store, name, f"http://www.site-{number}.test/{name}.jpg")
        lost = candidate(f"http://gone.test/{name}")
        put_entries(store, name, [not_stored(lost, RecordOutcome.FAILED, "http-404")])
        summary = RunSummary(
            run_id=run_id_of(category),
            reason="SourcesExhausted",
            counts=count_records(store, category),
        )
        write_run_summary(store, category, summary)
    (classifier,) = documents.classifiers
    build(store, classifier, labels=select(classifier, documents), progress=no_progress)
    put_model(store)


def put_model(store: Store) -> None:
    digests = dict.fromkeys(CONTENT, "0" * 64)
    info = ModelInfo(
        input_key="m",
        content_sha256=content_digest(digests),
        files=digests,
        backbone="tf_efficientnet_lite0",
        labels=("art", "not-art"),
        dataset_sha256="0" * 64,
        metrics=METRICS,
    )
    store.put(f"{model_prefix('default', 'm')}/{MARKER}", msgspec.json.encode(info))
    update_classifier_state(store, namespace="default", classifier="art-or-not", model="m")


def test_a_store_is_told_with_counts_sizes_figures_and_the_next_command(
    store: Store, tmp_path: Path
) -> None:
    fill(store, tmp_path)
    found = status(store)
    one = found["namespaces"]["default"]
    graffiti = one["categories"]["graffiti"]
    assert graffiti["counts"]["stored"] == graffiti["pictures"] == 24
    assert graffiti["counts"]["failed_reasons"] == {"http-404": 1}
    assert graffiti["bytes"] > 24 * 500
    assert graffiti["last_run"]["reason"] == "SourcesExhausted"
    assert graffiti["last_run"]["ended_at"].startswith("20")
    (snapshot,) = one["datasets"].values()
    assert snapshot["images"] == sum(snapshot["splits"].values())
    assert one["models"]["m"]["metrics"]["accuracy"] == 0.9
    assert found["problems"] == []
    assert "serve art-or-not --store" in found["next"]

    text = shown(store)
    assert "right 0.900 on pictures it never saw" in text
    assert "http-404 1" in text
    assert "sources exhausted" in text
    assert "card.html" in text


def test_it_changes_nothing(store: Store, tmp_path: Path) -> None:
    fill(store, tmp_path)
    before = contents(store.uri)
    shown(store)
    status(store)
    assert contents(store.uri) == before


def test_an_empty_store_says_how_to_begin(store: Store) -> None:
    text = shown(store)
    assert "It holds nothing yet." in text
    assert "run FILE.yaml --store" in text


def test_no_folder_is_made_where_there_is_none(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["status", "--store", str(tmp_path / "none")])
    assert isinstance(result.exception, BadInputError)
    assert not (tmp_path / "none").exists()


def test_a_run_at_work_is_seen_and_not_disturbed(store: Store) -> None:
    put_picture(store, "fish", "http://www.site.test/fish.jpg")
    with exclusive(store):
        assert status(store)["held_by"]
        assert "a run is at work" in shown(store)
    assert not status(store)["held_by"]
    assert "not ended yet" in shown(store)


def test_what_cannot_be_read_is_named_and_the_rest_is_shown(store: Store) -> None:
    put_picture(store, "fish", "http://www.site.test/fish.jpg")
    store.put("default/categories/tools/records/index-1.parquet", b"no parquet")
    result = CliRunner().invoke(app, ["status", "--store", store.uri])
    assert isinstance(result.exception, PartlyDoneError)
    assert "tools/records/index-1.parquet" in result.stdout.replace("\n", "")
    assert "fish" in result.stdout


def test_what_a_newer_artgrab_wrote_is_refused(store: Store) -> None:
    put_picture(store, "fish", "http://www.site.test/fish.jpg")
    summary = {"run_id": "r", "reason": "", "counts": {}, "schema_version": 99}
    counts = {"candidates": 0, "stored": 0, "rejected": 0, "failed": 0}
    document = msgspec.json.encode({**summary, "counts": counts})
    store.put(run_key("default", "fish", "r"), document)
    with pytest.raises(BadInputError, match="newer artgrab"):
        shown(store)


def test_a_namespace_of_ones_own_is_told_apart(store: Store) -> None:
    for namespace in ("mine", "yours"):
        store.put(f"{namespace}/classifiers/art.json", b'{"model": "m"}')
    text = shown(store)
    assert "Namespace mine" in text
    assert "Namespace yours" in text
    assert "serve art --store" in text
    assert "--namespace mine" in text


def test_what_others_put_there_is_named_as_it_is(store: Store) -> None:
    store.put("default/categories/[red]fish/notes.txt", b"mine")
    assert "[red]fish" in shown(store)


@pytest.mark.parametrize("width", [60, 80])
def test_the_table_fits_narrow_terminals(tmp_path: Path, width: int) -> None:
    store = Store.open(str(tmp_path / "store"))
    for name in ("fish", "a-category-with-a-name-of-forty-letters"):
        put_picture(store, name, "http://www.site.test/fish.jpg")
    lines = shown(store, width=width).split("Kept")[0].splitlines()[1:]
    assert max(map(len, lines)) <= width
    (fish,) = [line for line in lines if line.startswith("fish")]
    assert fish.split()[1:4] == ["1", "0", "0"]
    assert "not ended" in fish


@pytest.mark.parametrize("width", [34, 40, 59])
def test_on_a_very_narrow_terminal_each_category_has_lines_instead(
    tmp_path: Path, width: int
) -> None:
    store = Store.open(str(tmp_path / "store"))
    for name in ("fish", "a-name-of-thirty-one-letters-or"):
        put_picture(store, name, "http://www.site.test/fish.jpg")
    lines = shown(store, width=width).split("Kept")[0].splitlines()[1:]
    assert max(map(len, lines)) <= width
    place = lines.index("fish")
    assert lines[place + 1] == "  1 stored, 0 rejected, 0 failed"
    assert lines[place + 2].endswith("kB, not ended yet")
