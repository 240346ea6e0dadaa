"""What a takedown is taken for, what it matches, and what is refused."""

import os
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from artgrab.common.digests import sha256_hex
from artgrab.common.errors import ArtgrabError, BadInputError, ObjectCorruptError
from artgrab.common.keys import SCHEMA_VERSION
from artgrab.common.likeness import NEAR_DUPLICATE_DISTANCE, Look
from artgrab.common.records import MergedRecord
from artgrab.common.resources import Curation
from artgrab.common.store import Store
from artgrab.common.takedowns import (
    TakedownKind,
    Takedowns,
    read_takedowns,
    takedown_key,
    takedown_of,
)
from artgrab.takedowns.targets import MAX_FILE_BYTES, recognise
from artgrab.takedowns.tombstones import find_tombstone, put_tombstone
from tests.support.drawn import jpeg
from tests.support.stored import candidate, stored

DIGEST = "0123456789abcdef" * 4
BUSY = "f0f0f0f00f0f0f0f"
"""A perceptual hash of a picture with something on it."""


@pytest.mark.parametrize(
    ("text", "kind", "target"),
    [
        ("HTTPS://Example.org:443/a%7eb?x=1#y", TakedownKind.URL, "https://example.org/a~b?x=1"),
        ("http://bücher.example/ä", TakedownKind.URL, "http://xn--bcher-kva.example/%C3%A4"),
        ("Bücher.Example.", TakedownKind.HOST, "xn--bcher-kva.example"),
        ("127.0.0.1", TakedownKind.HOST, "127.0.0.1"),
        (DIGEST.upper(), TakedownKind.SHA256, DIGEST),
        (f"sha256:{DIGEST}", TakedownKind.SHA256, DIGEST),
    ],
)
def test_a_text_is_recognised_by_what_it_looks_like(
    text: str, kind: TakedownKind, target: str
) -> None:
    takedown = recognise(text, reason="asked by mail")
    assert (takedown.kind, takedown.target, takedown.reason) == (kind, target, "asked by mail")
    assert recognise(target).id == takedown.id


def test_a_file_is_recognised_by_its_pixels_whatever_its_name(tmp_path: Path) -> None:
    path = tmp_path / "example.org"
    path.write_bytes(jpeg(3))
    takedown = recognise(str(path))
    assert (takedown.kind, takedown.target) == (TakedownKind.PICTURE, sha256_hex(jpeg(3)))
    assert (takedown.width, takedown.height) == (320, 240)
    assert len(takedown.perceptual_hash) == 16


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "an empty text: not the name of a host"),
        ("com", "anybody"),
        ("co.uk", "anybody"),
        ("cat.jpg", "no such file"),
        ("photos/cat", "no such file"),
        ("example.org/cat.jpg", "begins with http"),
        ("ftp://example.org/a", "not an absolute http"),
        ("https://", "not a URL"),
        ("https://exa mple.org/", "percent-encode"),
        ("https://example.org:99999/", "not a URL"),
        ("https://example.org/" + "a" * 9000, "at most 8192"),
        ("*.example.org", "not the name of a host"),
        (DIGEST[:-1], "not the name of a host|anybody"),
        ("a\0b", "not the name of a host"),
        ("a\x1b[31m\nb", "not the name of a host"),
        ("x" * 5000, "not the name of a host"),
    ],
)
def test_what_cannot_be_taken_down_is_refused_in_one_short_line(text: str, words: str) -> None:
    with pytest.raises(BadInputError, match=words) as refused:
        recognise(text)
    assert len(str(refused.value)) < 300
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"Dear sirs, please remove my picture", "not-an-image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "svg"),
        (jpeg(1)[:400], "truncated|damaged"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 200, "damaged"),
        (b"\0" * (MAX_FILE_BYTES + 1), "larger than 25 MB"),
    ],
    ids=["empty", "letter", "svg", "cut off", "damaged", "large"],
)
def test_a_file_that_is_no_picture_is_refused(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    with pytest.raises(BadInputError, match=words):
        recognise(str(path))


def test_folders_pipes_and_devices_are_refused_and_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, words in ((tmp_path, "folder"), (tmp_path / "pipe", "plain"), ("/dev/zero", "plain")):
        with pytest.raises(BadInputError, match=words):
            recognise(str(path))


@given(st.text())
def test_any_text_is_recognised_or_refused(text: str) -> None:
    try:
        takedown = recognise(text)
    except ArtgrabError:
        return
    assert recognise(takedown.target).id == takedown.id


def merged(**more: object) -> MergedRecord:
    found = candidate("https://img.a.test/1.jpg", page_url="http://www.b.test/gallery")
    record = stored(found, category="c", source_sha256=DIGEST, perceptual_hash=BUSY)
    again = candidate("https://img.a.test/1.jpg", page_url="http://c.test/", rank=4)
    return MergedRecord(msgspec.structs.replace(record, **more), (found, again))


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("https://img.a.test/1.jpg", True),
        ("http://img.a.test/1.jpg#top", True),
        ("http://moved.test/2.jpg", True),
        ("http://www.b.test/gallery", True),
        ("http://c.test/", True),
        ("a.test", True),
        ("c.test", True),
        ("moved.test", True),
        (DIGEST, True),
        ("https://img.a.test/", False),
        ("https://img.a.test/1.jpg?", True),
        ("www.a.test", False),
        ("g.a.test", False),
        ("a.test.example", False),
        ("f" * 64, False),
    ],
)
def test_every_way_a_picture_was_found_counts(text: str, matches: bool) -> None:
    takedowns = Takedowns([recognise(text)])
    found = takedowns.of_record(merged(final_url="http://moved.test/2.jpg"))
    assert (found is not None) == matches


