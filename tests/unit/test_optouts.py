"""Opt-outs in headers and on pages: what is a signal, and what is none."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artgrab.common.politeness.optouts import (
    MAX_SIGNAL_CHARACTERS,
    MAX_SIGNALS,
    header_signals,
    page_signals,
    robots_tags,
    signal_refusal,
    usage_preference,
)


def headers(*items: tuple[str, str]) -> Callable[[str], Sequence[str]]:
    return lambda name: [value for key, value in items if key == name]


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("noai", ["noai"]),
        ("NoImageAI", ["noimageai"]),
        ("all, noindex", ["noindex"]),
        ("nofollow", []),
        ("none", ["none"]),
        ("artgrab: noai", ["noai"]),
        ("artgrab/1.0: noai", ["noai"]),
        ("artgrabber: noai", []),
        ("otherbot: noindex, artgrab: noai", ["noai"]),
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
    found = header_signals(
        headers(
            ("x-robots-tag", "noai"),
            ("x-robots-tag", "noai, none"),
            ("tdm-reservation", " 1 "),
            ("tdm-policy", "https://a.test/policy.json"),
            ("content-usage", "search=y, train-ai=n"),
            ("content-signal", "ai-train=no"),
        )
    )
    assert found == (
        "x-robots-tag: noai",
        "x-robots-tag: none",
        "content-usage: train-ai=n",
        "content-signal: ai-train=no",
        "tdm-reservation: 1",
        "tdm-policy: https://a.test/policy.json",
    )


@pytest.mark.parametrize("value", ["0", "", "2", "10"])
def test_only_a_one_reserves(value: str) -> None:
    assert header_signals(headers(("tdm-reservation", value), ("tdm-policy", "x"))) == ()


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("train-ai=n", "train-ai=n"),
        ("train-ai=y", "train-ai=y"),
        ("bots=y, train-ai=n;x=1", "train-ai=n"),
        ("Train-AI = N", "train-ai=n"),
        ("train-ai=n, train-ai=y", "train-ai=y"),  # the last one holds (RFC 9651, 3.2)
        ("bots=n", "bots=n"),
        ("bots=n, train-ai=y", "train-ai=y"),
        ("train-ai=maybe, bots=n", "bots=n"),
        ("train-genai=n", ""),
        ("search=n, ai-use=n", ""),
        ('a="x, train-ai=n", b=y', ""),
        ('a="x\\", train-ai=n", b=y', ""),
        ('a="x", train-ai=n', "train-ai=n"),
        ("train-ai", ""),
        ("", ""),
    ],
)
def test_of_usage_preferences_those_on_training_count(value: str, found: str) -> None:
    assert usage_preference(value) == found


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("search=yes,ai-train=no", "ai-train=no"),
        ("ai-train=yes", ""),
        ("ai-input=no", ""),
        ("", ""),
    ],
)
def test_of_content_signals_the_one_on_training_counts(value: str, found: str) -> None:
    assert signal_refusal(value) == found


@pytest.mark.parametrize(
    ("metas", "found"),
    [
        ([("robots", "noai, noimageai")], ["meta robots: noai", "meta robots: noimageai"]),
        ([("ROBOTS", "NoImageIndex")], ["meta robots: noimageindex"]),
        ([("artgrab", "noai")], ["meta artgrab: noai"]),
        ([("googlebot", "noai")], []),
        (
            [("robots", "noindex, nofollow"), ("robots", "none")],
            [],
        ),  # of the page, not its pictures
        ([("tdm-reservation", "1")], ["meta tdm-reservation: 1"]),
        (
            [("tdm-policy", "https://a.test/p"), ("TDM-Reservation", " 1 ")],
            ["meta tdm-reservation: 1", "meta tdm-policy: https://a.test/p"],
        ),
        ([("tdm-reservation", "0"), ("tdm-policy", "https://a.test/p")], []),
        ([("description", "noai")], []),
    ],
)
def test_metas_of_a_page_speak_of_the_pictures_on_it(
    metas: list[tuple[str, str]], found: list[str]
) -> None:
    assert page_signals(metas) == tuple(found)


def test_headers_of_a_page_speak_of_the_pictures_on_it() -> None:
    found = page_signals(
        [],
        headers(
            ("x-robots-tag", "noindex, noai"),
            ("content-usage", "train-ai=n"),
            ("tdm-reservation", "1"),
        ),
    )
    assert found == (
        "page x-robots-tag: noai",
        "page content-usage: train-ai=n",
        "page tdm-reservation: 1",
    )


def test_signals_are_few_short_and_printable() -> None:
    policies = [("tdm-policy", f"\x00\u2028{number}" + "x" * 9000) for number in range(100)]
    found = page_signals([("tdm-reservation", "1"), *policies])
    assert len(found) == MAX_SIGNALS
    assert max(map(len, found)) == MAX_SIGNAL_CHARACTERS
    assert all(map(str.isprintable, found))


@given(st.lists(st.text(max_size=80), max_size=4))
def test_no_header_makes_the_reading_fail(values: list[str]) -> None:
    assert set(robots_tags(values)) <= {
        "noai", "noimageai", "noindex", "noimageindex", "none", "noml"
    }  # fmt: skip
    found = header_signals(lambda name: values)
    assert all(map(str.isprintable, found))


@given(st.text(alphabet='train-ai=ny,;" \\', max_size=60))
def test_no_dictionary_makes_the_reading_fail(value: str) -> None:
    assert usage_preference(value) in ("", "train-ai=n", "train-ai=y")


_NAMES = st.sampled_from(["robots", "artgrab", "tdm-reservation", "tdm-policy"]) | st.text()


@given(st.lists(st.tuples(_NAMES, st.text(max_size=40)), max_size=6))
def test_no_meta_makes_the_reading_fail(metas: list[tuple[str, str]]) -> None:
    assert all(signal.startswith("meta ") for signal in page_signals(metas))
