"""What the short words for pictures that were not kept mean."""

from collections.abc import Mapping

REASONS: Mapping[str, str] = {
    # Stored and left out of a snapshot.
    "exact-duplicate": "the same picture is in it already",
    "near-duplicate": "a picture that looks the same is in it already",
    "label-conflict": "found under two labels, so neither can be trusted",
    "joins-two-splits": "belongs to groups on two sides of the split",
    # Not stored: who has rights to it does not want that.
    "opt-out": "its site or page asks not to be used for this",
    "robots": "robots.txt of its site forbids it",
    "robots-unavailable": "robots.txt of its site cannot be read, so nothing may be",
    "taken-down": "somebody asked to have it taken down",
    # Not stored: it is no picture to learn from.
    "too-small": "smaller than the filters ask for",
    "too-elongated": "far longer than wide",
    "too-many-pixels": "too large to be decoded safely",
    "too-much-memory": "needs too much memory to be decoded safely",
    "too-large": "more bytes than are taken",
    "not-an-image": "no picture in a format that is taken",
    "damaged": "cannot be decoded",
    "truncated": "ends before its end",
    "animated": "moves",
    "decoder-died": "its decoder did not survive it",
    "decoder-timeout": "takes too long to be decoded",
    # Not stored: it could not be had.
    "bad-answer": "its site's answer makes no sense",
    "bad-redirect": "its site sends elsewhere, but not to a web address",
    "bad-url": "no address that is fetched",
    "challenge-page": "its site asks whether a human is there",
    "connect-timeout": "its site did not answer in time",
    "cut-off": "its site broke off",
    "dns": "its site's name leads nowhere",
    "host-busy": "its site had too many pictures waiting",
    "host-down": "its site failed again and again",
    "internal-error": "a mistake of artgrab's",
    "private-address": "leads into a private network",
    "read-timeout": "its site went silent",
    "reset": "its site hung up",
    "site-blocks-us": "its site refuses us",
    "timeout": "its site took too long",
    "too-many-redirects": "its site sends from place to place",
    "too-slow": "its site was too slow",
}


def meaning_of(reason: str) -> str:
    """Return what a reason means, empty where that is not known."""
    if reason.startswith("http-"):
        return f"its site answered {reason.removeprefix('http-')}"
    return REASONS.get(reason, "")
