"""What of headers goes into a record, and how the decision about opt-outs is told."""

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from artgrab.common.records import Candidate
from artgrab.downloader.optouts import (
    HEADERS,
    PAGE,
    RESERVATIONS,
    ROBOTS,
    decision,
    headers_of_interest,
    opt_out_signals,
)


def headers(*items: tuple[str, str]) -> CIMultiDictProxy[str]:
    return CIMultiDictProxy(CIMultiDict(items))


def candidate(page_url: str = "") -> Candidate:
    return Candidate(
        candidate_id="0" * 64, url="http://a.test/a.jpg", source="gallery", page_url=page_url
    )


def test_headers_are_found_however_they_are_written_and_repeated() -> None:
    found = opt_out_signals(headers(("X-ROBOTS-TAG", "all"), ("x-robots-tag", "noai\udcff, noai")))
    assert found == ("x-robots-tag: noai",)


@pytest.mark.parametrize(
    ("page_url", "signals", "seen", "told"),
    [
        (
            "",
            (),
            (PAGE, ROBOTS, RESERVATIONS, HEADERS),
            "allowed: none seen in gallery page, robots.txt, tdmrep.json, headers",
        ),
        (
            "http://a.test/about",
            (),
            (PAGE, ROBOTS, HEADERS),
            "allowed: none seen in gallery page, robots.txt, headers;"
            " not checked: tdmrep.json; landing page not visited",
        ),
        (
            "",
            (),
            (HEADERS, RESERVATIONS, ROBOTS),
            "allowed: none seen in robots.txt, tdmrep.json, headers; landing page not visited",
        ),
        (
            "",
            (),
            (PAGE, ROBOTS),
            "undecided: none seen in gallery page, robots.txt; not checked: tdmrep.json, headers",
        ),
        (
            "",
            (),
            (),
            "undecided: not checked: robots.txt, tdmrep.json, headers; landing page not visited",
        ),
        ("", ("tdm-reservation: 1", "tdm-policy: x"), (HEADERS,), "refused: tdm-reservation: 1"),
    ],
)
def test_a_decision_names_its_rule_or_all_that_was_looked_at(
    page_url: str, signals: tuple[str, ...], seen: tuple[str, ...], told: str
) -> None:
    assert decision(candidate(page_url), signals, seen) == told


def test_a_record_keeps_few_headers_cut_and_storable() -> None:
    kept = headers_of_interest(
        headers(("ETag", "x" * 9000), ("Set-Cookie", "a"), ("Content-Type", "im\udcffage/png"))
    )
    assert kept == {"etag": "x" * 512, "content-type": "im\ufffdage/png"}
