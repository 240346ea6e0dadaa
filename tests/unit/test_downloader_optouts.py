"""Headers by which a site says that its pictures are not to be taken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from artgrab.downloader.optouts import headers_of_interest, opt_out_signals, robots_tags


def headers(*items: tuple[str, str]) -> CIMultiDictProxy[str]:
    return CIMultiDictProxy(CIMultiDict(items))


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("noai", ["noai"]),
        ("NoImageAI", ["noimageai"]),
        ("all, noindex", ["noindex"]),
        ("nofollow", []),
        ("none", ["none"]),
        ("artgrab: noai", ["noai"]),
        ("ArtGrab: nofollow, noimageindex", ["noimageindex"]),
        ("googlebot: noindex", []),
        ("googlebot: noindex, noai", []),
        ("*: noml", ["noml"]),
        ("max-snippet:20, noai", ["noai"]),
        ("unavailable_after: 25 Jun 2030 15:00:00 PST, noai", ["noai"]),
        ("unavailable_after: Wednesday, 25-Jun-30 15:00:00 UTC, noai", ["noai"]),
        ("googlebot: unavailable_after: 25 Jun 2030 15:00:00 PST, noai", []),
        ("index, noaiplease, not noai", []),
    ],
)
def test_refusals_are_found_among_other_tags(value: str, found: list[str]) -> None:
    assert robots_tags([value]) == found


def test_a_robot_named_in_one_header_is_not_meant_in_the_next() -> None:
    assert robots_tags(["otherbot: noindex", "noai"]) == ["noai"]


def test_signals_are_named_once_with_their_header() -> None:
    found = opt_out_signals(
        headers(
            ("X-Robots-Tag", "noai"), ("x-robots-tag", "noai, none"), ("TDM-Reservation", " 1 ")
        )
    )
    assert found == ("x-robots-tag: noai", "x-robots-tag: none", "tdm-reservation: 1")


@pytest.mark.parametrize("value", ["0", "", "2", "10"])
def test_only_a_one_reserves(value: str) -> None:
    assert opt_out_signals(headers(("tdm-reservation", value))) == ()


@given(st.lists(st.text(max_size=80), max_size=4))
def test_no_header_makes_the_reading_fail(values: list[str]) -> None:
    assert set(robots_tags(values)) <= {
        "noai", "noimageai", "noindex", "noimageindex", "none", "noml"
    }  # fmt: skip


def test_a_record_keeps_few_headers_cut_and_storable() -> None:
    kept = headers_of_interest(
        headers(("ETag", "x" * 9000), ("Set-Cookie", "a"), ("Content-Type", "im\udcffage/png"))
    )
    assert kept == {"etag": "x" * 512, "content-type": "im\ufffdage/png"}
