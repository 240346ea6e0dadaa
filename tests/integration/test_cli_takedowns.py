"""`artgrab takedown` and `artgrab dataset verify` as people call them."""

import json
from pathlib import Path

import pytest

from artgrab.cli.withdrawals import apply_pending
from artgrab.common.progress import no_progress
from artgrab.common.record_parts import compact, read_records
from artgrab.common.records import RecordOutcome
from artgrab.common.store import Store
from artgrab.common.store.lock import exclusive
from artgrab.takedowns.targets import recognise
from artgrab.takedowns.tombstones import put_tombstone
from tests.support.cli_calls import artgrab
from tests.support.stored import NAMESPACE, drawing, put_picture

URLS = [f"http://img.site-{n}.test/1.jpg" for n in range(3)]


def fill(store: Store) -> list[str]:
    """Store pictures; return the keys of their objects."""
    keys = [put_picture(store, "graffiti", url).object_key for url in URLS]
    compact(store, namespace=NAMESPACE, category="graffiti")
    return keys


def test_a_takedown_says_what_it_removed_and_what_to_do_next(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = fill(store)
    done = artgrab(capsys, "takedown", "add", URLS[0], "--store", store.uri, "--reason", "[b]mail")
    assert done.code == 0, done.err
    for text in (f"Taken down url {URLS[0]}", "1 picture (graffiti 1)", "1 picture removed"):
        assert text in done.out
    assert "artgrab takedown remove" in done.out.replace("\n", " ")
    assert not store.exists(keys[0])
    assert store.exists(keys[1])
    again = artgrab(capsys, "takedown", "add", URLS[0], "--store", store.uri)
    assert again.code == 0
    assert "Was taken down before" in again.out
    assert "Nothing was left to remove" in again.out
    assert "To undo it" not in again.out, "an older takedown is not this command's to lift"
    listed = artgrab(capsys, "takedown", "list", "--store", store.uri)
    assert "[b]mail" in listed.out
    (one,) = json.loads(
        artgrab(capsys, "takedown", "list", "--store", store.uri, "--output", "json").out
    )
    assert (one["kind"], one["target"]) == ("url", URLS[0])
    removed = artgrab(capsys, "takedown", "remove", one["id"], "--store", store.uri)
    assert "1 picture (graffiti 1) may come back" in removed.out
    assert "No takedowns" in artgrab(capsys, "takedown", "list", "--store", store.uri).out


def test_a_picture_file_takes_its_picture_down(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = fill(store)
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(drawing(URLS[1]))
    options = ("--store", store.uri, "--output", "json")
    (would,) = json.loads(artgrab(capsys, "takedown", "add", photo, "--dry-run", *options).out)
    assert would["pictures"] == {"graffiti": 1}
    assert store.exists(keys[1])
    assert not list(store.list("takedowns"))
    (done,) = json.loads(artgrab(capsys, "takedown", "add", photo, *options).out)
    assert (done["new"], done["applied"], done["pictures"]) == (True, True, {"graffiti": 1})
    assert not store.exists(keys[1])


def test_a_takedown_of_what_nobody_has_yet_is_kept(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    done = artgrab(capsys, "takedown", "add", "later.test", "--store", store.uri)
    assert done.code == 0
    assert "matches no picture yet" in done.out
    assert len(artgrab(capsys, "takedown", "list", "--store", store.uri).out) > 20


def test_one_wrong_target_of_many_changes_nothing(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(store)
    for wrong in ("cat.jpg", "https://a b", tmp_path, "com"):
        done = artgrab(capsys, "takedown", "add", URLS[0], wrong, "--store", store.uri)
        assert done.code == 2
        assert len(done.err.splitlines()) == 1
    assert not list(store.list("takedowns"))
    assert artgrab(capsys, "takedown", "remove", "feed", "--store", store.uri).code == 2


def test_while_another_run_is_at_work_the_takedown_is_kept_for_its_next_step(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = fill(store)
    with exclusive(store):
        done = artgrab(capsys, "takedown", "add", URLS[0], "--store", store.uri)
        refused = artgrab(capsys, "takedown", "remove", URLS[0], "--store", store.uri)
    assert done.code == 0
    assert "Another run is at work" in done.out
    assert refused.code == 4
    assert store.exists(keys[0])
    assert artgrab(capsys, "dataset", "verify", "--store", store.uri).code == 3
    assert artgrab(capsys, "takedown", "apply", "--store", store.uri).code == 0
    assert not store.exists(keys[0])
    assert artgrab(capsys, "dataset", "verify", "--store", store.uri).code == 0


def test_verification_names_the_commands_that_mend_what_it_found(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = fill(store)
    store.put(keys[0], b"damaged")
    store.delete([keys[1]])
    found = artgrab(capsys, "dataset", "verify", "--store", store.uri)
    assert found.code == 3
    assert "2 problems" in found.last
    assert "dataset verify --mend" in found.last
    for text in (f"corrupt picture: {store.uri_of(keys[0])}", "missing picture:", "mend them"):
        assert text in found.out
    shown = artgrab(capsys, "dataset", "verify", "--store", store.uri, "--output", "json")
    result = json.loads(shown.out)
    assert (result["clean"], result["problem_count"]) == (False, 2)
    assert result["counts"]["picture"]["corrupt"] == result["counts"]["picture"]["missing"] == 1
    mended = artgrab(capsys, "dataset", "verify", "--mend", "--store", store.uri)
    assert mended.code == 0, mended.err
    assert "run 'FILE...'" in mended.out or "run FILE..." in mended.out
    records = read_records(store, namespace=NAMESPACE, category="graffiti").values()
    assert [one.record.outcome for one in records].count(RecordOutcome.FAILED) == 2
    whole = artgrab(capsys, "dataset", "verify", "all", "--store", store.uri)
    assert (whole.code, "Everything is as recorded" in whole.out) == (0, True)


def test_foreign_objects_are_told_and_never_removed(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(store)
    key = "default/categories/graffiti/images/mine.jpg"
    store.put(key, b"mine")
    found = artgrab(capsys, "dataset", "verify", "--mend", "--store", store.uri)
    assert found.code == 3
    assert "rm " in found.last
    assert store.exists(key)


def test_a_dataset_or_store_that_is_not_there_is_bad_input(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(store)
    assert artgrab(capsys, "dataset", "verify", "feed", "--store", store.uri).code == 2
    nowhere = tmp_path / "nowhere"
    assert artgrab(capsys, "dataset", "verify", "--store", nowhere).code == 2
    assert artgrab(capsys, "takedown", "list", "--store", nowhere).code == 2
    assert not nowhere.exists()


def test_each_step_of_a_run_finishes_what_a_kill_has_left(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = fill(store)
    put_tombstone(store, recognise(URLS[0]))
    with exclusive(store):
        apply_pending(store, progress=no_progress)
    assert store.exists(keys[0]), "whoever is at work does it"
    apply_pending(store, progress=no_progress)
    assert not store.exists(keys[0])
    store.put("default/datasets/damaged/snapshot.json", b"{")
    apply_pending(store, progress=no_progress)
    assert "datasets/damaged/snapshot.json" in capsys.readouterr().err
