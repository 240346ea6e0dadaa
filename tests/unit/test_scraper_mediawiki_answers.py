"""From a MediaWiki's JSON to files: a golden answer, errors, hostile answers."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from artgrab.common.records import Licence
from artgrab.common.urls import normalise_url
from artgrab.scraper.sources.base import Found, SourceError
from artgrab.scraper.sources.mediawiki_answers import LaggingError, parse_answer, to_found


def _page(**changes: Any) -> dict[str, Any]:
    info = {
        "user": "Uploader",
        "size": 1234,
        "width": 640,
        "height": 480,
        "url": "https://upload.wiki.test/a/ab/Old_bridge.jpg",
        "descriptionurl": "https://wiki.test/wiki/File:Old_bridge.jpg",
        "mime": "image/jpeg",
        "sha1": "0" * 40,
        "extmetadata": {
            "Artist": {"value": "<a href='//wiki.test/wiki/User:X'>Jane <b>Doe</b></a>"},
            "LicenseShortName": {"value": "CC BY-SA 4.0"},
            "LicenseUrl": {"value": "//creativecommons.org/licenses/by-sa/4.0"},
        },
    }
    page = {"pageid": 7, "ns": 6, "title": "File:Old bridge.jpg", "index": 1}
    return page | {"imageinfo": [info | changes]}


def _answer(*pages: dict[str, Any], **fields: Any) -> bytes:
    return json.dumps({"query": {"pages": list(pages)}} | fields).encode()


def test_a_file_comes_with_its_page_artist_and_licence() -> None:
    (file,) = parse_answer(_answer(_page())).files
    assert to_found(file, offset=50) == Found(
        url="https://upload.wiki.test/a/ab/Old_bridge.jpg",
        rank=50,
        page_url="https://wiki.test/wiki/File:Old_bridge.jpg",
        title="Old bridge",
        creator="Jane Doe",
        licence=Licence(
            code="CC BY-SA 4.0",
            url="https://creativecommons.org/licenses/by-sa/4.0",
            evidence="api",
        ),
        width=640,
        height=480,
    )


def test_a_wiki_that_tells_no_terms_is_not_put_words_into_its_mouth() -> None:
    (file,) = parse_answer(_answer(_page(extmetadata=[]))).files
    assert file.licence == Licence()
    assert file.creator == "Uploader"


def test_files_are_in_the_order_of_the_search_not_of_their_ids() -> None:
    pages = [_page() | {"pageid": number, "index": index} for number, index in ((1, 3), (2, 2))]
    assert [file.page_id for file in parse_answer(_answer(*pages)).files] == [2, 1]


@pytest.mark.parametrize("mime", ["image/svg+xml", "application/pdf", "video/webm", "image/tiff"])
def test_what_is_no_bitmap_for_us_is_left_out_and_keeps_its_place(mime: str) -> None:
    answer = parse_answer(_answer(_page(mime=mime), _page() | {"index": 2}))
    assert [file.place for file in answer.files] == [1]


@pytest.mark.parametrize("url", ["", "javascript:alert(1)", "file:///etc/passwd", "/a.jpg"])
def test_a_file_without_a_web_address_is_left_out(url: str) -> None:
    assert parse_answer(_answer(_page(url=url))).files == ()


def test_the_position_of_the_next_answer_is_handed_on() -> None:
    answer = parse_answer(_answer(_page(), **{"continue": {"gsroffset": 50, "continue": "x||"}}))
    assert answer.position == {"gsroffset": 50, "continue": "x||"}


def test_a_search_without_results_is_an_empty_answer() -> None:
    assert parse_answer(b'{"batchcomplete": true}').files == ()


def test_a_lagging_wiki_is_told_from_a_refusing_one() -> None:
    lag = json.dumps({"error": {"code": "maxlag", "info": "Waiting for a host", "lag": 7.5}})
    with pytest.raises(LaggingError) as lagging:
        parse_answer(lag.encode(), retry_after=5.0)
    assert lagging.value.retry_after == 5.0
    with pytest.raises(SourceError, match="badvalue: no such"):
        parse_answer(b'{"error": {"code": "badvalue", "info": "no such"}}')


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b"\xff", b'{"query": 1}'])
def test_what_is_no_answer_of_a_wiki_is_a_trouble_of_the_source(body: bytes) -> None:
    with pytest.raises(SourceError):
        parse_answer(body)


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
_KEYS = st.sampled_from(["url", "mime", "size", "width", "extmetadata", "user", "descriptionurl"])


@given(st.dictionaries(_KEYS, _JSON))
@settings(max_examples=300)
def test_hostile_answers_give_files_or_a_trouble_of_the_source(changes: dict[str, Any]) -> None:
    try:
        files = parse_answer(_answer(_page(**changes))).files
    except SourceError:
        return
    for file in files:
        assert normalise_url(file.url) == file.url
        assert file.width >= 0


@given(_JSON)
def test_hostile_terms_never_break_an_answer(value: Any) -> None:
    terms = {"Artist": {"value": value}, "LicenseUrl": value, "LicenseShortName": {"value": value}}
    (file,) = parse_answer(_answer(_page(extmetadata=terms))).files
    assert file.creator.isprintable()


@given(st.binary(max_size=100))
def test_any_bytes_are_an_answer_or_a_trouble_of_the_source(body: bytes) -> None:
    with suppress(SourceError, LaggingError):
        assert parse_answer(body).files == ()
