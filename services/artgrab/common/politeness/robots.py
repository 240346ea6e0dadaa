"""robots.txt (RFC 9309): what a site asks of visitors that are programs."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from urllib.parse import quote

from protego import Protego

from artgrab.common.network import PRODUCT
from artgrab.common.politeness.optouts import signal_refusal, usage_preference

MAX_BYTES = 512_000
"""RFC 9309, 2.5: parsers must take at least 500 KiB."""
MAX_REDIRECTS = 5
"""RFC 9309, 2.3.1.2: as many should be followed; beyond them there are no rules."""
KNOWN_SECONDS = 24 * 3600.0
"""RFC 9309, 2.4: not to be believed for longer."""

_LINE_END = re.compile(r"\r\n|\r|\n")
_LINE = re.compile(
    r"\s*(user[ -]?agent|allow|diss?all?ow|diasllow|disallaw|crawl[ -]?delay"
    r"|content-usage|content-signal)"
    r"\s*(?::|\s|$)\s*(.*)",
    re.IGNORECASE | re.DOTALL,
)
"""Also as careless people write them: misspelt, or without the colon."""
_TOKEN = re.compile(r"[a-z_-]+|\*", re.IGNORECASE)
_BREAKS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]")
"""What ends a line for some parsers, and for RFC 9309 does not."""
_MAX_KINDS = 16
_RULE_BYTES = 700
"""Measured: 30,000 rules with a wildcard each took 19.4 MB."""


class _Line(NamedTuple):
    field: str
    value: str


class RobotsRules:
    """The rules of one origin, as far as they address us."""

    def __init__(self, text: bytes) -> None:
        """Read a robots.txt, or its first MAX_BYTES; whatever it holds, it is read somehow."""
        lines = list(_lines(text[:MAX_BYTES].decode("utf-8-sig", errors="replace")))
        self.names_us, ours = _addressed_to_us(lines)
        # Protego gets our rules alone: a few kilobytes of many groups would cost it gigabytes.
        paths = [f"{one.field}: {one.value}" for one in ours if one.field in _PROTEGO_FIELDS]
        self._rules = Protego.parse("\n".join(["User-agent: *", *paths]))
        self._usage = PathPreferences(_usage_rules(ours))
        self.bytes = _RULE_BYTES * (1 + len(paths)) + self._usage.bytes
        """Of memory, about; to ask about a URL takes the longer the more it is."""

    def allows(self, url: str) -> bool:
        """Tell whether we may ask for a URL of the origin."""
        return bool(self._rules.can_fetch(url, PRODUCT))

    def opt_outs(self, url: str) -> tuple[str, ...]:
        """Return the signals against learning from what lies at a URL (Content-Usage lines)."""
        return tuple(f"robots.txt: {kind}" for kind in self._usage.kinds(url))

    @property
    def delay(self) -> float:
        """Seconds the site wants between two visits (Crawl-delay), 0 where it does not say."""
        return max(0.0, float(self._rules.crawl_delay(PRODUCT) or 0.0))


class PathPreferences:
    """Which kinds of refusal hold for a URL: patterns and precedence as in robots.txt.

    The longest pattern that matches decides; of equally long ones, a refusal.
    """

    def __init__(self, rules: Iterable[tuple[str, str]]) -> None:
        """Take pairs of a pattern and the kind of its refusal, empty where it is a permission."""
        taken = [(_escaped(pattern).replace("#", "%23"), kind) for pattern, kind in rules]
        kinds = dict.fromkeys(kind for _, kind in taken if kind)
        self._matchers = {kind: _matcher(taken, kind) for kind in list(kinds)[:_MAX_KINDS]}
        self.bytes = _RULE_BYTES * (1 + len(taken) * len(self._matchers))
        """Of memory, about; to ask about a URL takes the longer the more it is."""

    def kinds(self, url: str) -> list[str]:
        """Return the kinds of refusal that hold for a URL."""
        return [kind for kind, one in self._matchers.items() if one.can_fetch(url, PRODUCT)]


def _matcher(rules: Iterable[tuple[str, str]], kind: str) -> Protego:
    """Let Protego allow what is refused: where patterns are equally long, Allow wins."""
    lines = [f"{'Allow' if one == kind else 'Disallow'}: {pattern}" for pattern, one in rules]
    return Protego.parse("\n".join(["User-agent: *", "Disallow: /", *lines]))


_PROTEGO_FIELDS = ("Allow", "Disallow", "Crawl-delay")
_FIELDS = {
    "useragent": "User-agent",
    "allow": "Allow",
    "crawldelay": "Crawl-delay",
    "contentusage": "Content-Usage",
    "contentsignal": "Content-Signal",
}
_ENDS_AGENTS = ("Allow", "Disallow", "Content-Usage")
"""RFC 9309, 2.2.4: other records must not interfere with groups."""
_USAGE_FIELDS = ("Content-Usage", "Content-Signal")


def _lines(text: str) -> Iterator[_Line]:
    for line in _LINE_END.split(text):
        match = _LINE.fullmatch(line.partition("#")[0])
        if match:
            name = re.sub("[ -]", "", match[1].lower())
            yield _Line(_FIELDS.get(name, "Disallow"), _escaped(match[2].strip()))


def _addressed_to_us(lines: Iterable[_Line]) -> tuple[bool, list[_Line]]:
    """Return whether a group names us, and the rules of all groups that do; else those for *.

    What is said on usage before any group is meant for everybody.
    """
    rules: dict[str, list[_Line]] = {PRODUCT: [], "*": [], "": []}
    named, agents, collecting = False, {""}, False
    for line in lines:
        if line.field == "User-agent":
            agents = agents if collecting else set()
            collecting = True
            agents.add(_agent(line.value))
            named = named or PRODUCT in agents
            continue
        collecting = collecting and line.field not in _ENDS_AGENTS
        for agent in (one for one in rules if one in agents):
            rules[agent].append(line)
    everybody = [line for line in rules[""] if line.field in _USAGE_FIELDS]
    return named, everybody + rules[PRODUCT if named else "*"]


def _agent(value: str) -> str:
    """Return the product token of a User-agent line; "?" where there is none."""
    match = _TOKEN.match(value)
    return match[0].lower() if match else "?"


def _usage_rules(lines: Iterable[_Line]) -> Iterator[tuple[str, str]]:
    for field, value in lines:
        pattern, preferences = _split_pattern(value)
        if field == "Content-Usage" and (stated := usage_preference(preferences)):
            yield pattern, "" if stated.endswith("=y") else f"content-usage {stated}"
        elif field == "Content-Signal" and (refused := signal_refusal(preferences)):
            yield pattern, f"content-signal {refused}"


def _split_pattern(value: str) -> tuple[str, str]:
    """Split `/path train-ai=n`; without a path the whole site is meant."""
    if not value.startswith(("/", "*")):
        return "/", value
    pattern, *preferences = value.split(None, 1)
    return pattern, " ".join(preferences)


def _escaped(value: str) -> str:
    return _BREAKS.sub(lambda match: quote(match[0]), value)


FORBID_ALL = RobotsRules(b"User-agent: *\nDisallow: /\n")
"""For sites whose rules cannot be had."""
