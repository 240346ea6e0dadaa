"""What is taken down is not fetched, not decoded or not kept, whichever is the first to tell."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from artgrab.common.digests import sha256_hex
from artgrab.common.record_parts import read_records, rewrite
from artgrab.common.records import RecordOutcome
from artgrab.common.store import Store
from artgrab.common.takedowns import Takedown, TakedownKind, takedown_key, takedown_of
from artgrab.downloader.tombstones import Tombstones
from artgrab.images import process_picture
from tests.support.downloads import only_record, pictures_kept, recorded
from tests.support.drawn import drawn, encoded, jpeg
from tests.support.ingest_client import candidate, downloader, ingest, ingest_one
from tests.support.playing_hosts import PlayingHosts

URL = "http://img.site.test/a.jpg"
REFUSED = ("REJECTED", "taken-down")


def put(store: Store, kind: TakedownKind, target: str, **more: Any) -> Takedown:
    takedown = takedown_of(kind, target, **more)
    store.put(takedown_key(takedown.id), msgspec.json.encode(takedown))
    return takedown


def put_picture(store: Store, data: bytes) -> Takedown:
    picture = process_picture(data)
    return put(
        store,
        TakedownKind.PICTURE,
        picture.source_sha256,
        perceptual_hash=picture.perceptual_hash,
        width=picture.source_width,
        height=picture.source_height,
    )


@pytest.fixture
async def endpoint(hosts: PlayingHosts, store: Store) -> AsyncIterator[str]:
    hosts.put(URL, jpeg(1))
    async with downloader(store, hosts.network) as endpoint:
        yield endpoint


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        (TakedownKind.URL, URL),
        (TakedownKind.URL, URL.replace("http:", "https:")),
        (TakedownKind.URL, "http://gallery.test/page?id=7"),
        (TakedownKind.HOST, "img.site.test"),
        (TakedownKind.HOST, "site.test"),
        (TakedownKind.HOST, "gallery.test"),
    ],
)
async def test_an_address_that_is_taken_down_is_not_asked(
    hosts: PlayingHosts, store: Store, endpoint: str, kind: TakedownKind, target: str
) -> None:
    takedown = put(store, kind, target)
    one = candidate(URL, page_url="http://GALLERY.test/page?id=7#it")
    (ack,) = await ingest(endpoint, [one])
    assert ack.reason == "taken-down"
    record = only_record(store)
    assert (record.outcome, record.reason) == REFUSED
    assert record.takedown == takedown.id
    assert not hosts.seen, "neither the picture nor robots.txt is asked for"


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        (TakedownKind.URL, URL + "?size=2"),
        (TakedownKind.URL, "http://img.site.test/"),
        (TakedownKind.HOST, "ite.test"),
        (TakedownKind.HOST, "www.img.site.test"),
        (TakedownKind.SHA256, "0" * 64),
    ],
)
async def test_a_takedown_of_something_else_stops_nothing(
    store: Store, endpoint: str, kind: TakedownKind, target: str
) -> None:
    put(store, kind, target)
    assert (await ingest_one(endpoint, URL))[0] == "STORED"


async def test_a_redirect_to_what_is_taken_down_is_not_followed(
    hosts: PlayingHosts, store: Store, endpoint: str
) -> None:
    moved = hosts.put("http://other.test/b.jpg", status=302, headers={"Location": URL})
    put(store, TakedownKind.URL, URL)
    assert await ingest_one(endpoint, moved) == REFUSED
    assert hosts.asked(moved) == 1
    assert not hosts.asked(URL)
    assert only_record(store).final_url == URL


@pytest.mark.parametrize("digest", ["source", "object"])
async def test_bytes_that_are_taken_down_are_refused_from_any_address(
    hosts: PlayingHosts, store: Store, endpoint: str, digest: str
) -> None:
    picture = process_picture(jpeg(1))
    put(
        store,
        TakedownKind.SHA256,
        picture.source_sha256 if digest == "source" else picture.object_sha256,
    )
    copy = hosts.put("http://copy.test/b.jpg", jpeg(1))
    assert await ingest_one(endpoint, URL) == REFUSED
    assert await ingest_one(endpoint, copy) == REFUSED
    assert pictures_kept(store) == 0
    assert {one.record.source_sha256 for one in recorded(store).values()} == {sha256_hex(jpeg(1))}


async def test_what_looks_like_a_picture_that_is_taken_down_is_refused_at_any_size(
    hosts: PlayingHosts, store: Store, endpoint: str
) -> None:
    put_picture(store, jpeg(1))
    smaller = drawn(1).resize((200, 150))
    for number, body in enumerate((encoded(smaller, quality=60), encoded(smaller, "PNG"))):
        again = hosts.put(f"http://again-{number}.test/x", body)
        assert await ingest_one(endpoint, again) == REFUSED
    assert pictures_kept(store) == 0
    hosts.put("http://unlike.test/x", jpeg(2))
    assert (await ingest_one(endpoint, "http://unlike.test/x"))[0] == "STORED"


async def test_a_plain_picture_stands_for_its_own_bytes_only(
    hosts: PlayingHosts, store: Store, endpoint: str
) -> None:
    """All plain surfaces hash alike."""
    plain = [encoded(drawn(1).resize((1, 1)).resize((200 + n, 150)), "PNG") for n in range(2)]
    put_picture(store, plain[0])
    hosts.put("http://plain-0.test/x", plain[0])
    hosts.put("http://plain-1.test/x", plain[1])
    assert await ingest_one(endpoint, "http://plain-0.test/x") == REFUSED
    assert (await ingest_one(endpoint, "http://plain-1.test/x"))[0] == "STORED"


async def test_a_refusal_holds_exactly_as_long_as_its_takedown(
    hosts: PlayingHosts, store: Store, endpoint: str
) -> None:
    takedown = put(store, TakedownKind.SHA256, sha256_hex(jpeg(1)))
    assert await ingest_one(endpoint, URL) == REFUSED
    assert await ingest_one(endpoint, URL) == ("ALREADY_RECORDED", "REJECTED")
    assert hosts.asked(URL) == 1
    store.delete([takedown_key(takedown.id)])
    assert (await ingest_one(endpoint, URL))[0] == "STORED"
    assert only_record(store).outcome is RecordOutcome.STORED


async def test_a_withdrawn_record_is_not_fetched_before_its_takedown_is_removed(
    hosts: PlayingHosts, store: Store, endpoint: str
) -> None:
    await ingest_one(endpoint, URL)
    takedown = put(store, TakedownKind.URL, URL)

    def withdraw(merged: Any) -> Any:
        return msgspec.structs.replace(
            merged.record, outcome=RecordOutcome.WITHDRAWN, takedown=takedown.id
        )

    assert rewrite(store, namespace="default", category="cats", change=withdraw) == 1
    assert await ingest_one(endpoint, URL) == ("ALREADY_RECORDED", "WITHDRAWN")
    store.delete([takedown_key(takedown.id)])
    assert (await ingest_one(endpoint, URL))[0] == "STORED"
    (merged,) = read_records(store, namespace="default", category="cats").values()
    assert merged.record.outcome is RecordOutcome.STORED


async def test_takedowns_are_read_again_at_each_hello_and_after_a_minute(store: Store) -> None:
    now = 0.0
    tombstones = Tombstones(store, clock=lambda: now)
    assert not await tombstones.refresh()
    first = put(store, TakedownKind.HOST, "a.test")
    now = 59.0
    assert not await tombstones.refresh()
    assert first.id in await tombstones.refresh(anew=True)
    store.delete([takedown_key(first.id)])
    now = 118.0
    assert first.id in await tombstones.refresh()
    now = 119.0
    assert not await tombstones.refresh()
