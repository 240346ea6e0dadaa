"""Opt-outs: how sites and pages say that their pictures are not to be learned from.

Each is told as a signal, a short text that names where it was seen, as `x-robots-tag: noai`. All
of this is hostile input: it is read up to a bound, and what cannot be read says nothing.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from artgrab.common.network import PRODUCT

MAX_SIGNALS = 16
MAX_SIGNAL_CHARACTERS = 300
_MAX_VALUE_CHARACTERS = 8192

_REFUSALS = frozenset({"noai", "noimageai", "noindex", "noimageindex", "none", "noml"})
_PAGE_REFUSALS = _REFUSALS - {"noindex", "none"}
"""Those two speak of the page's own place in search results: most result pages carry them."""
_WITH_VALUES = frozenset(
    {"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"}
)
_AGENT = re.compile(r"[a-z0-9*_./-]+")
_USAGE_KEYS = ("train-ai", "bots")
"""draft-ietf-aipref-vocab: to train a classifier is train-ai; where that is not stated, what is
said of all automated processing holds. train-genai, search and others are no concern of ours."""

ValuesOf = Callable[[str], Sequence[str]]
"""Returns the values of a header, by its lower-case name."""


def header_signals(values_of: ValuesOf) -> tuple[str, ...]:
    """Return the signals in the headers of a picture's own answer."""
    tags = robots_tags(values_of("x-robots-tag"))
    return bounded_signals((*(f"x-robots-tag: {tag}" for tag in tags), *_other_headers(values_of)))


def page_signals(
    metas: Sequence[tuple[str, str]], values_of: ValuesOf = lambda name: ()
) -> tuple[str, ...]:
    """Return the signals of a page against the pictures on it: metas by name, and headers."""
    tags = (tag for tag in robots_tags(values_of("x-robots-tag")) if tag in _PAGE_REFUSALS)
    headers = (*(f"x-robots-tag: {tag}" for tag in tags), *_other_headers(values_of))
    return bounded_signals((*_meta_signals(metas), *(f"page {signal}" for signal in headers)))


def robots_tags(values: Iterable[str]) -> list[str]:
    """Return the refusals in X-Robots-Tag headers that are meant for all or for us.

    A tag may be preceded by the name of a robot, which then holds to the end of the header.
    """
    found: list[str] = []
    for value in values:
        agent = ""
        for part in value[:_MAX_VALUE_CHARACTERS].lower().split(","):
            prefix, colon, rest = part.strip().partition(":")
            if colon and prefix.strip() not in _WITH_VALUES and _AGENT.fullmatch(prefix.strip()):
                agent, part = prefix.strip(), rest
            if part.strip() in _REFUSALS and agent.partition("/")[0] in ("", "*", PRODUCT):
                found.append(part.strip())
    return found


def usage_preference(value: str) -> str:
    """Return what a Content-Usage dictionary says of training, as `train-ai=n`; empty: nothing."""
    members = _members(value)
    stated = ((key, members.get(key)) for key in _USAGE_KEYS)
    return next((f"{key}={value}" for key, value in stated if value in ("y", "n")), "")


def signal_refusal(value: str) -> str:
    """Return `ai-train=no` where a Content-Signal (contentsignals.org) refuses training."""
    return "ai-train=no" if _members(value).get("ai-train") == "no" else ""


def _meta_signals(metas: Sequence[tuple[str, str]]) -> Iterator[str]:
    named = [(name.strip().lower(), content.strip()) for name, content in metas]
    for name, content in named:
        if name in ("robots", PRODUCT):
            words = map(str.strip, content[:_MAX_VALUE_CHARACTERS].lower().split(","))
            yield from (f"meta {name}: {word}" for word in words if word in _PAGE_REFUSALS)
    if ("tdm-reservation", "1") in named:
        yield "meta tdm-reservation: 1"
        yield from (f"meta tdm-policy: {text}" for name, text in named if name == "tdm-policy")


def _other_headers(values_of: ValuesOf) -> Iterator[str]:
    usage = usage_preference(", ".join(values_of("content-usage")))
    if usage.endswith("=n"):
        yield f"content-usage: {usage}"
    if refused := signal_refusal(", ".join(values_of("content-signal"))):
        yield f"content-signal: {refused}"
    if "1" in map(str.strip, values_of("tdm-reservation")):
        yield "tdm-reservation: 1"
        yield from (f"tdm-policy: {text.strip()}" for text in values_of("tdm-policy"))


def _members(value: str) -> dict[str, str]:
    """Read a dictionary of tokens (RFC 9651, 3.2) leniently; parameters are passed over."""
    members: dict[str, str] = {}
    if not value:
        return members
    for part in _split_outside_quotes(value[:_MAX_VALUE_CHARACTERS].lower()):
        key, _, text = part.partition(";")[0].partition("=")
        members[key.strip()] = text.strip()
    return members


def _split_outside_quotes(value: str) -> Iterator[str]:
    part, quoted, escaped = "", False, False
    for character in value:
        if character == "," and not quoted:
            yield part
            part = ""
            continue
        if character == '"' and not escaped:
            quoted = not quoted
        escaped = quoted and character == "\\" and not escaped
        part += character
    yield part


def bounded_signals(signals: Iterable[str]) -> tuple[str, ...]:
    """Return signals as a record takes them: each once, few, short and printable."""
    printable = ("".join(filter(str.isprintable, one)) for one in signals)
    return tuple(dict.fromkeys(one[:MAX_SIGNAL_CHARACTERS] for one in printable))[:MAX_SIGNALS]