@pytest.mark.parametrize(
    ("look", "matches"),
    [
        (Look(BUSY, 200, 100), True),
        (Look(f"{int(BUSY, 16) ^ 0xFF:016x}", 400, 201), True),
        (Look(f"{int(BUSY, 16) ^ 0x1FF:016x}", 200, 100), False),
        (Look(BUSY, 100, 100), False),
        (Look("0" * 16, 200, 100), False),
        (Look("", 0, 0), False),
    ],
)
def test_what_looks_alike_is_judged_as_in_a_dataset(look: Look, matches: bool) -> None:
    more = {"perceptual_hash": BUSY, "width": 200, "height": 100}
    takedowns = Takedowns([takedown_of(TakedownKind.PICTURE, DIGEST, **more)])
    assert (takedowns.of_look(look) is not None) == matches
    assert Curation().near_duplicate_distance == NEAR_DUPLICATE_DISTANCE


def test_a_takedown_that_a_record_names_stays_the_one_while_it_holds() -> None:
    first, second = sorted((recognise("a.test"), recognise(DIGEST)), key=lambda one: one.id)
    both = Takedowns([first, second])
    assert both.of_record(merged()) == first
    assert both.of_record(merged(takedown=second.id)) == second
    assert Takedowns([first]).of_record(merged(takedown=second.id)) == first
    assert [one.id for one in both.all_of_record(merged())] == [first.id, second.id]


def test_a_tombstone_is_kept_once_and_found_by_id_or_target(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path))
    first = recognise("a.test", reason="first")
    assert put_tombstone(store, first)
    assert not put_tombstone(store, recognise("A.test", reason="second"))
    put_tombstone(store, recognise("b.test"))
    known = read_takedowns(store)
    assert [one.reason for one in known if one.target == "a.test"] == ["first"]
    assert find_tombstone(known, first.id[:6]) == find_tombstone(known, "a.test") == first
    for wanted in ("", "zzzz", "c.test", first.id[:2]):
        with pytest.raises(BadInputError, match="artgrab takedown list"):
            find_tombstone(known, wanted)


@pytest.mark.parametrize(
    "change", [{"target": "c.test"}, {"kind": "url"}, {"id": "0" * 16}, {"kind": "x"}]
)
def test_a_tombstone_that_is_not_what_its_name_says_is_told(
    tmp_path: Path, change: dict[str, str]
) -> None:
    store, takedown = Store.open(str(tmp_path)), recognise("a.test")
    document = {**msgspec.to_builtins(takedown), **change}
    store.put(takedown_key(takedown.id), msgspec.json.encode(document))
    with pytest.raises(ObjectCorruptError, match=takedown.id):
        read_takedowns(store)


def test_a_tombstone_of_a_newer_artgrab_is_refused(tmp_path: Path) -> None:
    store, takedown = Store.open(str(tmp_path)), recognise("a.test")
    newer = msgspec.structs.replace(takedown, schema_version=SCHEMA_VERSION + 1)
    put_tombstone(store, newer)
    with pytest.raises(BadInputError, match="newer artgrab"):
        read_takedowns(store)


@given(st.sampled_from(["http", "https", "HTTP"]), st.sampled_from(["", "u:p@", "%41", "B."]))
def test_no_spelling_of_a_host_hides_it(scheme: str, before: str) -> None:
    url = f"{scheme}://{before}a.TEST:8080/x"
    hidden = before == "%41"  # another host, whatever a server makes of it
    assert (Takedowns([recognise("a.test")]).of_urls(url) is None) == hidden
