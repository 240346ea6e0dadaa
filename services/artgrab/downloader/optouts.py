"""What is done about opt-outs: the decision that goes into a record, with all that led to it."""

from collections.abc import Collection, Mapping, Sequence

from multidict import CIMultiDictProxy

from artgrab.common.politeness.optouts import header_signals
from artgrab.common.records import Candidate
from artgrab.downloader.fetch import text_of

_HEADERS_OF_INTEREST = (
    "Content-Type",
    "Content-Length",
    "ETag",
    "Last-Modified",
    "X-Robots-Tag",
    "TDM-Reservation",
    "TDM-Policy",
    "Content-Usage",
    "Content-Signal",
)
_MAX_HEADER_CHARACTERS = 512
PAGE, ROBOTS, RESERVATIONS, HEADERS = "gallery page", "robots.txt", "tdmrep.json", "headers"
"""Where opt-outs are looked for: the page a picture was found on, two files of its own host, and
the headers of its own answer."""


def opt_out_signals(headers: CIMultiDictProxy[str]) -> tuple[str, ...]:
    """Return the signals that tell us not to keep the picture; empty where there are none."""
    return header_signals(lambda name: [text_of(one) for one in headers.getall(name, [])])


def headers_of_interest(headers: CIMultiDictProxy[str]) -> Mapping[str, str]:
    """Return what a record keeps of the headers, by lower-case name."""
    return {
        name.lower(): text_of(", ".join(headers.getall(name)))[:_MAX_HEADER_CHARACTERS]
        for name in _HEADERS_OF_INTEREST
        if name in headers
    }


def decision(candidate: Candidate, signals: Sequence[str], seen: Collection[str]) -> str:
    """Return what was decided about a candidate, by which rule, and what was looked at for it.

    Args:
        candidate: what the scraper said of it.
        signals: against keeping it.
        seen: the places that could be looked at.
    """
    if signals:
        return f"refused: {signals[0]}"
    looked = [place for place in (PAGE, ROBOTS, RESERVATIONS, HEADERS) if place in seen]
    unseen = [place for place in (ROBOTS, RESERVATIONS, HEADERS) if place not in seen]
    parts = [f"none seen in {', '.join(looked)}"] if looked else []
    if unseen:
        parts.append(f"not checked: {', '.join(unseen)}")
    if candidate.page_url or PAGE not in seen:
        parts.append("landing page not visited")
    return f"{'allowed' if HEADERS in seen else 'undecided'}: {'; '.join(parts)}"
