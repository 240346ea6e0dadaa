"""What is taken down is not learned from, whether or not the takedown was applied."""

from pathlib import Path

import msgspec
import pytest

from artgrab.common.manifest import ManifestRow
from artgrab.common.store import Store
from artgrab.common.takedowns import Takedown, TakedownKind, takedown_key, takedown_of
from artgrab.trainer.lasting import lasting_rows
from tests.support.snapshots import NAMESPACE, SNAPSHOT, put_manifest
from tests.support.stored import put_picture

URL = "http://img.site.test/1.jpg"
PAGE = "http://www.site.test/1"
OTHER = "http://img.other.test/2.jpg"


def row_of(store: Store, url: str, *, recorded: bool) -> ManifestRow:
    record = put_picture(store, "murals" if recorded else "elsewhere", url)
    return ManifestRow(
        object_key=record.object_key,
        object_sha256=record.object_sha256,
        source_sha256=record.source_sha256,
        label="art",
        category="murals",
        split="train",
        group=url,
        perceptual_hash=record.perceptual_hash,
        width=record.width,
        height=record.height,
        url=url,
        page_url=PAGE if url == URL else "",
        source="gallery",
        query="",
        rank=0,
        title="",
        creator="",
        licence_code="",
        licence_url="",
        licence_evidence="",
        retrieved_at="",
    )


def lasting(store: Store, *takedowns: Takedown) -> list[str]:
    for one in takedowns:
        store.put(takedown_key(one.id), msgspec.json.encode(one))
    rows = lasting_rows(store, namespace=NAMESPACE, snapshot_prefix=SNAPSHOT)
    return [row.url for row in rows]


@pytest.mark.parametrize("recorded", [True, False], ids=["by its record", "by its row"])
@pytest.mark.parametrize("kind", list(TakedownKind))
def test_a_row_that_is_taken_down_is_left_out(
    tmp_path: Path, kind: TakedownKind, recorded: bool
) -> None:
    store = Store.open(str(tmp_path))
    rows = [row_of(store, URL, recorded=recorded), row_of(store, OTHER, recorded=recorded)]
    put_manifest(store, rows)
    assert lasting(store) == [URL, OTHER]
    gone = rows[0]
    target = {
        TakedownKind.URL: URL,
        TakedownKind.HOST: "site.test",
        TakedownKind.SHA256: gone.object_sha256,
        TakedownKind.PICTURE: "0" * 64,
    }[kind]
    look = {"perceptual_hash": gone.perceptual_hash, "width": gone.width, "height": gone.height}
    more = look if kind is TakedownKind.PICTURE else {}
    assert lasting(store, takedown_of(kind, target, **more)) == [OTHER]


def test_a_takedown_of_something_else_leaves_all(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path))
    put_manifest(store, [row_of(store, URL, recorded=True)])
    assert lasting(store, takedown_of(TakedownKind.HOST, "nobody.test")) == [URL]
