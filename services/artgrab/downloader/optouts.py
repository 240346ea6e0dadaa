"""What an answer's headers say about being indexed or learned from."""

import re
from collections.abc import Iterable, Mapping

from multidict import CIMultiDictProxy

from artgrab.common.network import PRODUCT
from artgrab.downloader.fetch import text_of

_REFUSALS = frozenset({"noai", "noimageai", "noindex", "noimageindex", "none", "noml"})
_WITH_VALUES = frozenset(
    {"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"}
)
_AGENT = re.compile(r"[a-z0-9*_./-]+")
_HEADERS_OF_INTEREST = (
    "Content-Type",
    "Content-Length",
    "ETag",
    "Last-Modified",
    "X-Robots-Tag",
    "TDM-Reservation",
    "TDM-Policy",
    "Content-Usage",
)
_MAX_HEADER_CHARACTERS = 512


def opt_out_signals(headers: CIMultiDictProxy[str]) -> tuple[str, ...]:
    """Return the signals that tell us not to keep the picture; empty where there are none."""
    found = [f"x-robots-tag: {word}" for word in robots_tags(headers.getall("X-Robots-Tag", []))]
    if headers.get("TDM-Reservation", "").strip() == "1":
        found.append("tdm-reservation: 1")
    return tuple(dict.fromkeys(found))


def robots_tags(values: Iterable[str]) -> list[str]:
    """Return the refusals in X-Robots-Tag headers that are meant for all or for us.

    A tag may be preceded by the name of a robot, which then holds to the end of the header.
    """
    found: list[str] = []
    for value in values:
        agent = ""
        for part in value.lower().split(","):
            prefix, colon, rest = part.strip().partition(":")
            if colon and prefix.strip() not in _WITH_VALUES and _AGENT.fullmatch(prefix.strip()):
                agent, part = prefix.strip(), rest
            if part.strip() in _REFUSALS and agent in ("", "*", PRODUCT):
                found.append(part.strip())
    return found


def headers_of_interest(headers: CIMultiDictProxy[str]) -> Mapping[str, str]:
    """Return what a record keeps of the headers, by lower-case name."""
    return {
        name.lower(): text_of(", ".join(headers.getall(name)))[:_MAX_HEADER_CHARACTERS]
        for name in _HEADERS_OF_INTEREST
        if name in headers
    }
