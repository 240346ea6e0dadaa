"""What a page says on the use of its pictures, whatever its scripts make of the headers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artgrab.scraper.sources.gallery_signals import OPT_OUT_HEADERS, OptOuts

_JSON = st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.lists(inner))


def test_metas_headers_and_rules_are_told_together() -> None:
    headers = ["noai, noindex", None, None, "1", None]
    told = OptOuts(["robots.txt: content-usage train-ai=n"], headers)
    assert told.with_metas([("robots", "noimageai")]) == (
        "meta robots: noimageai",
        "page x-robots-tag: noai",
        "page tdm-reservation: 1",
        "page robots.txt: content-usage train-ai=n",
    )


@pytest.mark.parametrize("headers", [None, {}, "noai", [["noai"]], [1, 2, 3], [None] * 99])
def test_headers_that_a_page_has_tampered_with_say_nothing(headers: object) -> None:
    assert OptOuts([], headers).with_metas([]) == ()


@given(_JSON)
def test_nothing_that_a_page_returns_makes_the_reading_fail(headers: object) -> None:
    assert all(one.startswith("page ") for one in OptOuts([], headers).with_metas([]))


def test_each_header_is_known_by_its_place() -> None:
    assert OptOuts([], ["", "train-ai=n"]).with_metas([]) == ("page content-usage: train-ai=n",)
    assert OPT_OUT_HEADERS[1] == "content-usage"
